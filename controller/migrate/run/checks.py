"""Whether a check holds: a verdict on what was seen, with the values that say so.

Lives here: one function for each kind of check. Pure. Must not know: how things are seen.
A check that could not be made is UNKNOWN, never held.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from ipaddress import IPv4Network
from typing import NamedTuple

from clos.controller.migrate.discover.names import interface_name
from clos.controller.migrate.model import Device, StpTree
from clos.controller.migrate.plan.model import Budget, Check, Plan
from clos.controller.migrate.run.configuration import digest, statements
from clos.controller.migrate.run.losses import by_host
from clos.controller.migrate.run.seen import Seen, border_ports

HELD, FAILED, UNKNOWN = "held", "failed", "unknown"
FINAL = frozenset({"loss"})
"""Kinds of checks that do not come to hold once they have failed: what is lost is lost."""
FABRIC = "fabric"
"""The owner of a gateway that has moved."""


class Verdict(NamedTuple):
    """``words``: what was seen instead, or why nothing was."""

    check: Check
    result: str
    words: str = ""

    def __str__(self) -> str:
        return f"{self.check}: {self.result}{f': {self.words}' if self.words else ''}"


class Asked(NamedTuple):
    """What a verdict is made from."""

    check: Check
    seen: Seen
    plan: Plan
    budgets: tuple[Budget, ...]


Judged = tuple[str, str]


def judge(check: Check, seen: Seen, plan: Plan, budgets: tuple[Budget, ...] = ()) -> Verdict:
    """Whether the check holds by what was seen."""
    if check.device is not None and check.device not in seen.devices:
        why = seen.failed.get(check.device, "it was not asked")
        return Verdict(check, UNKNOWN, f"{check.device} was not read: {why}")
    try:
        return Verdict(check, *JUDGES[check.kind](Asked(check, seen, plan, budgets)))
    except ValueError as fault:
        return Verdict(check, UNKNOWN, f"the plan's values cannot be compared: {fault}")


def _of(asked: Asked) -> Device:
    return asked.seen.devices[asked.check.device or ""]


def _equal(found: Iterable[str], wanted: Iterable[str]) -> Judged:
    """Held where the same values are there, in whatever order."""
    is_, should = sorted(set(found)), sorted(set(wanted))
    return (HELD, "") if is_ == should else (FAILED, f"it is {', '.join(is_) or 'nothing'}")


def _tree(asked: Asked) -> StpTree | None:
    trees = _of(asked).state.trees
    return next((tree for tree in trees or () if tree.vlan == asked.check.vlan), None)


_NO_TREE = (UNKNOWN, "it shows no spanning tree of the VLAN")


def _stp_root(asked: Asked) -> Judged:
    tree = _tree(asked)
    if tree is None:
        return _NO_TREE
    names = {
        each.bridge_mac: name
        for name, device in asked.seen.devices.items()
        for each in device.state.trees or ()
        if each.vlan == tree.vlan
    }
    mac = _mac_text(tree.root_mac)
    said = {names.get(tree.root_mac, mac), mac, f"{tree.root_priority} {mac}"}
    return (HELD, "") if said & set(asked.check.expect) else (FAILED, f"its root is {names.get(tree.root_mac, mac)}")


def _stp_port(asked: Asked) -> Judged:
    tree = _tree(asked)
    if tree is None:
        return _NO_TREE
    name = interface_name(asked.check.port or "")
    port = next((port for port in tree.ports if interface_name(port.name) == name), None)
    if port is None:
        return FAILED, "the port is not in the tree"
    words = {port.role, port.state, *((port.inconsistent,) if port.inconsistent else ())}
    wanted = {word for text in asked.check.expect for word in text.split()}
    return (HELD, "") if wanted <= words else (FAILED, f"it is {' '.join(sorted(words))}")


def _stp_blocked(asked: Asked) -> Judged:
    tree = _tree(asked)
    if tree is None:
        return _NO_TREE
    blocked = (port.name for port in tree.ports if port.state in ("blocking", "broken"))
    return _equal(map(interface_name, blocked), map(interface_name, asked.check.expect))


def _trunk(asked: Asked) -> Judged:
    trunks, name = _of(asked).state.trunks, interface_name(asked.check.port or "")
    found = next((trunk for trunk in trunks or () if interface_name(trunk.name) == name), None)
    if found is None or found.status not in ("trunking", "trnk-bndl"):
        return FAILED, f"it is {found.status if found else 'no trunk'}"
    if found.native_vlan in _vlans(asked.check.expect):
        return (
            FAILED,
            f"VLAN {found.native_vlan} is its native VLAN: it leaves untagged, and the fabric takes tagged frames",
        )
    return _equal(map(str, found.allowed), map(str, _vlans(asked.check.expect)))


def _vlans(texts: Iterable[str]) -> set[int]:
    """``("10,20-22", "30")`` as numbers; ``none``: no VLAN."""
    found: set[int] = set()
    for part in (part for text in texts for part in text.replace(" ", ",").split(",") if part and part != "none"):
        first, _, last = part.partition("-")
        found.update(range(int(first), int(last or first) + 1))
    return found


def _mac_at(asked: Asked) -> Judged:
    check = asked.check
    found = {
        interface_name(port)
        for entry in _of(asked).state.macs or ()
        if entry.vlan == check.vlan and entry.mac == _mac(check.subject or "")
        for port in entry.ports
    }
    return _equal(found, map(interface_name, check.expect))


def _mac_one_side(asked: Asked) -> Judged:
    """At the fabric's side are MACs that a border's device has at its port to the fabric."""
    borders = border_ports(asked.plan)
    sides: dict[int, dict[str, str]] = {}
    for name, device in asked.seen.devices.items():
        inner = {each for pair in device.state.neighbors or () for each in (pair.interface,)}
        for entry in device.state.macs or ():
            if entry.vlan != asked.check.vlan or entry.kind != "dynamic":
                continue
            for port in map(interface_name, entry.ports):
                side = FABRIC if (name, port) in borders else _side(device, port, inner)
                if side:
                    sides.setdefault(entry.mac, {}).setdefault(side, f"{name} {port}")
    doubled = {mac: found for mac, found in sides.items() if len(found) > 1}
    if all(device.state.macs is None for device in asked.seen.devices.values()):
        return UNKNOWN, "no device showed its MAC addresses"
    words = (f"{_mac_text(mac)} at {' and '.join(found.values())}" for mac, found in sorted(doubled.items()))
    return (FAILED, "; ".join(words)) if doubled else (HELD, "")


def _side(device: Device, port: str, inner: set[str]) -> str:
    """``legacy`` for a port that a host is at; empty for one that leads to other devices."""
    known = device.interfaces.get(port)
    return "legacy" if known is not None and known.mode == "access" and port not in inner else ""


def _hsrp(asked: Asked) -> Judged:
    check = asked.check
    found = [
        group.state
        for group in _of(asked).state.hsrp or ()
        if interface_name(group.interface) == interface_name(check.port or "") and str(group.group) == check.subject
    ]
    return _equal((state.lower() for state in found), (state.lower() for state in check.expect))


def _gateway(asked: Asked) -> Judged:
    """Who answers for the address: active routers of HSRP, ours among them."""
    check, owners = asked.check, set()
    for name, device in asked.seen.devices.items():
        for group in device.state.hsrp or ():
            if str(group.address) == check.subject and group.state == "Active":
                owners.add(name)
    if asked.seen.speakers is None and FABRIC in check.expect:
        return UNKNOWN, "the controller's speakers were not asked"
    for group in (asked.seen.speakers or {}).get("hsrp", ()):
        if check.subject in group["virtual"] and group["state"] == "Active":
            owners.add(FABRIC)
    return _equal(owners, check.expect)


def _config(asked: Asked) -> Judged:
    name = asked.check.device or ""
    now = digest(asked.seen.configs[name])
    return (HELD, "") if now == asked.plan.configs.get(name) else (FAILED, "it was changed since the plan was made")


def _config_has(asked: Asked) -> Judged:
    said = {text for each in statements(asked.seen.configs[asked.check.device or ""]) for text in _forms(each)}
    lacking = [text for text in asked.check.expect if " ".join(text.split()) not in said]
    return (FAILED, f"it lacks {'; '.join(lacking)}") if lacking else (HELD, "")


def _forms(statement: tuple[str, ...]) -> tuple[str, str]:
    return statement[-1], " / ".join(statement)


def _eigrp_neighbor(asked: Asked) -> Judged:
    rows = _of(asked).state.eigrp_neighbors or ()
    found = [interface_name(row.interface) for row in rows if str(row.address) == asked.check.subject]
    return _equal(found, map(interface_name, asked.check.expect))


def _eigrp_passive(asked: Asked) -> Judged:
    entries = _of(asked).state.eigrp_topology
    if entries is None:
        return UNKNOWN, "its topology table was not read"
    active = sorted(str(entry.prefix) for entry in entries if entry.state != "P")
    return (FAILED, f"active: {', '.join(active)}") if active else (HELD, "")


def _ways(asked: Asked) -> set[str] | None:
    """``ADDRESS INTERFACE`` or ``connected``, for each way to the subject; None: there is no such route."""
    routes = _of(asked).state.routes or ()
    prefix = IPv4Network(asked.check.subject or "")
    found = [route for route in routes if route.prefix == prefix and route.code.strip("*") != "L"]
    ways = {
        "connected"
        if route.via is None and route.code.startswith("C")
        else f"{route.via} {_interface(route.interface)}"
        for route in found
    }
    return ways or None


def _interface(name: str | None) -> str:
    return interface_name(name) if name else ""


def _route(asked: Asked) -> Judged:
    ways = _ways(asked)
    if ways is None:
        return FAILED, "it has no route there"
    wanted = set(asked.check.expect)
    hops = {way.split(" ", maxsplit=1)[0] for way in ways}
    return (HELD, "") if wanted in (ways, hops) else (FAILED, f"it is {', '.join(sorted(ways))}")


def _no_route(asked: Asked) -> Judged:
    ways = _ways(asked)
    return (HELD, "") if ways is None else (FAILED, f"there is one by {', '.join(sorted(ways))}")


def _heard(asked: Asked) -> tuple[Mapping[str, object], ...] | None:
    """What was heard of BPDUs at the border in the VLAN; None: nobody listens."""
    if asked.seen.speakers is None:
        return None
    rows = asked.seen.speakers.get("watches", ())
    return tuple(row for row in rows if (row["border"], row["vlan"]) == (asked.check.subject, asked.check.vlan))


_DEAF = (UNKNOWN, "nobody listens there")


def _border_root(asked: Asked) -> Judged:
    """Without an expected root: that any is heard."""
    rows = _heard(asked)
    if rows is None:
        return _DEAF
    roots, wanted = [str(row["root"]) for row in rows if row["root"]], [root for root in asked.check.expect if root]
    if not wanted:
        return (HELD, "") if roots else (FAILED, "no BPDU is heard")
    return _equal(roots, wanted)


def _border_quiet(asked: Asked) -> Judged:
    rows = _heard(asked)
    if rows is None:
        return _DEAF
    roots = [str(row["root"]) for row in rows if row["root"]]
    return (FAILED, f"it hears {', '.join(roots)}") if roots else (HELD, "")


def _fabric(asked: Asked) -> Judged:
    state = asked.seen.fabric
    if state is None or not state.known:
        return UNKNOWN, state.problem if state else "the controller was not asked"
    return (FAILED, state.problem) if state.problem else (HELD, "")


def _reach(asked: Asked) -> Judged:
    return _answers(asked, True)


def _apart(asked: Asked) -> Judged:
    return _answers(asked, False)


def _answers(asked: Asked, wanted: bool) -> Judged:
    found = {each: asked.seen.reaches(asked.check.subject or "", each) for each in asked.check.expect}
    wrong = [name for name, answer in found.items() if answer is (not wanted)]
    unknown = [name for name, answer in found.items() if answer is None]
    if wrong:
        return FAILED, f"{', '.join(wrong)} {'does not answer' if wanted else 'answers'}"
    return (UNKNOWN, "nothing here sends probes between hosts") if unknown else (HELD, "")


def _denies(asked: Asked) -> Judged:
    """The policies refuse what the access lists refuse, as proved when they were planned, but for listed differences.

    So what was refused is as it should be where the plan lists none; where it lists some, nobody can tell which.
    """
    hits = asked.seen.hits
    if hits is None or hits["counted"] < hits["switches"]:
        return UNKNOWN, "not all switches have counted what they refused"
    refused = hits["denied"]["packets"] + sum(line["packets"] for line in hits["lines"] if line["denies"])
    less = [each for each in asked.plan.differences if each.fabric == "denies"]
    if refused and less:
        return UNKNOWN, f"{refused} packets were refused (clos hits), maybe by one of {len(less)} listed differences"
    return HELD, f"{refused} packets were refused, which the access lists refuse too" if refused else ""


def _loss(asked: Asked) -> Judged:
    if asked.seen.losses is None:
        return UNKNOWN, "no probes are sent"
    budgets = {budget.host: budget.ms for budget in asked.budgets}
    losses = by_host(asked.seen.losses, budgets)
    over = [loss for loss in losses if loss.lost and loss.gap_ms > budgets.get(loss.host, 0)]
    worst = sorted(over, key=lambda loss: -loss.gap_ms)[:5]
    words = (f"{each.host} {each.gap_ms:.0f} ms, budget {budgets.get(each.host, 0)} ms" for each in worst)
    return (FAILED, f"{len(over)} hosts: {'; '.join(words)}") if over else (HELD, "")


def _mac(text: str) -> int:
    return int(text.replace(":", "").replace(".", ""), 16)


def _mac_text(mac: int) -> str:
    return mac.to_bytes(6).hex(":")


JUDGES: Mapping[str, Callable[[Asked], Judged]] = {
    "config": _config, "config-has": _config_has,
    "stp-root": _stp_root, "stp-port": _stp_port, "stp-blocked": _stp_blocked, "trunk": _trunk,
    "mac-at": _mac_at, "mac-one-side": _mac_one_side, "hsrp": _hsrp, "gateway": _gateway,
    "eigrp-neighbor": _eigrp_neighbor, "eigrp-passive": _eigrp_passive, "route": _route, "no-route": _no_route,
    "border-root": _border_root, "border-quiet": _border_quiet, "fabric": _fabric,
    "reach": _reach, "apart": _apart, "denies": _denies, "loss": _loss,
}  # fmt: skip
"""By kind, for every kind of the plan's."""
