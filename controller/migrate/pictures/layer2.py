"""Layer 2 of a VLAN: bridges in rows from the root, cables, and the ports that block.

Lives here: roles and states as the devices show them, or as predicted where they show none. Must not know: how a
prediction is made.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from clos.controller.migrate.model import BLOCKING, BROKEN, Network
from clos.controller.migrate.pictures import svg
from clos.controller.migrate.pictures.layers import rows_from
from clos.controller.migrate.predict.spanning_tree import predict
from clos.controller.migrate.predict.stp_fates import Key

_SHORT = (("TenGigabitEthernet", "Te"), ("FortyGigabitEthernet", "Fo"), ("HundredGigE", "Hu"),
          ("GigabitEthernet", "Gi"), ("FastEthernet", "Fa"), ("Port-channel", "Po"), ("Ethernet", "Et"))  # fmt: skip


class NoPicture(Exception):
    """There is nothing to draw; the message says why."""


class _Facts(NamedTuple):
    """Of a VLAN: its bridges, which of them are roots, and what blocks which port."""

    bridges: tuple[str, ...]
    roots: tuple[str, ...]
    blocked: dict[Key, str]
    source: str


def layer2(network: Network, vlan: int) -> str:
    """The picture of a VLAN. Raises NoPicture."""
    facts = _facts(network, vlan)
    cables = [
        (a, b) for a, b in _cables(network) if {a[0], b[0]} <= set(facts.bridges) and _carried(network, vlan, a, b)
    ]
    boxes = {name: svg.Box(0, 0, (name, *_words(network, facts, vlan, name))) for name in facts.bridges}
    for name in facts.roots:
        boxes[name].kind = "root"
    rows = rows_from(facts.roots, [(a[0], b[0]) for a, b in cables], facts.bridges)
    width, height = svg.placed(rows, boxes)
    inferred = {frozenset(_carrier(network, end) for end in one.cable) for one in network.inferred}
    lines = list(_lines(cables, boxes, facts.blocked, inferred))
    legend = svg.text(24, height - 16, "thick: root; dashed and ×: blocks; dotted: inferred cable", "small")
    roots = " and ".join(facts.roots) or "unknown"
    many = f"{len(facts.blocked)} blocked port{'' if len(facts.blocked) == 1 else 's'}"
    title = f"VLAN {vlan}: root {roots}, {many} ({facts.source})"
    return svg.document(title, [*lines, *(box.drawn() for box in boxes.values()), legend], width, height)


def _facts(network: Network, vlan: int) -> _Facts:
    """What devices show of the VLAN's tree, if any shows it; else what is predicted."""
    shown = {
        name: tree for name, device in network.devices.items() for tree in device.state.trees or () if tree.vlan == vlan
    }
    if shown:
        blocked = {
            (name, port.name): port.inconsistent or port.role
            for name, tree in shown.items()
            for port in tree.ports
            if port.state in (BLOCKING, BROKEN)
        }
        roots = tuple(name for name, tree in shown.items() if tree.is_root)
        return _Facts(tuple(shown), roots, blocked, "as the devices show it")
    tree = predict(network, [vlan])[vlan]
    if tree.unknown:
        raise NoPicture(f"VLAN {vlan}: no device shows its tree, and nothing can be predicted: {tree.unknown[0]}")
    if not tree.layout.paths:
        raise NoPicture(f"VLAN {vlan}: no device has it")
    blocked = {key: tree.layout.ports[key].inconsistent or tree.layout.ports[key].role for key in tree.blocked}
    return _Facts(tuple(tree.layout.paths), tree.roots, blocked, "as predicted")


def _carrier(network: Network, end: Key) -> Key:
    """The port that trees know: a member's port-channel."""
    device = network.devices.get(end[0])
    port = device.interfaces.get(end[1]) if device else None
    return end if port is None or port.channel is None else (end[0], f"Port-channel{port.channel}")


def _cables(network: Network) -> list[tuple[Key, Key]]:
    """Each link once; the members of a port-channel are one link."""
    found: dict[tuple[Key, Key], None] = {}
    for cable in network.cables:
        a, b = sorted(_carrier(network, end) for end in cable)
        found[a, b] = None
    return list(found)


def _carried(network: Network, vlan: int, a: Key, b: Key) -> bool:
    """Whether both ends carry the VLAN, as far as is known."""
    for name, port in (a, b):
        own = network.devices[name].interfaces.get(port)
        if own is None or own.mode == "routed" or own.shutdown:
            return False
        if vlan not in (own.allowed if own.allowed is not None else {own.access_vlan}):
            return False
    return True


def _words(network: Network, facts: _Facts, vlan: int, name: str) -> Iterator[str]:
    device = network.devices[name]
    tree = next((one for one in device.state.trees or () if one.vlan == vlan), None)
    priority = tree.bridge_priority if tree else device.stp.priorities.get(vlan, 32768) + vlan
    yield f"{'root, ' if name in facts.roots else ''}priority {priority}"
    svi = device.interfaces.get(f"Vlan{vlan}")
    if svi is not None and svi.addresses:
        yield str(svi.addresses[0])


def short(port: str) -> str:
    """``GigabitEthernet0/1`` -> ``Gi0/1``."""
    return next((brief + port.removeprefix(full) for full, brief in _SHORT if port.startswith(full)), port)


def _lines(
    cables: list[tuple[Key, Key]], boxes: dict[str, svg.Box], blocked: dict[Key, str], inferred: set[frozenset[Key]]
) -> Iterator[str]:
    """Links between the same two bridges run beside one another; a label stands by each end."""
    beside: dict[frozenset[str], int] = {}
    for a, b in cables:
        number = beside[frozenset((a[0], b[0]))] = beside.get(frozenset((a[0], b[0])), -1) + 1
        shift = 16 * ((number + 1) // 2) * (1 if number % 2 else -1)
        one, other = boxes[a[0]], boxes[b[0]]
        same_row = abs(one.y - other.y) < 1
        dx, dy = (0, shift) if same_row else (shift, 0)
        ends = one.edge(other.x, other.y), other.edge(one.x, one.y)
        start, end = ((x + dx, y + dy) for x, y in ends)
        kind = "blocked" if a in blocked or b in blocked else "guess" if frozenset((a, b)) in inferred else ""
        apart = same_row and any(
            abs(box.y - one.y) < 1 and min(one.x, other.x) < box.x < max(one.x, other.x) for box in boxes.values()
        )
        if apart:
            start, end = (one.x, one.y + one.height / 2), (other.x, other.y + other.height / 2)
            yield svg.arc(start, end, 60 + abs(one.x - other.x) / 8, kind)
        else:
            yield svg.line(start, end, kind)
        for key, here, there in ((a, start, end), (b, end, start)):
            x, y = here[0] + 0.14 * (there[0] - here[0]), here[1] + 0.14 * (there[1] - here[1])
            yield svg.text(x + 4, y + (4 if there[1] >= here[1] else 0), short(key[1]), "small")
            if key in blocked:
                yield svg.text(x - 6, y + 4, "×", "mark", "end")
