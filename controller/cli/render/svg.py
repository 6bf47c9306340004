"""A fabric as an SVG picture: spines above, leaves below them, hosts under their leaves.

Lives here: where things stand and how they look. Must not know: files, flags, rules.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from html import escape as escaped
from itertools import chain
from typing import NamedTuple

from clos.fabric.topology import BORDER, SPINE, Host, Switch, Topology

escape = partial(escaped, quote=False)
"""For text between tags: not xml.sax.saxutils, which loads an HTTP client."""

COLUMN, ROW, MARGIN = 118, 28, 28
"""Width of a leaf's column, height of a host's row, and space around, in pixels."""
BOX = (96, 34)
CHIP = (96, 20)
SPINE_Y, DROP = 84, 68
"""The middle of the spines' row, and how far below its leaf the first host stands."""
MOST_HOSTS = 600
"""Fabrics with more hosts show how many each leaf has."""

FILL = {SPINE: "#1f3a5f", "leaf": "#2f6690", BORDER: "#8a5a2b"}
PALETTE = ("#2a9d8f", "#e76f51", "#8e6bbf", "#e9b44c", "#3d7dca", "#c2577a", "#6a994e", "#9c6644", "#5c677d", "#d1495b")
NOBODY = "#c3ccd6"


class Place(NamedTuple):
    """The middle of a box or chip."""

    x: float
    y: float


class Chip(NamedTuple):
    """A host (or a number of them) as drawn; ``leaves``: whose columns it hangs on."""

    text: str
    place: Place
    leaves: tuple[str, ...]
    colours: tuple[str, ...] = ()


def svg(topology: Topology, owners: Mapping[str, tuple[str, ...]] | None = None) -> str:
    """The picture. ``owners``: the tenants on each host, by name; they get a colour and a line in the legend."""
    owners = owners or {}
    tenants = list(dict.fromkeys(chain.from_iterable(owners.values())))
    colours = {tenant: PALETTE[i % len(PALETTE)] for i, tenant in enumerate(tenants)}
    columns = _columns(topology)
    chips = list(_chips(topology, columns, {h: tuple(colours[t] for t in names) for h, names in owners.items()}))
    width = 2 * MARGIN + max(len(columns), len(topology.spines), 3) * COLUMN
    leaf_y = SPINE_Y + min(150 + 5 * len(columns), 360)
    places = _spines(topology, width) | {leaf: Place(x, leaf_y) for leaf, x in _centred(columns, width).items()}
    chips = [_moved(chip, places) for chip in chips]
    bottom = max((chip.place.y for chip in chips), default=leaf_y) + ROW
    height = bottom + MARGIN + (ROW if colours else 0)
    parts = chain(
        _head(topology, width, height),
        _pairs(topology, places),
        _cables(topology, places),
        _wires(chips, places),
        (_switch(switch, places[switch.name]) for switch in topology.switches.values()),
        map(_chip, chips),
        _legend(colours, bottom + MARGIN),
    )
    return "\n".join((*parts, "</svg>")) + "\n"


def _columns(topology: Topology) -> list[str]:
    """Leaves from left to right: in the topology's order, the two of a pair side by side."""
    found: dict[str, None] = {}
    for leaf in topology.leaves:
        pair = topology.pair_of.get(leaf.name)
        found |= dict.fromkeys(pair.leaves if pair else (leaf.name,))
    return list(found)


def _centred(columns: list[str], width: float) -> dict[str, float]:
    start = (width - len(columns) * COLUMN) / 2 + COLUMN / 2
    return {leaf: start + i * COLUMN for i, leaf in enumerate(columns)}


def _spines(topology: Topology, width: float) -> dict[str, Place]:
    step = (width - 2 * MARGIN) / max(len(topology.spines), 1)
    return {s.name: Place(MARGIN + step * (i + 0.5), SPINE_Y) for i, s in enumerate(topology.spines)}


def _chips(topology: Topology, columns: list[str], colours: Mapping[str, tuple[str, ...]]) -> Iterator[Chip]:
    """Hosts by row; ``place`` still counts rows: single-homed ones first, then those between two leaves."""
    rows = dict.fromkeys(columns, 0)
    if len(topology.hosts) > MOST_HOSTS:
        for leaf in columns:
            number = sum(port.switch == leaf for port in topology.host_at)
            yield Chip(f"{number} hosts", Place(0, 0), (leaf,))
        return
    for host in sorted(topology.hosts.values(), key=_is_dual):
        leaves = tuple(port.switch for port in host.ports)
        row = max(rows[leaf] for leaf in leaves)
        rows |= dict.fromkeys(leaves, row + 1)
        yield Chip(host.name, Place(0, row), leaves, colours.get(host.name, ()))


def _is_dual(host: Host) -> bool:
    return host.dual_homed


def _moved(chip: Chip, places: Mapping[str, Place]) -> Chip:
    """The chip where its leaves are: under its one leaf, or in the middle of two."""
    above = [places[leaf] for leaf in chip.leaves]
    x = sum(place.x for place in above) / len(above)
    return chip._replace(place=Place(x, above[0].y + DROP + chip.place.y * ROW))


def _head(topology: Topology, width: float, height: float) -> Iterator[str]:
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:g}" height="{height:g}" '
        f'viewBox="0 0 {width:g} {height:g}" font-family="system-ui, Helvetica, Arial, sans-serif">'
    )
    yield f'<rect width="{width:g}" height="{height:g}" fill="#ffffff"/>'
    spines, leaves, hosts = len(topology.spines), len(topology.leaves), len(topology.hosts)
    words = f"{spines} spines, {leaves} leaves, {hosts} hosts"
    yield f'<text x="{MARGIN}" y="36" font-size="18" font-weight="600" fill="#1b2733">{escape(topology.name)}</text>'
    yield f'<text x="{width - MARGIN:g}" y="36" font-size="12" text-anchor="end" fill="#5b6b7b">{words}</text>'


def _pairs(topology: Topology, places: Mapping[str, Place]) -> Iterator[str]:
    """A frame around the two leaves of a pair."""
    for pair in topology.pairs.values():
        left, right = sorted(places[leaf] for leaf in pair.leaves)
        x, y, width = left.x - BOX[0] / 2 - 8, left.y - BOX[1] / 2 - 8, right.x - left.x + BOX[0] + 16
        yield (
            f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{BOX[1] + 16}" rx="10" fill="#eef3f8" '
            f'stroke="#b8c7d6" stroke-dasharray="4 3"><title>{escape(pair.name)}, tag {pair.tag}</title></rect>'
        )


def _cables(topology: Topology, places: Mapping[str, Place]) -> Iterator[str]:
    """Curves between spines and leaves, wider where they are faster than the slowest."""
    slowest = min((link.speed for link in topology.links), default=1)
    yield '<g fill="none" stroke="#7b8ea3" stroke-opacity="0.55">'
    for link in topology.links:
        upper, lower = sorted((places[link.a.switch], places[link.b.switch]), key=lambda place: place.y)
        top, bottom = upper.y + BOX[1] / 2, lower.y - BOX[1] / 2
        bend = (top + bottom) / 2
        width = min(1.2 * link.speed / slowest, 4)
        yield (
            f'<path d="M{upper.x:g} {top:g}C{upper.x:g} {bend:g} {lower.x:g} {bend:g} {lower.x:g} {bottom:g}" '
            f'stroke-width="{width:g}"><title>{link.a} to {link.b}, {link.speed} Mbit/s</title></path>'
        )
    yield "</g>"


def _wires(chips: Iterable[Chip], places: Mapping[str, Place]) -> Iterator[str]:
    """From each leaf down to its hosts, and across to those that hang on two leaves."""
    lowest: dict[str, float] = {}
    yield '<g stroke="#7b8ea3" stroke-width="1.2">'
    for chip in chips:
        for leaf in chip.leaves:
            lowest[leaf] = max(lowest.get(leaf, 0), chip.place.y)
            if len(chip.leaves) > 1:
                yield f'<path d="M{places[leaf].x:g} {chip.place.y:g}H{chip.place.x:g}"/>'
    for leaf, y in lowest.items():
        yield f'<path d="M{places[leaf].x:g} {places[leaf].y + BOX[1] / 2:g}V{y:g}"/>'
    yield "</g>"


def _switch(switch: Switch, place: Place) -> str:
    x, y = place.x - BOX[0] / 2, place.y - BOX[1] / 2
    tag = f", tag {switch.tag}" if switch.is_leaf else ""
    return (
        f"<g><title>{escape(switch.name)}, {switch.role}, {switch.dpid:#x}{tag}</title>"
        f'<rect x="{x:g}" y="{y:g}" width="{BOX[0]}" height="{BOX[1]}" rx="6" fill="{FILL[switch.role]}"/>'
        f'<text x="{place.x:g}" y="{place.y + 5:g}" font-size="14" font-weight="600" text-anchor="middle" '
        f'fill="#ffffff">{escape(switch.name)}</text></g>'
    )


def _chip(chip: Chip) -> str:
    x, y = chip.place.x - CHIP[0] / 2, chip.place.y - CHIP[1] / 2
    marks = chip.colours or (NOBODY,)
    each = CHIP[1] / len(marks)
    stripes = "".join(
        f'<rect x="{x:g}" y="{y + i * each:g}" width="6" height="{each:g}" fill="{colour}"/>'
        for i, colour in enumerate(marks)
    )
    return (
        f'<g><rect x="{x:g}" y="{y:g}" width="{CHIP[0]}" height="{CHIP[1]}" fill="#f7f9fb" stroke="#b8c7d6"/>{stripes}'
        f'<text x="{chip.place.x + 3:g}" y="{chip.place.y + 4:g}" font-size="11" text-anchor="middle" fill="#1b2733">'
        f"{escape(chip.text)}</text></g>"
    )


def _legend(colours: Mapping[str, str], y: float) -> Iterator[str]:
    for i, (tenant, colour) in enumerate(colours.items()):
        x = MARGIN + i * COLUMN
        yield f'<rect x="{x:g}" y="{y - 10:g}" width="12" height="12" rx="2" fill="{colour}"/>'
        yield f'<text x="{x + 18:g}" y="{y:g}" font-size="12" fill="#1b2733">{escape(tenant)}</text>'
