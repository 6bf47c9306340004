"""Access lists at work: which entry a packet meets, and how often each was met.

Lives here: entries read from configuration lines, the facts of a packet that they ask for, counts. Must not know:
where a list applies, routes. A list that is not there, or is empty, permits everything, as on IOS.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address
from typing import NamedTuple

from clos.fabric.sim.legacy.grammar import PORTS
from clos.fabric.sim.legacy.tree import Line, Tree, block, starting

_PROTOCOLS = {"icmp": 1, "igmp": 2, "tcp": 6, "gre": 47, "esp": 50, "ahp": 51, "udp": 17, "eigrp": 88, "ospf": 89,
              "pim": 103, "ip": None}  # fmt: skip
_ICMP = {"echo": 8, "echo-reply": 0, "unreachable": 3, "time-exceeded": 11}
_PORT_NUMBERS = {name: number for number, name in PORTS.items()}
_ALL = 0xFFFF_FFFF
_ANY = ((0, 0),)
_OPEN = (0, 0xFFFF)
_ACK_OR_RST = 0x14
Where = tuple[tuple[int, int], ...]
"""Addresses as (value, bits that count), any of them."""
Ranges = tuple[tuple[int, int], ...]


class Facts(NamedTuple):
    """What access lists ask of a packet. Ports are -1 where it has none; ``icmp``: its type, else -1."""

    proto: int
    source: int
    target: int
    source_port: int = -1
    target_port: int = -1
    icmp: int = -1
    flags: int = 0


def facts_of(frame: bytes) -> Facts:
    """Of an untagged IPv4 frame; a later fragment has no ports."""
    proto, head = frame[23], 14 + (frame[14] & 15) * 4
    source, target = int.from_bytes(frame[26:30]), int.from_bytes(frame[30:34])
    if (frame[20] & 0x1F) << 8 | frame[21] or len(frame) < head + 4:
        return Facts(proto, source, target)
    if proto == 1:
        return Facts(proto, source, target, icmp=frame[head])
    if proto not in (6, 17):
        return Facts(proto, source, target)
    ports = int.from_bytes(frame[head : head + 2]), int.from_bytes(frame[head + 2 : head + 4])
    flags = frame[head + 13] if proto == 6 and len(frame) > head + 13 else 0
    return Facts(proto, source, target, *ports, flags=flags)


class Entry:
    """A line of a list. ``hits``: how often it decided."""

    __slots__ = ("_established", "_icmp", "_ports", "_proto", "_source", "_target", "hits", "key", "permit", "text")

    def __init__(self, key: str, text: str, running: Tree, standard: bool) -> None:
        self.key, self.text, self.hits = key, text, 0
        words = text.split()
        self.permit = words[0] == "permit"
        self._proto: int | None = None
        self._target: Where = _ANY
        self._ports: tuple[Ranges, Ranges] = ((_OPEN,), (_OPEN,))
        self._icmp: int | None = None
        self._established = False
        if standard:
            self._source = _standard(words[1:])
        else:
            self._read(words[1:], running)

    def _read(self, words: list[str], running: Tree) -> None:
        self._proto = _PROTOCOLS[words[0]] if words[0] in _PROTOCOLS else int(words[0])
        self._source, words = _where(words[1:], running)
        near, words = _ports(words)
        self._target, words = _where(words, running)
        far, words = _ports(words)
        self._ports = near, far
        self._established = "established" in words
        self._icmp = next((_ICMP[word] for word in words if word in _ICMP), None)

    def takes(self, facts: Facts) -> bool:
        if self._proto is not None and facts.proto != self._proto:
            return False
        if self._established and not facts.flags & _ACK_OR_RST:
            return False
        if self._icmp is not None and facts.icmp != self._icmp:
            return False
        near, far = self._ports
        return (
            _among(facts.source, self._source)
            and _among(facts.target, self._target)
            and _between(facts.source_port, near)
            and _between(facts.target_port, far)
        )

    def hit(self) -> None:
        self.hits += 1


def _among(address: int, where: Where) -> bool:
    return any(not (address ^ value) & bits for value, bits in where)


def _between(port: int, ranges: Ranges) -> bool:
    return ranges == (_OPEN,) or any(low <= port <= high for low, high in ranges)


def _standard(words: list[str]) -> Where:
    if words[0] == "any":
        return _ANY
    if words[0] == "host":
        return ((int(IPv4Address(words[1])), _ALL),)
    wildcard = int(IPv4Address(words[1])) if len(words) > 1 and words[1] != "log" else 0
    return ((int(IPv4Address(words[0])), _ALL & ~wildcard),)


def _where(words: list[str], running: Tree) -> tuple[Where, list[str]]:
    """Addresses at the beginning of the words, and the words behind them."""
    if words[0] == "any":
        return _ANY, words[1:]
    if words[0] == "host":
        return ((int(IPv4Address(words[1])), _ALL),), words[2:]
    if words[0] == "object-group":
        return tuple(_members(words[1], running)), words[2:]
    return ((int(IPv4Address(words[0])), _ALL & ~int(IPv4Address(words[1]))),), words[2:]


def _members(name: str, running: Tree) -> Iterator[tuple[int, int]]:
    for line in block(running, (f"object-group network {name}",)):
        words = line.words()
        if words[0] == "host":
            yield int(IPv4Address(words[1])), _ALL
        elif words[0] != "description":
            yield int(IPv4Address(words[0])), int(IPv4Address(words[1]))


def _number(text: str) -> int:
    return int(text) if text.isdecimal() else _PORT_NUMBERS[text]


def _ports(words: list[str]) -> tuple[Ranges, list[str]]:
    kind = words[0] if words else ""
    if kind == "range":
        return ((_number(words[1]), _number(words[2])),), words[3:]
    if kind not in {"eq", "neq", "gt", "lt"}:
        return (_OPEN,), words
    port = _number(words[1])
    ranges = {
        "eq": ((port, port),),
        "neq": ((0, port - 1), (port + 1, 0xFFFF)),
        "gt": ((port + 1, 0xFFFF),),
        "lt": ((0, port - 1),),
    }
    return ranges[kind], words[2:]


class AccessLists:
    """A device's lists by name. Counts stay while an entry's line does."""

    def __init__(self) -> None:
        self._lists: dict[str, tuple[Entry, ...]] = {}
        self._of: Tree = ()

    def follow(self, running: Tree) -> None:
        """The configuration changed."""
        old = {(name, entry.key, entry.text): entry for name, entries in self._lists.items() for entry in entries}
        self._lists = {}
        for name, standard, lines in _lists(running):
            made = (Entry(key, text, running, standard) for key, text in lines)
            kept = tuple(self._counted(old.get((name, one.key, one.text)), one) for one in made)
            self._lists[name] = (*self._lists.get(name, ()), *kept)

    @staticmethod
    def _counted(before: Entry | None, entry: Entry) -> Entry:
        entry.hits = 0 if before is None else before.hits
        return entry

    def clear(self) -> None:
        self._lists.clear()

    def reset(self) -> None:
        """Count from zero."""
        for entries in self._lists.values():
            for entry in entries:
                entry.hits = 0

    def names(self) -> tuple[str, ...]:
        return tuple(self._lists)

    def entries(self, name: str) -> tuple[Entry, ...]:
        return self._lists.get(name, ())

    def decide(self, name: str, facts: Facts) -> tuple[bool, Entry | None]:
        """Whether a list permits a packet, and the entry that says so; none where the end of the list denies it."""
        entries = self._lists.get(name)
        if not entries:
            return True, None
        for entry in entries:
            if entry.takes(facts):
                return entry.permit, entry
        return False, None


def _lists(running: Tree) -> Iterator[tuple[str, bool, list[tuple[str, str]]]]:
    """(name, whether standard, (number, text) of its entries)."""
    for line in starting(running, "ip access-list"):
        kind, name = line.words()[2:4]
        yield name, kind == "standard", [(one.key, one.text) for one in line.children if _decides(one)]
    numbered: dict[str, list[str]] = {}
    for line in starting(running, "access-list"):
        number, text = line.text.split(maxsplit=2)[1:]
        numbered.setdefault(number, []).append(text)
    for number, texts in numbered.items():
        rows = [(str(10 * at), text) for at, text in enumerate(texts, 1) if not text.startswith("remark ")]
        yield number, int(number) < 100, rows


def _decides(line: Line) -> bool:
    return not line.text.startswith("remark ")
