"""``show spanning-tree detail`` and ``summary``: each port's values at length, and how many ports are in each state."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from clos.fabric.sim.legacy.device import LegacyDevice
from clos.fabric.sim.legacy.grammar import INVALID, Match
from clos.fabric.sim.legacy.show.spanning_tree import NONE, name_of
from clos.fabric.sim.legacy.show.words import clock_time, mac_text, text_of
from clos.fabric.sim.legacy.state import StpPort, StpTree
from clos.fabric.sim.legacy.tree import value


def detail(device: LegacyDevice, match: Match) -> str:
    """All trees, or the one of the VLAN that is named."""
    trees = device.machines.trees()
    if trees is None:
        return f"{INVALID}\n\n"
    wanted = int(match.arguments[0]) if match.arguments else None
    shown = [tree for tree in trees if wanted in (None, tree.vlan) or not tree.vlan]
    return text_of(line for tree in shown for line in (*_tree(tree), "")) if shown else NONE


def _tree(tree: StpTree) -> Iterator[str]:
    hello, age, delay = tree.timers
    yield f" {name_of(tree)} is executing the {tree.protocol} compatible Spanning Tree protocol"
    priority = tree.bridge[0] - tree.vlan
    yield f"  Bridge Identifier has priority {priority}, sysid {tree.vlan}, address {mac_text(tree.bridge[1])}"
    yield f"  Configured hello time {hello}, max age {age}, forward delay {delay}"
    if tree.root_port is None:
        yield "  We are the root of the spanning tree"
    else:
        number = next(port.number for port in tree.ports if port.name == tree.root_port)
        yield f"  Current root has priority {tree.root[0]}, address {mac_text(tree.root[1])}"
        yield f"  Root port is {number} ({tree.root_port}), cost of root path is {tree.root_cost}"
    yield "  Topology change flag not set, detected flag not set"
    yield f"  Number of topology changes {tree.changes} last change occurred {clock_time(tree.changed_s)} ago"
    if tree.changed_from:
        yield f"          from {tree.changed_from}"
    yield f"  Times:  hold 1, topology change {age + delay}, notification {hello}"
    yield f"          hello {hello}, max age {age}, forward delay {delay} "
    yield "  Timers: hello 0, topology change 0, notification 0, aging 300"
    yield ""
    for port in tree.ports:
        yield from _port(tree, port)
        yield ""


def _port(tree: StpTree, port: StpPort) -> Iterator[str]:
    held = f" ({port.inconsistent})" if port.inconsistent else ""
    yield f" Port {port.number} ({port.name}) of {name_of(tree)} is {port.role} {port.state}{held} "
    identifier = f"{port.priority}.{port.number}"
    yield f"   Port path cost {port.cost}, Port priority {port.priority}, Port Identifier {identifier}."
    yield f"   Designated root has priority {port.designated_root[0]}, address {mac_text(port.designated_root[1])}"
    bridge = f"priority {port.designated_bridge[0]}, address {mac_text(port.designated_bridge[1])}"
    yield f"   Designated bridge has {bridge}"
    near, cost = ".".join(map(str, port.designated_port)), port.designated_cost
    yield f"   Designated port id is {near}, designated path cost {cost}"
    yield "   Timers: message age 0, forward delay 0, hold 0"
    yield f"   Number of transitions to forwarding state: {port.transitions}"
    if port.edge:
        yield "   The port is in the portfast mode"
    yield f"   Link type is {'point-to-point' if port.link_type == 'P2p' else 'shared'} by default"
    yield f"   BPDU: sent {port.sent}, received {port.received}"


def summary(device: LegacyDevice, match: Match) -> str:
    trees = device.machines.trees()
    if trees is None:
        return f"{INVALID}\n\n"
    mode = value(device.running, "spanning-tree mode") or "pvst"
    roots = ", ".join(name_of(tree) for tree in trees if tree.root_port is None) or "none"
    rows = [(name_of(tree), _states(tree)) for tree in trees]
    sums = [sum(column) for column in zip(*(states for _, states in rows), strict=True)] or [0] * 5
    kind = ("mst" if mode == "mst" else "vlan") + ("" if len(rows) == 1 else "s")
    lines = [
        f"Switch is in {mode} mode",
        f"Root bridge for: {roots}",
        "",
        "Name                   Blocking Listening Learning Forwarding STP Active",
        "---------------------- -------- --------- -------- ---------- ----------",
        *(_row(name, states) for name, states in rows),
        "---------------------- -------- --------- -------- ---------- ----------",
        _row(f"{len(rows)} {kind}", sums),
    ]
    return text_of(lines)


def _states(tree: StpTree) -> list[int]:
    count = Counter(port.state for port in tree.ports if port.role != "disabled")
    blocking = count["blocking"] + count["broken"]
    return [blocking, count["listening"], count["learning"], count["forwarding"], count.total()]


def _row(name: str, states: list[int]) -> str:
    return f"{name:<22} {states[0]:>8} {states[1]:>9} {states[2]:>8} {states[3]:>10} {states[4]:>10}"
