"""The parts of a service that an intent tells apart: where one port, or one protocol, has another answer than the next.

Lives here: cutting a service along the edges of what policies and shares name, and the ruling on each part. Must not
know: topologies, rules, words for people but for the names of parts.

A ruling can change only where a service that speaks of the two endpoints begins or ends, so one packet of each piece
between such edges answers for all of it: the answer is for every port and protocol of the service, none is a sample.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator
from typing import NamedTuple

from clos.controller.intent.model import Intent, Service
from clos.controller.intent.reach import End, Flow, Ruling, passage, spoken_of

WITH_PORTS = (6, 17, 132)
"""Protocols with ports: TCP, UDP, SCTP."""
LAST_PORT = 0xFFFF
_COMMON = (1, *WITH_PORTS)


class Span(NamedTuple):
    """Consecutive ports of a protocol, or one without ports. ``proto``: None for ``others``: all that are not named.

    ``flows``: packets at its ends.
    """

    service: Service
    flows: tuple[Flow, ...]
    others: bool = False

    def __str__(self) -> str:
        return "every other protocol" if self.others else str(self.service)


class Part(NamedTuple):
    """Spans of which the intent says the same: whether they may go there, as their answers may come back."""

    spans: tuple[Span, ...]
    decided: Ruling

    @property
    def flows(self) -> tuple[Flow, ...]:
        return tuple(dict.fromkeys(flow for span in self.spans for flow in span.flows))

    def __str__(self) -> str:
        words = [str(span) for span in self.spans]
        return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def parts(
    intent: Intent, source: End, target: End, service: Service, source_port: int, legacy: Container[str] = ()
) -> tuple[Part, ...]:
    """The service as ``source`` opens it to ``target``, by what the intent says of it; all of it, nothing twice.

    ``legacy``: the names of legacy hosts.
    """
    said = spoken_of(intent, source, target)
    found: dict[Ruling, list[Span]] = {}
    for span in _spans(service, said, source_port):
        spans = found.setdefault(passage(intent, source, target, span.flows[0], legacy), [])
        if spans and _follows(spans[-1], span):
            spans[-1] = _joined(spans[-1], span)
        else:
            spans.append(span)
    return tuple(Part(tuple(map(_whole, spans)), decided) for decided, spans in found.items())


def edges(services: Iterable[Service], proto: int, first: int, last: int) -> list[int]:
    """Ports of a range where an answer may begin: its first, and those where a service begins or has just ended."""
    named = [s for s in services if s.proto == proto and s.first is not None and s.last is not None]
    starts = {port for s in named for port in (s.first or 0, (s.last or 0) + 1)}
    return sorted({first} | {port for port in starts if first < port <= last})


def _spans(service: Service, said: list[Service], source_port: int) -> Iterator[Span]:
    if service.proto is not None:
        yield from _of_protocol(service, service.proto, said, source_port)
        return
    named = sorted({*_COMMON, *(s.proto for s in said if s.proto is not None)})
    for proto in named:
        yield from _of_protocol(Service(proto), proto, said, source_port)
    other = next(proto for proto in range(256) if proto not in named)
    yield Span(Service(), (Flow(other),), others=True)


def _of_protocol(service: Service, proto: int, said: list[Service], source_port: int) -> Iterator[Span]:
    if proto not in WITH_PORTS:
        yield Span(service, (Flow(proto),))
        return
    first, last = service.first or 0, LAST_PORT if service.last is None else service.last
    starts = edges(said, proto, first, last)
    for start, after in zip(starts, [*starts[1:], last + 1], strict=True):
        ends = dict.fromkeys((start, after - 1))
        yield Span(Service(proto, start, after - 1), tuple(Flow(proto, source_port, port) for port in ends))


def _follows(one: Span, other: Span) -> bool:
    """Whether the ports of the one end where those of the other begin."""
    last, first = one.service.last, other.service.first
    return one.service.proto == other.service.proto and last is not None and first == last + 1


def _joined(one: Span, other: Span) -> Span:
    flows = tuple(dict.fromkeys((*one.flows, *other.flows)))
    return Span(Service(one.service.proto, one.service.first, other.service.last), flows)


def _whole(span: Span) -> Span:
    """All ports of a protocol are written without ports."""
    service = span.service
    return span._replace(service=Service(service.proto)) if service[1:] == (0, LAST_PORT) else span
