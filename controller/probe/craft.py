"""From a rule to a packet that meets it: a packet that comes to the rule's table, with what the rule asks for put in.

Lives here: which packets to change and how. Must not know: intents, what tables are for.
A packet that came to the table with the right metadata is taken as a model; header fields are set to what the match
wants. Whether the outcome meets the rule is for the walk to say.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import product

from clos.controller.intent.reach import Flow
from clos.controller.probe.coverage import Arrival, Meeting
from clos.controller.probe.packets import STRANGE_PORT, WITH_PORTS, Ends, Probe, built
from clos.fabric.dataplane.match import Match, Term
from clos.fabric.dataplane.rule import Rule
from clos.fabric.packet.build import Packet, PacketError
from clos.fabric.packet.fields import FIELDS, IP_ICMP, IP_SCTP, IP_TCP, IP_UDP, VID_PRESENT

MODELS = 3
"""Packets kept of those that come to a table alike."""
GRE = 47

_CONTEXT = ("metadata", "in_port", "in_phy_port", "tunnel_id")
"""Fields that no header holds."""
_PORTS = {IP_TCP: ("tcp_src", "tcp_dst"), IP_UDP: ("udp_src", "udp_dst"), IP_SCTP: ("sctp_src", "sctp_dst")}
_TRANSPORT = {"ip_proto", *(name for names in _PORTS.values() for name in names)}


class Models:
    """Packets that came to each table, by the context they came with."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, int], dict[tuple[int, ...], list[tuple[Meeting, Arrival]]]] = {}

    def keep(self, meeting: Meeting) -> None:
        for arrival in meeting.arrivals:
            context = tuple(arrival.fields[name] for name in _CONTEXT)
            alike = self._kept.setdefault((arrival.switch, arrival.table), {}).setdefault(context, [])
            if len(alike) < MODELS:
                alike.append((meeting, arrival))

    def reached(self, switch: str, table: int) -> bool:
        """Whether any packet came to this table."""
        return (switch, table) in self._kept

    def fitting(self, switch: str, rule: Rule) -> Iterator[tuple[Meeting, Arrival]]:
        """Those that come with the metadata and by the port that a rule wants, the most alike first."""
        fits = [
            model
            for context, models in self._kept.get((switch, rule.table), {}).items()
            if all(_holds(term, context[_CONTEXT.index(term[0])]) for term in rule.match if term[0] in _CONTEXT)
            for model in models
        ]
        return iter(sorted(fits, key=lambda model: len(_wanting(rule.match, model[1].fields))))


def crafted(rule: Rule, model: Meeting, arrival: Arrival) -> Iterator[Probe]:
    """Changed copies of a model's packet that may meet the rule."""
    wanting = _wanting(rule.match, arrival.fields)
    packet = model.probe.packet
    for flow in _flows(rule.match) if any(term[0] in _TRANSPORT for term in wanting) or not wanting else (None,):
        changed = packet if flow is None else _with_flow(packet, flow)
        others = [term for term in wanting if term[0] not in _TRANSPORT]
        done = _with_fields(changed, others) if changed is not None else None
        if done is not None:
            yield Probe(model.probe.at, done, f"{model.probe.what}, changed")


def varied(probe: Probe, number: int) -> Probe | None:
    """The same conversation from another port, so that a hash may choose another way; None where it has none."""
    for names in _PORTS.values():
        for name in names:
            if probe.packet.get(name) == STRANGE_PORT:
                return probe._replace(packet=probe.packet.set(name, STRANGE_PORT - number))
    return None


def _holds(term: Term, value: int) -> bool:
    return value & (term[2] if term[2] is not None else -1) == term[1]


def _wanting(match: Match, fields: Mapping[str, int]) -> list[Term]:
    """The terms that do not hold of these values."""
    return [term for term in match if term[0] not in fields or not _holds(term, fields[term[0]])]


def _flows(match: Match) -> Iterator[Flow]:
    """Flows that the match takes, the strangest first: a rule above may take the usual ones."""
    wanted = match.value("ip_proto")
    for proto in (IP_TCP, IP_UDP, IP_ICMP, GRE, IP_SCTP) if wanted is None else (wanted,):
        if proto not in WITH_PORTS:
            yield Flow(proto)
            continue
        source, target = (_values(match.get(name)) for name in _PORTS[proto])
        yield from (Flow(proto, first, last) for first, last in product(source, target))


def _values(term: Term | None) -> Iterable[int]:
    """Some values of a field that a term takes: the strange one where there is none, else ends and middle."""
    if term is None:
        return (STRANGE_PORT,)
    name, value, mask = term
    free = FIELDS[name].full & ~(mask if mask is not None else FIELDS[name].full)
    return sorted({value, value | free, value | free >> 1, value | (free & 0x5555)})


def _with_flow(packet: Packet, flow: Flow) -> Packet | None:
    """The same ends with another conversation; None for what is no IPv4 packet."""
    fields = packet.headers()
    if "ipv4_src" not in fields:
        return None
    vlan = fields["vlan_vid"] & ~VID_PRESENT if fields["vlan_vid"] else None
    eth_src, eth_dst, ipv4_src, ipv4_dst = (fields[name] for name in ("eth_src", "eth_dst", "ipv4_src", "ipv4_dst"))
    ends = Ends(eth_src=eth_src, eth_dst=eth_dst, ipv4_src=ipv4_src, ipv4_dst=ipv4_dst, ttl=64, vlan=vlan)
    return built(ends, flow)


def _with_fields(packet: Packet, terms: Iterable[Term]) -> Packet | None:
    """The packet with the values the terms ask for; None where it has no such field."""
    try:
        for name, value, _ in terms:
            packet = packet.set(name, value)
    except (KeyError, ValueError, PacketError):
        return None
    return packet
