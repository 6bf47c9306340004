"""Protocols, ports and conditions of an access list's line.

Lives here: sets of ports, conditions on flags and ICMP messages, what intents have no words for. Must not know:
addresses, lists. A set of ports is a tuple of ranges, both ends included.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from itertools import pairwise
from typing import NamedTuple

from clos.controller.migrate.segmentation.words import (
    ESTABLISHED,
    FLAGS,
    ICMP,
    ICMP_MESSAGES,
    IGMP,
    PORTS,
    PROTOCOLS,
    QUALIFIERS,
    SAID,
    TCP,
    UDP,
    WITH_PORTS,
)

LAST = 65535


class Ports(tuple[tuple[int, int], ...]):
    """Ranges of ports in order, apart from each other."""

    __slots__ = ()
    ANY: Ports

    @classmethod
    def of(cls, *ranges: tuple[int, int]) -> Ports:
        """The union of the ranges."""
        found: list[tuple[int, int]] = []
        for first, last in sorted(each for each in ranges if each[0] <= each[1]):
            if found and first <= found[-1][1] + 1:
                found[-1] = (found[-1][0], max(last, found[-1][1]))
            else:
                found.append((first, last))
        return cls(found)

    @classmethod
    def read(cls, words: list[str], names: Mapping[str, int]) -> Ports:
        """``eq 80 443``, ``range 20 21``, ``gt 1023``, ...: takes its words away. Raises ValueError, IndexError."""
        operator = words[0]
        if operator not in _OPERATORS:
            return cls.ANY
        words.pop(0)
        if operator == "range":
            first, last = _port(words.pop(0), names), _port(words.pop(0), names)
            return cls.of((min(first, last), max(first, last)))
        values = [_port(words.pop(0), names)]
        while operator in ("eq", "neq") and words and (words[0].isdecimal() or words[0] in names):
            values.append(_port(words.pop(0), names))
        return cls.of(*_OPERATORS[operator](values))

    def __str__(self) -> str:
        return ", ".join(f"{first}" if first == last else f"{first}-{last}" for first, last in self) or "none"


Ports.ANY = Ports([(0, LAST)])


def _port(word: str, names: Mapping[str, int]) -> int:
    if word in names:
        return names[word]
    if not word.isdecimal() or int(word) > LAST:
        raise ValueError(f"port {word}")
    return int(word)


def _but(values: list[int]) -> tuple[tuple[int, int], ...]:
    """All ports but these."""
    edges = [-1, *sorted(values), LAST + 1]
    return tuple((low + 1, high - 1) for low, high in pairwise(edges))


_OPERATORS: Mapping[str, Callable[[list[int]], tuple[tuple[int, int], ...]]] = {
    "eq": lambda values: tuple((value, value) for value in values),
    "neq": _but,
    "gt": lambda values: ((values[0] + 1, LAST),),
    "lt": lambda values: ((0, values[0] - 1),),
    "range": lambda values: (),
}


class Kind(StrEnum):
    """What a condition looks at."""

    FLAGS = "TCP flags"
    ICMP = "ICMP message"
    OPAQUE = "something that intents have no words for"


class Condition(NamedTuple):
    """Something asked of a packet beside addresses, protocol and ports.

    ``mask``, ``value``: with FLAGS, the bits of which one must be set (``value`` 0), or that must have this value;
    with ICMP, ``value`` is the type and ``mask`` the code (-1: any).
    """

    kind: Kind
    text: str
    mask: int = 0
    value: int = 0

    def takes(self, what: int) -> bool:
        """Whether TCP flags, or an ICMP message as ``type * 256 + code``, meet it."""
        if self.kind is Kind.FLAGS:
            return bool(what & self.mask) if self.text == "established" else what & self.mask == self.value
        return what >> 8 == self.value and self.mask in (-1, what & 255)


class Service(NamedTuple):
    """Packets by protocol (None: all), ports and conditions, all of which must hold."""

    proto: int | None
    sources: Ports
    targets: Ports
    conditions: frozenset[Condition]


def conditions(proto: int | None, words: Iterable[str]) -> frozenset[Condition]:
    """What is left of a line after addresses and ports. Raises ValueError for unknown words."""
    rest = list(words)
    found: set[Condition] = set()
    while rest:
        word = rest.pop(0)
        if word in SAID:
            cookie = rest and not rest[0].startswith("(") and not rest[0].startswith("match-")
            rest = rest[1:] if cookie and rest[0] not in {*QUALIFIERS, *FLAGS, "established"} else rest
        elif word.startswith("("):
            while rest and not word.endswith(")"):
                word = rest.pop(0)
        elif (proto == TCP and _flags(word, rest, found)) or (proto == ICMP and _message(word, rest, found)):
            continue
        elif proto == IGMP and not found:
            found.add(Condition(Kind.OPAQUE, f"igmp {word}"))
        elif word in QUALIFIERS:
            found.add(Condition(Kind.OPAQUE, " ".join((word, *_arguments(word, rest)))))
        else:
            raise ValueError(word)
    return frozenset(found)


def _arguments(word: str, rest: list[str]) -> list[str]:
    """The words after a qualifier, taken away."""
    many = QUALIFIERS[word]
    if many < 0:
        many = 3 if rest[:1] == ["range"] else 2
    if len(rest) < many:
        raise ValueError(f"{word} without a value")
    taken, rest[:] = rest[:many], rest[many:]
    if word == "reflect" and rest[:1] == ["timeout"]:
        rest[:2] = []
    return [] if word == "reflect" else taken


def _flags(word: str, rest: list[str], found: set[Condition]) -> bool:
    if word == "established":
        found.add(Condition(Kind.FLAGS, word, ESTABLISHED))
        return True
    if word in ("match-all", "match-any"):
        signs = []
        while rest and re.fullmatch(r"[+-](fin|syn|rst|psh|ack|urg)", rest[0]):
            signs.append(rest.pop(0))
        if not signs or (word == "match-any" and len(signs) > 1):
            raise ValueError(f"{word} {' '.join(signs)}".strip())
        mask = sum(FLAGS[sign[1:]] for sign in signs)
        value = sum(FLAGS[sign[1:]] for sign in signs if sign[0] == "+")
        found.add(Condition(Kind.FLAGS, f"{word} {' '.join(signs)}", mask, value))
        return True
    if word in FLAGS:
        found.add(Condition(Kind.FLAGS, word, FLAGS[word], FLAGS[word]))
        return True
    return False


def _message(word: str, rest: list[str], found: set[Condition]) -> bool:
    if word in ICMP_MESSAGES:
        kind, code = ICMP_MESSAGES[word]
    elif word.isdecimal() and int(word) < 256:
        kind = int(word)
        code = int(rest.pop(0)) if rest and rest[0].isdecimal() else None
        if code is not None and code > 255:
            raise ValueError(f"ICMP code {code}")
        word = f"type {kind}" + (f" code {code}" if code is not None else "")
    else:
        return False
    found.add(Condition(Kind.ICMP, word, -1 if code is None else code, kind))
    return True


def object_services(
    lines: Iterable[str], group: Callable[[str, str], tuple[str, ...]], above: tuple[str, ...] = ()
) -> tuple[Service, ...]:
    """The services of an object-group, nested ones too. Raises ValueError for unknown lines."""
    found: list[Service] = []
    for line in lines:
        words = line.split()
        head = words.pop(0)
        if head in ("description", "remark"):
            continue
        if head == "group-object":
            if words[0] in above:
                raise ValueError(f"object-group {words[0]} holds itself")
            found += object_services(group(words[0], "service"), group, (*above, words[0]))
            continue
        if head != "tcp-udp" and head not in PROTOCOLS and not (head.isdecimal() and int(head) < 256):
            raise ValueError(f"{line!r} of an object-group")
        protos = (TCP, UDP) if head == "tcp-udp" else (PROTOCOLS[head] if head in PROTOCOLS else int(head),)
        found += [_object_service(proto, list(words)) for proto in protos]
    return tuple(found)


def _object_service(proto: int | None, words: list[str]) -> Service:
    sources = targets = Ports.ANY
    if proto in WITH_PORTS and proto is not None:
        if words[:1] == ["source"]:
            words.pop(0)
            sources = Ports.read(words, PORTS[proto])
        if words and (words[0].isdecimal() or words[0] in PORTS[proto]):
            words.insert(0, "eq")
        targets = Ports.read(words, PORTS[proto]) if words else Ports.ANY
    return Service(proto, sources, targets, conditions(proto, words))
