"""Pictures of a legacy network as SVG: who is cabled to whom by VLAN with the root and blocked ports; gateways.

Lives here: layout and shapes. Must not know: documents. VLANs whose trees look alike share a picture.
"""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import networkx as nx

from clos.controller.migrate.discover.names import vlan_text
from clos.controller.migrate.model import Cable, Network
from clos.controller.migrate.plan.contents import ROUTES, TREES
from clos.controller.migrate.plan.make import Planned

_WIDTH, _ROW, _BOX, _HIGH, _MARGIN = 960, 120, 96, 34, 40
_INK, _ROOT, _BLOCKED, _PALE, _FABRIC = "#1c2733", "#1b7f4d", "#b3261e", "#8795a3", "#1f5fa8"
Spot = tuple[float, float]


class Picture(NamedTuple):
    """A picture, and the heading that it stands below."""

    section: str
    svg: str
    caption: str


def pictures(planned: Planned) -> tuple[Picture, ...]:
    """All pictures in the order of the document."""
    return (*_routing(planned), *_trees(planned))


def _places(network: Network, extra: Mapping[str, str]) -> dict[str, Spot]:
    """Devices in rows by their distance from the most central one, each row in the order of its neighbours."""
    graph: nx.Graph[str] = nx.Graph()
    graph.add_nodes_from(network.devices)
    graph.add_edges_from((cable.a[0], cable.b[0]) for cable in network.cables)
    graph.add_edges_from(extra.items())
    if not graph:
        return {}
    rows: dict[int, list[str]] = {}
    for name, depth in _depths(graph).items():
        rows.setdefault(depth, []).append(name)
    places: dict[str, Spot] = {}
    for number, depth in enumerate(sorted(rows)):
        above = {name: x for name, (x, _) in places.items()}

        def middle(name: str, above: Mapping[str, float] = above) -> tuple[float, str]:
            near = [above[n] for n in graph[name] if n in above]
            return (sum(near) / len(near) if near else 0.0, name)

        names = sorted(rows[depth], key=middle)
        step = (_WIDTH - 2 * _MARGIN) / len(names)
        for place, name in enumerate(names):
            places[name] = (_MARGIN + step * (place + 0.5), _MARGIN + _ROW * number + _HIGH / 2)
    return places


def _depths(graph: nx.Graph[str]) -> dict[str, int]:
    """Distance from the most connected devices; parts that nothing connects begin anew."""
    depths: dict[str, int] = {}
    for part in sorted(nx.connected_components(graph), key=lambda names: (-len(names), min(names))):
        sub = graph.subgraph(part)
        centre = min(nx.closeness_centrality(sub).items(), key=lambda item: (-item[1], item[0]))[0]
        depths.update(nx.single_source_shortest_path_length(sub, centre))
    return depths


def _trees(planned: Planned) -> Iterator[Picture]:
    start, network = planned.plan.start, planned.ground.network
    places = _places(network, {})
    alike: dict[tuple[tuple[str, ...], tuple[str, ...]], list[int]] = {}
    for vlan, roots in start.roots.items():
        alike.setdefault((roots, start.blocked.get(vlan, ())), []).append(vlan)
    for (roots, blocked), vlans in alike.items():
        carried = [c for c in network.cables if _carries(network, c, vlans[0])]
        body = [*_cables(carried, places, frozenset(blocked)), *_boxes(network, places, frozenset(roots), vlans[0])]
        title = f"VLANs {vlan_text(vlans)}" if len(vlans) > 1 else f"VLAN {vlans[0]}"
        caption = f"{title}: root {', '.join(roots)} (green); {len(blocked)} blocked ports (red)."
        yield Picture(TREES, _svg(body, places, caption), caption)


def _carries(network: Network, cable: Cable, vlan: int) -> bool:
    for device, port in cable:
        known = network.devices[device].interfaces.get(port) if device in network.devices else None
        if known is None or known.mode == "routed" or (known.allowed is not None and vlan not in known.allowed):
            return False
        if known.mode == "access" and known.access_vlan != vlan:
            return False
    return True


def _cables(cables: list[Cable], places: Mapping[str, Spot], blocked: frozenset[str]) -> Iterator[str]:
    for cable in cables:
        (x1, y1), (x2, y2) = places[cable.a[0]], places[cable.b[0]]
        bow = -0.22 * abs(x2 - x1) if y1 == y2 else 0.0
        middle = f"{(x1 + x2) / 2:.0f} {(y1 + y2) / 2 + bow:.0f}"
        yield (
            f'<path d="M{x1:.0f} {y1:.0f} Q{middle} {x2:.0f} {y2:.0f}" fill="none" stroke="{_PALE}" '
            'stroke-width="1.5"/>'
        )
        for (device, port), (x, y), (fx, fy) in ((cable.a, (x1, y1), (x2, y2)), (cable.b, (x2, y2), (x1, y1))):
            if f"{device} {port}" in blocked:
                cx, cy = x + (fx - x) * 0.3, y + (fy - y) * 0.3
                title = html.escape(f"{device} {port} blocks")
                yield f'<circle cx="{cx:.0f}" cy="{cy:.0f}" r="6" fill="{_BLOCKED}"><title>{title}</title></circle>'


def _boxes(network: Network, places: Mapping[str, Spot], roots: frozenset[str], vlan: int) -> Iterator[str]:
    for name, (x, y) in places.items():
        device = network.devices.get(name)
        member = device is None or vlan in device.vlans or name in roots
        colour = _ROOT if name in roots else _INK if member else _PALE
        yield _box(name, x, y, colour, name in roots)


def _box(name: str, x: float, y: float, colour: str, filled: bool = False) -> str:
    fill, ink = (colour, "#fff") if filled else ("#fff", colour)
    return (
        f'<rect x="{x - _BOX / 2:.0f}" y="{y - _HIGH / 2:.0f}" width="{_BOX}" height="{_HIGH}" rx="6" fill="{fill}" '
        f'stroke="{colour}" stroke-width="1.5"/><text x="{x:.0f}" y="{y + 5:.0f}" text-anchor="middle" fill="{ink}" '
        f'font-size="14">{html.escape(name)}</text>'
    )


def _routing(planned: Planned) -> Iterator[Picture]:
    """Routers with EIGRP between them, their VLANs' number below, and the fabric at its borders."""
    network, ground = planned.ground.network, planned.ground
    extra = {border.host: border.device for border in ground.borders}
    routers = {name for name, device in network.devices.items() if device.eigrp or name in extra.values()}
    small = Network(
        {name: network.devices[name] for name in network.devices if name in routers},
        tuple(c for c in network.cables if c.a[0] in routers and c.b[0] in routers),
    )
    places = _places(small, extra)
    body = list(_cables(list(small.cables), places, frozenset()))
    for host, device in extra.items():
        (x1, y1), (x2, y2) = places[host], places[device]
        dash = "" if host == ground.border.host else ' stroke-dasharray="6 4"'
        line = f'<line x1="{x1:.0f}" y1="{y1:.0f}" x2="{x2:.0f}" y2="{y2:.0f}" stroke="{_FABRIC}"{dash}/>'
        body.append(line)
    for name, (x, y) in places.items():
        body.append(_box(name, x, y, _FABRIC if name in extra else _INK, name in extra))
        active = [o.vlan for o in planned.plan.start.gateways if o.owners and o.owners[0] == name]
        if active:
            words = f"gateway of {vlan_text(active)}"
            body.append(
                f'<text x="{x:.0f}" y="{y + _HIGH:.0f}" text-anchor="middle" fill="{_INK}" '
                f'font-size="11">{words}</text>'
            )
    caption = "Routers and the borders of the fabric (blue; the dashed one is ready and carries nothing)."
    yield Picture(ROUTES, _svg(body, places, caption), caption)


def _svg(body: list[str], places: Mapping[str, Spot], title: str) -> str:
    height = max((y for _, y in places.values()), default=0) + _HIGH + _MARGIN
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height:.0f}" width="{_WIDTH}" '
        f'role="img" font-family="system-ui,sans-serif"><title>{html.escape(title)}</title>{"".join(body)}</svg>'
    )
