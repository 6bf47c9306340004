"""What Clos has no model of, in rules: where a packet meets it, and no earlier, there is nothing to be said of it.

A rule's action that is not modelled is an output to a port that no switch has, a *blind end*, one for each kind. Lives
here: these ends and what is told of them. Must not know: how packets come there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from clos.controller.intent.model import Where
from clos.fabric.dataplane import action as act
from clos.fabric.dataplane.action import Action, Output
from clos.fabric.dataplane.rule import Instructions, Rule
from clos.fabric.topology import PortRef

FIRST, LAST = act.MAX_PORT + 1, act.IN_PORT - 1
"""Numbers that OpenFlow 1.3 reserves and gives no meaning (§7.2.1)."""
ALSO = {act.NORMAL: "output to NORMAL (a switch's own bridging)", act.LOCAL: "output to LOCAL (the switch's own host)"}
"""Ends that have a number of their own."""


@dataclass(frozen=True, slots=True)
class Blind(Output):
    """What is not modelled, in place of everything that follows it."""

    what: str = ""

    def __str__(self) -> str:
        return f"(not modelled: {self.what})"


@dataclass(slots=True)
class Kind:
    """``places``: where it is, each with the path in the file, if any."""

    port: int
    what: str
    places: list[tuple[Where, str]] = field(default_factory=list)

    def __str__(self) -> str:
        (where, path), count = self.places[0], len(self.places)
        more = f", {count:,} times, first" if count > 1 else ""
        return f"{self.what}{more} ({where}{f', {path}' if path else ''})"


def unknown_ends(dump: Foreign, met: Mapping[PortRef, int]) -> Iterator[str]:
    """Sentences on what is not modelled, each kind once. ``met``: sets of packets that came to each blind end."""
    sets: Counter[int] = Counter()
    for end, times in met.items():
        sets[end.port] += times
    for kind in dump.foreign:
        yield f"{kind}: {_meeting(sets.pop(kind.port, 0))}"
    for port, times in sorted(sets.items()):
        where = ", ".join(sorted({end.switch for end in met if end.port == port}))
        yield f"{ALSO.get(port, act.port_text(port))} on {where}: {_meeting(times)}"


def _meeting(sets: int) -> str:
    if not sets:
        return "no packet meets it"
    return (
        f"{sets:,} sets of packets meet it and are in no answer"
        if sets > 1
        else "one set of packets meets it and is in no answer"
    )


class Foreign(Protocol):
    """What was read, with what in it is not modelled."""

    @property
    def foreign(self) -> Sequence[Kind]: ...


PROVED = frozenset({
    "in_port", "metadata", "eth_dst", "eth_src", "eth_type", "vlan_vid", "vlan_pcp", "ip_dscp", "ip_ecn", "ip_proto",
    "ipv4_src", "ipv4_dst", "tcp_src", "tcp_dst", "udp_src", "udp_dst", "sctp_src", "sctp_dst", "icmpv4_type",
    "icmpv4_code", "arp_op", "arp_spa", "arp_tpa", "arp_sha", "arp_tha", "ipv6_src", "ipv6_dst", "ipv6_flabel",
    "icmpv6_type", "icmpv6_code",
})  # fmt: skip
"""Fields that the prover tells packets apart by. Not tunnel_id: a dump does not say what came by which tunnel."""
_FOLLOWED = (
    act.Output, act.Group, act.SetField, act.Move, act.PushVlan, act.PopVlan, act.DecNwTtl, act.SetNwTtl, act.SetQueue,
)  # fmt: skip


def blinded(rule: Rule, kinds: Kinds, where: Where) -> Rule:
    """The rule with a blind end in place of what the prover does not follow: it may then take more packets."""
    unknown = [name for name, _, _ in rule.match if name not in PROVED]
    if unknown:
        kept = type(rule.match).trusted([term for term in rule.match if term[0] in PROVED])
        end = kinds.end(f"match on field {unknown[0]}", where)
        return rule._replace(match=kept, instructions=Instructions(apply=(end,)))
    todo = rule.instructions
    for i, action in enumerate(todo.apply):
        if not _follows(action):
            return rule._replace(instructions=Instructions(apply=(*todo.apply[:i], kinds.end(_told(action), where))))
    lost = next((action for action in todo.write if not _follows(action)), None)
    if lost is not None:
        return rule._replace(instructions=Instructions(apply=(*todo.apply, kinds.end(_told(lost), where))))
    return rule


def _follows(action: Action) -> bool:
    if isinstance(action, act.SetField):
        return action.field in PROVED or action.field == "tunnel_id"
    if isinstance(action, act.Move):
        return action.source in PROVED and action.target in PROVED
    return isinstance(action, _FOLLOWED)


def _told(action: Action) -> str:
    return f"action {str(action).partition(':')[0]}" + (
        f" of {action.field}" if isinstance(action, act.SetField) else ""
    )


def is_blind(rule: Rule) -> bool:
    """Whether nothing at all is known of what the rule does."""
    return bool(rule.instructions.apply) and isinstance(rule.instructions.apply[0], Blind)


class Kinds:
    """All kinds that were met."""

    def __init__(self) -> None:
        self._held: dict[str, Kind] = {}

    def end(self, what: str, where: Where, path: str = "") -> Blind:
        """The blind end of a kind, one place more."""
        kind = self._held.get(what)
        if kind is None:
            kind = self._held[what] = Kind(min(FIRST + len(self._held), LAST), what)
        kind.places.append((where, path))
        return Blind(kind.port, what=what)

    def __iter__(self) -> Iterator[Kind]:
        return iter(self._held.values())
