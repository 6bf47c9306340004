"""``show spanning-tree``, ``root`` and ``blockedports``: trees as IOS prints them."""

from __future__ import annotations

from collections.abc import Iterator

from clos.fabric.sim.legacy.device import LegacyDevice
from clos.fabric.sim.legacy.grammar import INVALID, Match
from clos.fabric.sim.legacy.names import short_name
from clos.fabric.sim.legacy.show.words import listed, mac_text, text_of
from clos.fabric.sim.legacy.state import StpPort, StpTree

_ROLES = {"root": "Root", "designated": "Desg", "alternate": "Altn", "backup": "Back", "disabled": "Dis"}
_STATES = {"forwarding": "FWD", "learning": "LRN", "listening": "LIS", "blocking": "BLK", "broken": "BKN"}
NONE = "No spanning tree instance exists.\n"


def spanning_tree(device: LegacyDevice, match: Match) -> str:
    """All trees, or the one of the VLAN that is named."""
    trees = device.machines.trees()
    if trees is None:
        return f"{INVALID}\n\n"
    wanted = int(match.arguments[0]) if match.arguments else None
    shown = [tree for tree in trees if wanted in (None, tree.vlan) or not tree.vlan]
    if not shown:
        return NONE if wanted is None else f"Spanning tree instance(s) for vlan {wanted} does not exist.\n"
    return text_of(line for tree in shown for line in ("", *_tree(tree), ""))


def name_of(tree: StpTree) -> str:
    """``VLAN0010``; ``MST0`` where one tree is all VLANs'."""
    return f"VLAN{tree.vlan:04d}" if tree.vlan else "MST0"


def _tree(tree: StpTree) -> Iterator[str]:
    times = "Hello Time   {} sec  Max Age {} sec  Forward Delay {} sec".format(*tree.timers)
    priority = tree.bridge[0] - tree.vlan
    yield name_of(tree)
    yield f"  Spanning tree enabled protocol {tree.protocol}"
    yield f"  Root ID    Priority    {tree.root[0]}"
    yield f"             Address     {mac_text(tree.root[1])}"
    if tree.root_port is None:
        yield "             This bridge is the root"
    else:
        number = next(port.number for port in tree.ports if port.name == tree.root_port)
        yield f"             Cost        {tree.root_cost}"
        yield f"             Port        {number} ({tree.root_port})"
    yield f"             {times}"
    yield ""
    yield f"  Bridge ID  Priority    {tree.bridge[0]}  (priority {priority} sys-id-ext {tree.vlan})"
    yield f"             Address     {mac_text(tree.bridge[1])}"
    yield f"             {times}"
    yield "             Aging Time  300 sec"
    yield ""
    yield "Interface           Role Sts Cost      Prio.Nbr Type"
    yield "------------------- ---- --- --------- -------- --------------------------------"
    yield from (_port(port) for port in tree.ports)


def _port(port: StpPort) -> str:
    state = _STATES[port.state] + ("*" if port.inconsistent else "")
    kind = port.link_type + (" Edge" if port.edge else "") + (f" *{port.inconsistent}" if port.inconsistent else "")
    number = f"{port.priority}.{port.number}"
    return f"{short_name(port.name):<19} {_ROLES[port.role]:<4} {state:<4}{port.cost:<9} {number:>8} {kind} "


def root(device: LegacyDevice, match: Match) -> str:
    trees = device.machines.trees()
    if trees is None:
        return f"{INVALID}\n\n"
    head = (
        "",
        "                                        Root    Hello Max Fwd",
        "Vlan                   Root ID          Cost    Time  Age Dly  Root Port",
        "---------------- -------------------- --------- ----- --- ---  ------------",
    )
    return text_of([*head, *(_root(tree) for tree in trees)])


def _root(tree: StpTree) -> str:
    port = "" if tree.root_port is None else short_name(tree.root_port)
    hello, age, delay = tree.timers
    identifier = f"{tree.root[0]:>5} {mac_text(tree.root[1])}"
    times = f"{hello:>4}   {age:>2}  {delay:>2}"
    return f"{name_of(tree):<16} {identifier:<20} {tree.root_cost:>9} {times}  {port}".rstrip()


def blocked_ports(device: LegacyDevice, match: Match) -> str:
    trees = device.machines.trees()
    if trees is None:
        return f"{INVALID}\n\n"
    lines = [
        "",
        "Name                 Blocked Interfaces List",
        "-------------------- ------------------------------------",
    ]
    count = 0
    for tree in trees:
        names = [short_name(port.name) for port in tree.ports if port.state in {"blocking", "broken"}]
        count += len(names)
        if names:
            first, *more = listed(names, 21)
            lines += [f"{name_of(tree):<21}{first}", *(f"{'':21}{line}" for line in more)]
    return text_of([*lines, "", f"Number of blocked ports (segments) in the system : {count}", ""])
