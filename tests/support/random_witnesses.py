"""Rules that no compiler would make for one switch, and packets that meet them, for three witnesses to agree on.

Drawn by a seeded ``random.Random``: thousands are wanted, and a seed names a case. Every rule is one that Open vSwitch
accepts. What it is known to do in its own way (tests/labs/test_lab_three_witnesses.py names each) is not drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from random import Random
from typing import Any

from clos.fabric.dataplane import action as act
from clos.fabric.dataplane.match import Match
from clos.fabric.dataplane.rule import (
    ALL,
    FAST_FAILOVER,
    INDIRECT,
    SELECT,
    Band,
    Bucket,
    GroupEntry,
    Instructions,
    Meter,
    Rule,
)
from clos.fabric.dataplane.ruleset import Block, SwitchState, state_of
from clos.fabric.packet import build
from clos.fabric.packet import checksum as packet_checksum
from clos.fabric.packet.build import Packet
from clos.fabric.topology import LEAF, Host, PortRef, Switch, Topology

LIVE, DEAD, ABSENT = (1, 2, 3, 4), 5, 9
"""Ports of each switch: with carrier, without, and one that is not there."""
TABLES = range(4)

MACS = (0x020000000001, 0x020000000002, 0x020000000003, 0x01005E000001)
IPS = (0x0A000001, 0x0A000002, 0x0A010001, 0xC0A80101)
NETS = ((0x0A000000, 0xFFFF0000), (0x0A000000, 0xFF000000), (0x0A000001, 0xFF0000FF), (0x0A000000, 0xFFFFFFFC))
TCP_PORTS = (0, 80, 81, 8000)
VIDS = (0x1000, 0x1001, 0x1002, 0x1FFF)

Fields = dict[str, Any]


def topology(switches: int) -> Topology:
    """Switches that are not cabled to each other, hosts at every port."""
    names = [f"w{n}" for n in range(switches)]
    hosts = [
        Host(f"{name}h{port}", 0x020000010000 + n * 16 + port, (PortRef(name, port),))
        for n, name in enumerate(names)
        for port in (*LIVE, DEAD)
    ]
    made = {name: Switch(name, LEAF, 1 + n, 1 + n) for n, name in enumerate(names)}
    return Topology("witnesses", made, (), {host.name: host for host in hosts})


# -- matches ----------------------------------------------------------------------------------------------------------


def _ip(chance: Random) -> Fields:
    found: Fields = {"eth_type": 0x0800}
    if chance.random() < 0.5:
        found["ipv4_dst"] = chance.choice((*IPS, *NETS))
    if chance.random() < 0.3:
        found["ipv4_src"] = chance.choice((*IPS, *NETS))
    if chance.random() < 0.1:
        found["ip_dscp"] = chance.choice((0, 10))
    return found


def _ports(name: str, proto: int) -> Callable[[Random], Fields]:
    def draw(chance: Random) -> Fields:
        found = _ip(chance) | {"ip_proto": proto}
        if chance.random() < 0.6:
            found[f"{name}_dst"] = chance.choice((*TCP_PORTS, (80, 0xFFFE), (0, 0xFF00)))
        if chance.random() < 0.2:
            found[f"{name}_src"] = chance.choice((*TCP_PORTS, (0, 0xFF00)))
        return found

    return draw


def _icmp(chance: Random) -> Fields:
    return _ip(chance) | {"ip_proto": 1} | ({"icmpv4_type": chance.choice((0, 8))} if chance.random() < 0.6 else {})


def _arp(chance: Random) -> Fields:
    found: Fields = {"eth_type": 0x0806}
    for name, values in (("arp_op", (1, 2)), ("arp_spa", IPS), ("arp_tpa", (*IPS, *NETS)), ("arp_sha", MACS)):
        if chance.random() < 0.35:
            found[name] = chance.choice(values)
    return found


_UPPER: tuple[Callable[[Random], Fields], ...] = (
    lambda chance: {}, lambda chance: {}, _ip, _ip, _ports("tcp", 6), _ports("tcp", 6), _ports("udp", 17), _icmp, _arp,
    lambda chance: {"eth_type": chance.choice((0x86DD, 0x1234))},
    lambda chance: {"eth_type": 0x86DD, "ip_proto": 6},
)  # fmt: skip
_LOWER: tuple[tuple[float, str, tuple[Any, ...]], ...] = (
    (0.2, "in_port", LIVE),
    (0.2, "eth_dst", (*MACS, (1 << 40, 1 << 40))),
    (0.15, "eth_src", MACS),
    (0.5, "vlan_vid", (0, 0, (0x1000, 0x1000), (0x1000, 0x1000), *VIDS)),
)


def _match(chance: Random, table: int) -> Match:
    found = dict(chance.choice(_UPPER)(chance))
    for odds, name, values in _LOWER:
        if chance.random() < odds:
            found[name] = chance.choice(values)
    if found.get("vlan_vid", 0) and chance.random() < 0.25:
        found["vlan_pcp"] = chance.choice((0, 3))
    if table and chance.random() < 0.35:
        found["metadata"] = chance.choice(((0, 1), (1, 1), (0, 3), (2, 2), 1))
    return Match.of(**found)


# -- actions ----------------------------------------------------------------------------------------------------------

_SETS: tuple[tuple[str, tuple[int, ...]], ...] = (
    ("eth_dst", MACS), ("eth_src", MACS), ("vlan_vid", VIDS), ("vlan_pcp", (0, 3, 7)), ("ipv4_dst", IPS),
    ("ipv4_src", IPS), ("ip_dscp", (0, 10)), ("tcp_dst", TCP_PORTS), ("tcp_src", TCP_PORTS), ("udp_dst", TCP_PORTS),
    ("icmpv4_type", (0, 8)), ("arp_op", (1, 2)), ("arp_spa", IPS), ("arp_tpa", IPS), ("arp_sha", MACS),
    ("arp_tha", MACS),
)  # fmt: skip
_MOVES = (
    ("eth_src", "eth_dst"), ("eth_dst", "eth_src"), ("ipv4_src", "ipv4_dst"), ("ipv4_dst", "ipv4_src"),
    ("arp_sha", "arp_tha"), ("arp_spa", "arp_tpa"), ("arp_sha", "eth_dst"), ("tcp_src", "tcp_dst"),
    ("arp_spa", "arp_spa"),
)  # fmt: skip
_IP_TYPES = (0x0800, 0x86DD)


class _Known:
    """What a rule's packets are known to have, as Open vSwitch reckons when it accepts actions (§7.2.5)."""

    def __init__(self, match: Match) -> None:
        self.values = {name: value for name, value, mask in match if mask is None}
        self.tags = int(any(name == "vlan_vid" and value & 0x1000 for name, value, _ in match))

    def has(self, field: str) -> bool:
        if field.startswith("vlan_"):
            return self.tags > 0
        kind, proto = self.values.get("eth_type"), self.values.get("ip_proto")
        if field.startswith("arp_"):
            return kind == 0x0806
        if field.startswith("ipv4_"):
            return kind == 0x0800
        if field.startswith(("tcp_", "udp_", "icmpv4_")):
            need = {"tcp": 6, "udp": 17, "icmpv4": 1}[field.split("_", maxsplit=1)[0]]
            return proto == need and kind in (_IP_TYPES if need != 1 else (0x0800,))
        return kind in _IP_TYPES if field in ("ip_dscp", "nw_ttl") else True


def _change(chance: Random, known: _Known, moves: bool, ages: bool) -> tuple[act.Action, ...]:
    """A change that packets so known can undergo; () when the one drawn is none. A tag put on is filled in."""
    kind = chance.choice(("set", "set", "set", "set", "push", "pop", "move", "ttl", "ttl"))
    if kind == "push" and known.tags < 2:
        known.tags += 1
        fill = act.SetField("vlan_vid", chance.choice(VIDS)), act.SetField("vlan_pcp", chance.choice((0, 3, 7)))
        return act.PushVlan(chance.choice((0x8100, 0x88A8))), *fill
    if kind == "pop" and known.tags:
        known.tags -= 1
        return (act.PopVlan(),)
    if kind == "ttl" and known.has("nw_ttl"):
        return (act.DecNwTtl() if ages and chance.random() < 0.7 else act.SetNwTtl(2),)
    if kind == "move" and moves:
        source, target = chance.choice(_MOVES)
        return (act.Move(source, target),) if known.has(source) and known.has(target) else ()
    if kind == "set":
        field, values = chance.choice(_SETS)
        return (act.SetField(field, chance.choice(values)),) if known.has(field) else ()
    return ()


def _send(chance: Random, groups: Iterable[int]) -> act.Action:
    if chance.random() < 0.5 and (held := list(groups)):
        return act.Group(chance.choice(held))
    return act.Output(chance.choice((*LIVE, *LIVE, *LIVE, DEAD, ABSENT, act.IN_PORT, act.ALL, act.CONTROLLER)))


def _list(chance: Random, table: int, known: _Known, groups: Iterable[int]) -> tuple[act.Action, ...]:
    """Actions to apply, in any order."""
    found = list[act.Action]()
    for _ in range(chance.randint(0, 4)):
        some = (_send(chance, groups),) if chance.random() < 0.35 else _change(chance, known, True, table == 0)
        found += some
    return tuple(found)


def _set(chance: Random, known: _Known, groups: Iterable[int]) -> tuple[act.Action, ...]:
    """Actions to write: at most one of a kind, and mostly one that sends."""
    found = {act.set_slot(a): a for _ in range(chance.randint(0, 2)) for a in _change(chance, known, False, True)}
    if chance.random() < 0.85:
        found[()] = _send(chance, groups)
    return tuple(found.values())


# -- switches ---------------------------------------------------------------------------------------------------------


def _instructions(chance: Random, table: int, match: Match, groups: Iterable[GroupEntry]) -> Instructions:
    """Open vSwitch dies of a choice among actions to apply when the action set holds anything: first table only."""
    held = [entry.group for entry in groups]
    applied = held if table == 0 else [number for number in held if number not in _choosing(groups)]
    later = [number for number in TABLES if number > table]
    goto = chance.choice(later) if later and chance.random() < 0.65 else None
    known = _Known(match)
    apply = _list(chance, table, known, applied) if chance.random() < 0.5 else ()
    return Instructions(
        1 if chance.random() < 0.1 else None,
        apply,
        chance.random() < 0.12,
        _set(chance, known, held) if goto is None or chance.random() < 0.6 else (),
        chance.choice((None, (1, 1), (2, 2), (0, 3))) if goto is not None else None,
        goto,
    )


def _group(chance: Random, number: int) -> GroupEntry:
    kind = chance.choice((ALL, SELECT, SELECT, FAST_FAILOVER, FAST_FAILOVER, INDIRECT))
    count = 1 if kind == INDIRECT else chance.randint(1, 3)
    return GroupEntry(number, kind, tuple(_bucket(chance, number, kind) for _ in range(count)))


def _bucket(chance: Random, number: int, kind: str) -> Bucket:
    known = _Known(Match.of())
    changes = {act.set_slot(a): a for _ in range(2) for a in _change(chance, known, False, True)}
    lower = range(1, number)
    chained = bool(lower) and chance.random() < 0.25
    send = act.Group(chance.choice(lower)) if chained else act.Output(chance.choice((*LIVE, *LIVE, DEAD, act.IN_PORT)))
    watches = kind == FAST_FAILOVER or (kind == SELECT and chance.random() < 0.7)
    port = chance.choice((*LIVE, *LIVE, DEAD, DEAD, ABSENT)) if watches else None
    group = chance.choice(lower) if watches and lower and chance.random() < 0.2 else None
    weight = chance.choice((1, 1, 2, 5)) if kind == SELECT else 0
    return Bucket((*changes.values(), send), weight, None if group is not None else port, group)


def switch(chance: Random) -> SwitchState:
    """Tables of rules, no two of one priority; a packet that none takes in a later table is dropped by a rule."""
    groups = [_group(chance, number) for number in (1, 2, 3) if chance.random() < 0.75]
    known = {entry.group for entry in groups}
    while lost := [e.group for e in groups if not known.issuperset(n for b in e.buckets for n in _named(b))]:
        groups, known = [e for e in groups if e.group not in lost], known.difference(lost)
    rules: dict[tuple[int, int], Rule] = {}
    for table in TABLES:
        for priority in range(1, chance.randint(3, 9)):
            match = _match(chance, table)
            rules[table, priority] = Rule(table, priority, match, _instructions(chance, table, match, groups), priority)
        if table or chance.random() < 0.7:
            todo = (
                _instructions(chance, table, Match.of(), groups) if chance.random() < 0.6 else Instructions(clear=True)
            )
            rules[table, 0] = Rule(table, 0, Match.of(), todo)
    return state_of([Block(rules.values(), groups, [Meter(1, (Band(10_000_000, 1_000_000),))])])


def _choosing(groups: Iterable[GroupEntry]) -> frozenset[int]:
    """The groups in which packets may meet a SELECT group. Groups name smaller ones only."""
    found: set[int] = set()
    for entry in groups:
        if entry.type == SELECT or any(number in found for bucket in entry.buckets for number in _named(bucket)):
            found.add(entry.group)
    return frozenset(found)


def _named(bucket: Bucket) -> list[int]:
    found = [action.group for action in bucket.actions if isinstance(action, act.Group)]
    return found + ([bucket.watch_group] if bucket.watch_group is not None else [])


# -- packets ----------------------------------------------------------------------------------------------------------


def packet(chance: Random, state: SwitchState) -> Packet:
    """A frame of any kind with up to two tags; half of them made to meet a rule of the first table."""
    wanted = dict[str, int]()
    first = [rule for rule in state.rules if rule.table == 0]
    if first and chance.random() < 0.6:
        wanted = {name: value for name, value, _ in chance.choice(first).match}
    found = _body(chance, wanted)
    for name, value in wanted.items():
        if name in found.headers() and name not in ("eth_type", "ip_proto", "vlan_vid", "vlan_pcp"):
            found = found.set(name, value)
    return _tagged(chance, found, wanted)


def _body(chance: Random, wanted: dict[str, int]) -> Packet:
    ends = {"eth_src": chance.choice(MACS[:3]), "eth_dst": chance.choice(MACS)}
    ip = {"ipv4_src": chance.choice(IPS), "ipv4_dst": chance.choice(IPS), "ttl": chance.choice((64, 64, 3, 2, 1, 0))}
    ports = chance.choice((*TCP_PORTS, 9)), chance.choice((*TCP_PORTS, 9))
    kind = _KIND.get((wanted.get("eth_type", 0), wanted.get("ip_proto", 0))) or chance.choice(_KINDS)
    if kind in ("tcp", "later", "first"):
        found = build.tcp(**ends, **ip, tcp_src=ports[0], tcp_dst=ports[1])
        return found if kind == "tcp" else fragment(found, int(kind == "later"))
    if kind == "udp":
        return build.udp(**ends, **ip, udp_src=ports[0], udp_dst=ports[1], payload=b"soup")
    if kind == "icmp":
        return build.icmp_echo(**ends, **ip, reply=chance.random() < 0.5)
    if kind == "arp":
        return build.arp(
            **ends, op=chance.choice((1, 2)), sha=chance.choice(MACS), spa=ip["ipv4_src"], tha=0, tpa=ip["ipv4_dst"]
        )
    if kind == "ipv6":
        body = b"\x60\0\0\0\0\x14\x06" + bytes([ip["ttl"]]) + bytes(31) + b"\1" + bytes(12) + b"\x50" + bytes(7)
        return build.ethernet(**ends, eth_type=0x86DD, payload=body)
    if kind == "gre":
        return build.ipv4(**ends, **ip, ip_proto=47, payload=bytes(8))
    return build.ethernet(**ends, eth_type=chance.choice((0x1234, 0x88B5)), payload=bytes(20))


_KINDS = ("tcp", "tcp", "udp", "icmp", "arp", "gre", "other", "later", "first", "ipv6")
_KIND = {
    (0x0800, 6): "tcp", (0x0800, 17): "udp", (0x0800, 1): "icmp", (0x0800, 0): "tcp", (0x0806, 0): "arp",
    (0x86DD, 0): "ipv6", (0x86DD, 6): "ipv6",
}  # fmt: skip


def fragment(whole: Packet, offset: int) -> Packet:
    """The same packet as a fragment with more to come (RFC 791), at an offset in units of 8 bytes."""
    bare = whole.data[:20] + (0x2000 | offset).to_bytes(2, "big") + whole.data[22:24] + bytes(2) + whole.data[26:]
    return Packet(bare[:24] + packet_checksum.internet(bare[14:34]).to_bytes(2, "big") + bare[26:])


def _tagged(chance: Random, bare: Packet, wanted: dict[str, int]) -> Packet:
    vid = wanted.get("vlan_vid")
    count = chance.choice((0, 0, 0, 1, 1, 2)) if vid is None else chance.choice((1, 1, 2)) if vid else 0
    for n in range(count):
        outermost = n + 1 == count
        bare = bare.push_vlan(chance.choice((0x8100, 0x8100, 0x88A8)))
        bare = bare.set("vlan_vid", vid if outermost and vid and chance.random() < 0.8 else chance.choice(VIDS))
        bare = bare.set("vlan_pcp", wanted.get("vlan_pcp", 3) if chance.random() < 0.5 else 0)
    return bare
