"""What drift means: whose packets fare otherwise than the intents say, and which entries are to blame.

Lives here: from the rules a switch should hold and those it does to sentences. The packets are found by following all
packets through both (controller.impact.side_effects), so "no packet fares otherwise" is proved where it is said.
Must not know: sessions, who asks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from clos.controller.compile import Compiled, origins
from clos.controller.compile.stages import STAGES
from clos.controller.daemon.compose import overlay
from clos.controller.daemon.switches.watch import Meaning
from clos.controller.impact.endpoint_pairs import Snapshot
from clos.controller.impact.policy_classes import EndpointView, members
from clos.controller.impact.side_effects import SideEffect, side_effects
from clos.controller.plan.reconcile import OWN_COOKIE, OWN_MASK
from clos.fabric.dataplane.rule import Rule
from clos.fabric.dataplane.ruleset import SwitchState
from clos.fabric.packet.value import Packet

MOST_RULES = 30_000
"""Rules before and after together; beyond them nothing is said of packets: it takes minutes."""
SHOWN = 20
_STAGES = {stage.table: stage.name for stage in STAGES}


def drift_meaning(compiled: Compiled, held: Mapping[str, SwitchState], switch: str) -> Meaning:
    """What it means that ``switch`` holds what it does. ``held``: of every switch that differs, what it holds."""
    want = compiled.ruleset
    side = Snapshot(compiled.intent, compiled.topology)
    causes = tuple(_causes(compiled, want.state(switch), held[switch], switch))
    found = side_effects(side, side, want, overlay(want, held), (), MOST_RULES)
    if found.why:
        return Meaning((), causes, None, f"what it does to packets was not worked out: {found.why}")
    if not found.found:
        return Meaning(("no packet fares otherwise than the intents say",), causes, False)
    names = _Names(members(compiled.intent, compiled.topology, compiled.intent.tenants))
    told = dict.fromkeys(names.sentence(stray) for stray in found.strays)
    return Meaning(tuple(told), causes, True)


class _Names:
    """Endpoints by what packets show of them."""

    def __init__(self, everybody: Iterable[EndpointView]) -> None:
        self._by_host: dict[str, list[EndpointView]] = {}
        self._by_ip: dict[int, list[EndpointView]] = {}
        for one in everybody:
            self._by_host.setdefault(one.host, []).append(one)
            self._by_ip.setdefault(one.end.ip, []).append(one)

    def sentence(self, stray: SideEffect) -> str:
        """``shop/web1 no longer reaches shop/app1 tcp/8080``."""
        fields = Packet(stray.data).headers()
        source = self._sender(stray.host, fields.get("ipv4_src"))
        target = self._target(fields.get("ipv4_dst"), stray)
        how = _service(fields)
        delivered = {"before": stray.before != "dropped", "after": stray.after != "dropped"}
        if delivered["after"] and not delivered["before"]:
            return f"{source} now reaches {target} {how}"
        if delivered["before"] and not delivered["after"]:
            return f"{source} no longer reaches {target} {how}"
        return f"packets of {source} for {target} {how} go {stray.after}, not {stray.before}"

    def _sender(self, host: str, ip: int | None) -> str:
        there = self._by_host.get(host, [])
        return str(next((one for one in there if one.end.ip == ip), there[0] if len(there) == 1 else host))

    def _target(self, ip: int | None, stray: SideEffect) -> str:
        known = self._by_ip.get(ip, []) if ip is not None else []
        if len(known) == 1:
            return str(known[0])
        place = (stray.after if stray.after != "dropped" else stray.before).removeprefix("to ").split(" but ")[0]
        if place == stray.host:
            return "its gateway"  # which answers from the sender's own leaf
        there = self._by_host.get(place, [])
        return str(there[0]) if len(there) == 1 else place


_PORTED = {6: "tcp", 17: "udp", 132: "sctp"}
"""Protocols whose packets without ports are later fragments."""


def _service(fields: Mapping[str, int]) -> str:
    for name in ("tcp", "udp", "sctp"):
        if f"{name}_dst" in fields:
            return f"{name}/{fields[f'{name}_dst']}"
    if fields.get("eth_type") == 0x0800:
        proto = fields.get("ip_proto", 0)
        return "icmp" if proto == 1 else f"{_PORTED[proto]} (later fragments)" if proto in _PORTED else f"ip/{proto}"
    return f"with frames of type {fields.get('eth_type', 0):#06x}"


def _causes(compiled: Compiled, want: SwitchState, held: SwitchState, switch: str) -> Iterator[str]:
    """The entries that differ, in words; of very many the first."""
    yield from _cut(list(_entries(compiled, want, held, switch)))


def _entries(compiled: Compiled, want: SwitchState, held: SwitchState, switch: str) -> Iterator[str]:
    wanted, there = {rule.key: rule for rule in want.rules}, {rule.key: rule for rule in held.rules}
    known = origins(compiled.intent)

    def origin(rule: Rule) -> str:
        found = known.get(rule.cookie)
        return f" of {found}" if found else ""

    for key in sorted(wanted.keys() - there.keys(), key=str):
        yield f"rule removed on {switch}{origin(wanted[key])}: {_place(wanted[key])}"
    for key in sorted(wanted.keys() & there.keys(), key=str):
        if wanted[key] != there[key]:
            yield f"rule changed on {switch}{origin(wanted[key])}: {_place(wanted[key])} -> {there[key].instructions}"
    for key in sorted(there.keys() - wanted.keys(), key=str):
        rule = there[key]
        other = "by another" if rule.cookie & OWN_MASK != OWN_COOKIE else "with a cookie of Clos's"
        yield f"rule added on {switch} {other} (cookie {rule.cookie:#x}): {_place(rule)} -> {rule.instructions}"
    for kind in ("groups", "meters"):
        ours, theirs = set(getattr(want, kind)), set(getattr(held, kind))
        if ours != theirs:
            yield f"{kind} on {switch}: {len(ours - theirs)} missing or changed, {len(theirs - ours)} unexpected"


def _place(rule: Rule) -> str:
    return f"table {rule.table} ({_STAGES.get(rule.table, '?')}) #{rule.priority} {rule.match}"


def _cut(lines: list[str]) -> list[str]:
    return lines if len(lines) <= SHOWN else [*lines[:SHOWN], f"and {len(lines) - SHOWN:,} more"]
