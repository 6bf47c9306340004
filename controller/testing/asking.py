"""What is sent for an assertion: the questions that names and services come to, from ports that are whole.

Lives here: who asks whom what. Must not know: what became of it, pytest.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from clos.controller.intent.model import Intent, Service
from clos.controller.probe.packets import Party, Probe, opening, said, services, who_has
from clos.controller.probe.packets import message as packet_to
from clos.controller.probe.report import Question, ask
from clos.controller.testing import names
from clos.controller.testing.breaking import Damage
from clos.fabric.topology import PortRef


class Asking:
    """Questions to a fabric. ``damage``: what is broken there, for nobody sends by a dead cable who has another."""

    def __init__(self, intent: Intent, everyone: tuple[Party, ...], damage: Damage) -> None:
        self._intent, self._everyone, self._damage = intent, everyone, damage

    def only(self, word: str) -> tuple[Party]:
        __tracebackhide__ = True
        found = names.members(word, self._everyone)
        if len(found) > 1:
            raise names.Unknown(f"{word} is {len(found)} endpoints; a single probe needs one, such as {found[0].name}")
        return (found[0],)

    def kinds(self, *words: str) -> list[Service]:
        __tracebackhide__ = True
        return list(dict.fromkeys(kind for word in words for kind in names.service(word, self._intent)))

    def pairs(self, one: str, other: str) -> list[tuple[Party, Party]]:
        __tracebackhide__ = True
        ones, others = names.members(one, self._everyone), names.members(other, self._everyone)
        found = [(a, b) for a in ones for b in others if a.name != b.name]
        if not found:
            raise names.Unknown(f"{one} and {other} are the same one endpoint: nothing would be tested")
        return found

    def questions(self, source: Party, target: Party, kinds: Iterable[Service]) -> Iterator[Question]:
        for kind in kinds:
            yield from self._from_each_port(ask(self._intent, source, target, kind, opening(kind)))

    def conversations(self, source: Party, target: Party, kinds: Iterable[Service]) -> Iterator[Question]:
        for kind in kinds:
            question = ask(self._intent, source, target, kind, opening(kind))
            for asked in (question, self._answer(target, source, kind)):
                yield from self._from_each_port(asked)
                yield from self._passed_on(asked)

    def both_ways(self, source: Party, target: Party, kind: Service) -> Iterator[Question]:
        """What the one asks, what the other answers; and what the other asks."""
        for one, other in ((source, target), (target, source)):
            yield from self._from_each_port(ask(self._intent, one, other, kind, opening(kind)))
            yield from self._from_each_port(self._answer(other, one, kind))

    def _answer(self, source: Party, target: Party, kind: Service) -> Question:
        found = ask(self._intent, source, target, kind, opening(kind).back())
        return found._replace(probe=found.probe._replace(what=f"{found.probe.what}, the answer"))

    def _passed_on(self, asked: Question) -> Iterator[Question]:
        """The same packet as its waypoint passes it on, if it goes by any."""
        via = asked.ruling.via
        waypoint = next((p for p in self._everyone if via and p.name == f"{asked.source.tenant.name}/{via}"), None)
        if waypoint is not None:
            sender = waypoint._replace(endpoint=replace(waypoint.endpoint, ip=asked.source.endpoint.ip))
            what = f"{asked.probe.what}, passed on by {via}"
            for port in self._whole(waypoint.ports):
                probe = Probe(port, said(sender, asked.target, asked.flow), what)
                yield asked._replace(probe=probe, due=asked.target.landing)

    def _from_each_port(self, asked: Question) -> Iterator[Question]:
        for port in self._whole(asked.source.ports):
            yield asked._replace(probe=asked.probe._replace(at=port))

    def anything(self, source: Party, target: Party) -> Iterator[Question]:
        """Everything that might pass from one to the other."""
        for kind in services(self._intent):
            asked = ask(self._intent, source, target, kind, opening(kind))
            yield from self._from_each_port(asked)
            yield from self._from_each_port(self._answer(source, target, kind))
        for what, packet in (
            ("straight to its MAC address", packet_to(source, target.endpoint.mac, target.endpoint.ip, asked.flow)),
            ("asks for it by ARP", who_has(source, target.endpoint.ip)),
        ):
            yield asked._replace(probe=Probe(source.ports[0], packet, f"{source.name} -> {target.name} {what}"))

    def _whole(self, ports: tuple[PortRef, ...]) -> tuple[PortRef, ...]:
        """The ports whose cables are whole; all of them where none is."""
        return tuple(port for port in ports if port not in self._damage.ports) or ports
