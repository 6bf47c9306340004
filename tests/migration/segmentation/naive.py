"""Random access lists as text, each line with a plain function that says whether it takes a packet."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import NamedTuple

SITE = 0x0A140000
VLANS = (10, 20, 30)
PORTS = (0, 1, 20, 22, 23, 80, 443, 1023, 1024, 5000, 5010, 8080, 65534, 65535)
GROUPS = {
    "FRONT": ("network", "host 10.20.10.11", "10.20.20.0 255.255.255.252", "range 10.20.30.3 10.20.30.5"),
    "BACK": ("network", "group-object FRONT", "host 10.20.30.1"),
    "WEB": ("service", "tcp eq www", "tcp-udp source gt 1023 eq 443", "icmp echo"),
}


class Packet(NamedTuple):
    """An IPv4 packet; ``flags`` of TCP, ``message`` of ICMP (type)."""

    source: int
    target: int
    proto: int
    sport: int = 0
    dport: int = 0
    flags: int = 0
    message: int = 0


Takes = Callable[[Packet], bool]


@dataclass(frozen=True)
class Line:
    """A line and what it takes."""

    text: str
    permit: bool
    takes: Takes


def address_of(vlan: int, number: int) -> int:
    """The address of a host: 10.20.VLAN.NUMBER."""
    return SITE | vlan << 8 | number


def a_line(rng: random.Random) -> Line:
    """One line, of any kind that access lists have."""
    if rng.random() < 0.05:
        return Line("remark " + rng.choice(("old", "permit ip any any")), False, lambda p: False)
    permit = rng.random() < 0.6
    word = "permit" if permit else "deny"
    if rng.random() < 0.06:
        source, s = _addresses(rng)
        target, t = _addresses(rng)
        text = f"{word} object-group WEB {source} {target}"
        return Line(text, permit, lambda p: s(p.source) and t(p.target) and _web(p))
    name, number = rng.choice((("ip", None), ("tcp", 6), ("tcp", 6), ("tcp", 6), ("udp", 17), ("icmp", 1), ("47", 47)))
    source, s = _addresses(rng)
    target, t = _addresses(rng)
    from_text, f = _ports(rng, number)
    to_text, o = _ports(rng, number)
    more_text, m = _more(rng, number)
    log = rng.choice(("", "", " log"))
    text = " ".join(f"{word} {name} {source} {from_text} {target} {to_text} {more_text}".split()) + log

    def takes(p: Packet) -> bool:
        return number in (None, p.proto) and s(p.source) and t(p.target) and f(p.sport) and o(p.dport) and m(p)

    return Line(text, permit, takes)


def _web(p: Packet) -> bool:
    if p.proto == 6 and p.dport == 80:
        return True
    return (p.proto in (6, 17) and p.sport > 1023 and p.dport == 443) or (p.proto == 1 and p.message == 8)


def _front(a: int) -> bool:
    return a == 0x0A140A0B or SITE | 20 << 8 <= a <= SITE | 20 << 8 | 3 or 3 <= a - (SITE | 30 << 8) <= 5


def _addresses(rng: random.Random) -> tuple[str, Callable[[int], bool]]:
    kind = rng.randrange(6)
    if kind == 0:
        return "any", lambda a: True
    if kind == 1:
        host = address_of(rng.choice(VLANS), rng.randrange(1, 7))
        return f"host {IPv4Address(host)}", lambda a: a == host
    if kind == 2:
        return rng.choice(
            (("object-group FRONT", _front), ("object-group BACK", lambda a: _front(a) or a == 0x0A141E01))
        )
    if kind == 3:
        value = rng.choice((0x0A400000, 0x0A000000, 0xC0A80000))
        return f"{IPv4Address(value)} 0.15.255.255", lambda a: not (a ^ value) & 0xFFF00000
    wild = rng.choice((255, 254, 0xFE, 3, 0xFF01, 5, 0xFFFF))
    base = address_of(rng.choice(VLANS), rng.randrange(8)) & ~wild & 0xFFFFFFFF
    return f"{IPv4Address(base)} {IPv4Address(wild)}", lambda a: not (a ^ base) & ~wild & 0xFFFFFFFF


def _ports(rng: random.Random, proto: int | None) -> tuple[str, Callable[[int], bool]]:
    a, b = rng.choice(PORTS), rng.choice(PORTS)
    kind = rng.randrange(9) if proto in (6, 17) else 8
    if kind == 0 and a < 65535:
        return f"gt {a}", lambda port: port > a
    if kind == 1 and a > 0:
        return f"lt {a}", lambda port: port < a
    if kind == 2:
        return f"neq {a}", lambda port: port != a
    if kind == 3:
        return f"range {a} {b}", lambda port: min(a, b) <= port <= max(a, b)
    if kind == 4:
        return f"eq {a} {b}", lambda port: port in (a, b)
    return (f"eq {a}", lambda port: port == a) if kind == 5 else ("", lambda port: True)


def _more(rng: random.Random, proto: int | None) -> tuple[str, Takes]:
    if proto == 6 and rng.random() < 0.3:
        return rng.choice(
            (
                ("established", lambda p: bool(p.flags & 20)),
                ("established", lambda p: bool(p.flags & 20)),
                ("syn", lambda p: bool(p.flags & 2)),
                ("match-all +syn -ack", lambda p: p.flags & 18 == 2),
            )
        )
    if proto == 1 and rng.random() < 0.6:
        return rng.choice((("echo", lambda p: p.message == 8), ("echo-reply", lambda p: p.message == 0)))
    return "", lambda p: True


def a_list(rng: random.Random) -> tuple[Line, ...]:
    """A list with one line at least that is no remark."""
    lines = tuple(a_line(rng) for _ in range(rng.randrange(1, 9)))
    return lines if any(not line.text.startswith("remark") for line in lines) else a_list(rng)


def a_packet(rng: random.Random, addresses: list[int]) -> Packet:
    """A packet between two of the addresses, often with ports at the edge of ranges."""
    source, target = rng.sample(addresses, 2)
    proto = rng.choice((6, 6, 6, 17, 1, 47, 99))
    edges = [port for p in PORTS for port in (p - 1, p, p + 1) if 0 <= port <= 65535]
    ports = (rng.choice(edges), rng.choice(edges)) if proto in (6, 17) else (0, 0)
    flags = rng.choice((2, 16, 18, 4, 24, 1)) if proto == 6 else 0
    return Packet(source, target, proto, *ports, flags, rng.choice((0, 8, 3)) if proto == 1 else 0)


def permits(lists: tuple[tuple[Line, ...] | None, ...], packet: Packet) -> bool:
    """Whether every list on the way lets the packet through."""
    return all(lines is None or _first(lines, packet) for lines in lists)


def _first(lines: tuple[Line, ...], packet: Packet) -> bool:
    return next((line.permit for line in lines if line.takes(packet)), False)
