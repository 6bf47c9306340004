"""Sets of packets as services: the words policies are written in, found again from what policies do.

Lives here: from ``Traffic`` to as few services as say it. Must not know: intents, addresses, rules.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from clos.controller.impact.traffic_sets import (
    EVERYTHING,
    NO_PORT,
    PORTED,
    PORTLESS,
    PORTS,
    SOURCE,
    TARGET,
    Box,
    Interval,
    Traffic,
    canonical,
    common,
    minus,
    of_proto,
)
from clos.controller.intent.model import Service

KNOWN = 4096
"""Answers kept: a fabric has few different sets of services, each between many classes."""


class ServiceTerm(NamedTuple):
    """Packets of a protocol (None: any), to and from these ports (None: any), but for some. A word means a set.

    ``tcp/443`` is (6, (443, 443)); what answers it is (6, None, (443, 443)).
    """

    proto: int | None
    target: Interval | None = None
    source: Interval | None = None
    but: tuple[ServiceTerm, ...] = ()

    @property
    def answer(self) -> ServiceTerm:
        """The word for the other direction."""
        return ServiceTerm(self.proto, self.source, self.target, tuple(word.answer for word in self.but))

    @property
    def asks(self) -> bool:
        """Whether it is a service as a policy would name it: no word about the ports it comes from."""
        return self.source is None

    @property
    def service(self) -> ServiceTerm:
        """The service it answers, or is most of."""
        return self._replace(but=()) if self.asks else self.answer._replace(but=())

    def __str__(self) -> str:
        ports = self.target or (None, None)
        text = str(Service(self.proto, *ports))
        if self.source is not None:
            name = str(Service(self.proto, *self.source))
            text = f"answers from {name}" if self.target is None else f"{text} from port {name.partition('/')[2]}"
        return f"{text} but {' '.join(map(str, self.but))}" if self.but else text


@lru_cache(maxsize=KNOWN)
def service_terms(some: Traffic, all_of: Traffic) -> tuple[ServiceTerm, ...]:
    """Words that together mean a set which holds ``some`` and is within ``all_of``, itself around ``some``.

    With what is newly permitted and all that is, "tcp/443" says: all of it is permitted now, and was not before.
    """
    found: list[ServiceTerm] = []
    if _size(common(PORTLESS, some)) > _size(PORTLESS) // 2:
        left = minus(EVERYTHING, all_of)
        return (ServiceTerm(None, but=service_terms(left, left)),)
    for (low, high), _, _ in canonical(common(some, PORTLESS)):
        found += [ServiceTerm(proto) for proto in range(low, high + 1)]
    for proto in PORTED:
        found += _of_ported(proto, common(of_proto(proto), some), common(of_proto(proto), all_of))
    return tuple(sorted(found, key=_order))


def _size(portless: Traffic) -> int:
    return sum(high - low + 1 for (low, high), _, _ in portless)


def _order(word: ServiceTerm) -> tuple[int, Interval, Interval]:
    return -1 if word.proto is None else word.proto, word.target or (-1, -1), word.source or (-1, -1)


def _of_ported(proto: int, some: Traffic, all_of: Traffic) -> Iterator[ServiceTerm]:
    """Words for packets of a protocol that has ports."""
    if any(target[0] == NO_PORT for _, target, _ in some):
        left = minus(of_proto(proto), all_of)
        yield ServiceTerm(proto, but=service_terms(left, left))
        return
    for axis in (TARGET, SOURCE):
        for side in _lines(axis, some, all_of):
            line = _line(proto, axis, side)
            left = minus((line,), all_of)
            but = service_terms(left, minus(EVERYTHING, common((line,), all_of)))
            yield ServiceTerm(proto, side, None, but) if axis == TARGET else ServiceTerm(proto, None, side, but)
            some = minus(some, [line])
    yield from (ServiceTerm(proto, target, source) for _, target, source in canonical(some))


def _lines(axis: int, some: Traffic, all_of: Traffic) -> Iterator[Interval]:
    """The ports of an axis with which some have most of the other axis; neighbours that lack the same are one."""
    whole = _sliced(axis, all_of)
    last: Interval | None = None
    lasting: list[Interval] = []
    for start, end, had in _sliced(axis, some):
        if sum(b - a + 1 for a, b in had) <= PORTS[1] // 2:
            continue
        for low, high, held in whole:
            side = max(low, start), min(high, end)
            if side[0] > side[1]:
                continue
            if last is not None and side[0] == last[1] + 1 and held == lasting:
                side = last[0], side[1]
            elif last is not None:
                yield last
            last, lasting = side, held
    if last is not None:
        yield last


def _sliced(axis: int, some: Traffic) -> list[tuple[int, int, list[Interval]]]:
    """The ports of an axis in slices (first, last), each with the ports of the other axis."""
    other = SOURCE if axis == TARGET else TARGET
    found: dict[Interval, list[Interval]] = {}
    for box in canonical(tuple([(b[0], b[axis], b[other]) for b in some if b[TARGET][0] != NO_PORT])):
        found.setdefault(box[1], []).append(box[2])
    return [(*side, held) for side, held in found.items()]


def _line(proto: int, axis: int, side: Interval) -> Box:
    return ((proto, proto), side, PORTS) if axis == TARGET else ((proto, proto), PORTS, side)


def traffic_of(word: ServiceTerm) -> Traffic:
    """The set that a word means."""
    anywhere = (NO_PORT, 0xFFFF)
    proto = (0, 255) if word.proto is None else (word.proto, word.proto)
    some = common(EVERYTHING, [(proto, word.target or anywhere, word.source or anywhere)])
    return minus(some, [box for one in word.but for box in traffic_of(one)])
