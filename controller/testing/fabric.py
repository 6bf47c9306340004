"""The fabric under test: questions by name, answered by packets, and assertions that say what happened.

Lives here: what is sent for an assertion, and the verdict. Must not know: pytest, which kind of fabric it is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple, Protocol

from clos.controller.compile import Compiled
from clos.controller.explain.inputs import Inputs
from clos.controller.intent.model import Service
from clos.controller.probe.coverage import Entries
from clos.controller.probe.landing import arrived
from clos.controller.probe.packets import Party, Probe, opening, parties, said, services, who_has
from clos.controller.probe.packets import message as packet_to
from clos.controller.probe.report import Question, Verdict, ask, stopped
from clos.controller.testing import names
from clos.controller.testing.account import Witness, account
from clos.fabric.dataplane.walk import Delivery
from clos.fabric.packet.build import Packet
from clos.fabric.topology import PortRef

MOST = 3
"""Failures that a message tells in full."""

Record = Callable[[str, str], object]
"""Where verdicts are noted: (property, value)."""


class Backend(Protocol):
    """A running fabric: simulated, or of real switches."""

    name: str

    def send_all(self, frames: Sequence[tuple[PortRef, Packet]]) -> list[tuple[Delivery, ...]]:
        """For each frame what reached hosts."""

    def further(self, probe: Probe) -> Iterable[str]:
        """What the switches themselves say of a probe, for a message; nothing where they say nothing."""


class NotAsAsserted(AssertionError):
    """Packets did not fare as the test says. The text tells which packets, and what happened to them hop by hop."""


class Told(NamedTuple):
    """What became of one packet. ``stopped``: where it was dropped, empty when it was delivered."""

    probe: Probe
    delivered: bool
    stopped: str
    deliveries: tuple[Delivery, ...]

    def __str__(self) -> str:
        return f"{self.probe.what}: {'delivered' if self.delivered else f'dropped at {self.stopped}'}"


class Fabric:
    """A running fabric with a topology and intents on it; what the fixture ``fabric`` gives."""

    def __init__(self, wanted: Inputs, compiled: Compiled, backend: Backend, record: Record) -> None:
        self.wanted, self.compiled, self.backend = wanted, compiled, backend
        self._record = record
        self.sent: set[tuple[PortRef, bytes]] = set()
        """Every frame that was sent for an assertion or a probe, and where."""
        self._everyone = parties(wanted.intent, wanted.topology)
        self._entries = Entries(compiled.ruleset, wanted.topology)
        record("clos.backend", backend.name)

    def noting(self, record: Record) -> Fabric:
        """The same fabric, for another test."""
        found = Fabric(self.wanted, self.compiled, self.backend, record)
        found.sent = self.sent
        return found

    def endpoints(self, name: str) -> tuple[str, ...]:
        """The endpoints that a name stands for. Raises names.Unknown."""
        return tuple(party.name for party in names.members(name, self._everyone))

    def probe(self, source: str, target: str, service: str = "icmp") -> Told:
        """Send one packet from an endpoint to another: the first of a conversation of that service."""
        (one,), (other,) = self._only(source), self._only(target)
        kind = names.single(service)
        asked = ask(self.wanted.intent, one, other, kind, opening(kind))
        told = self._told([asked])[0]
        self._record("clos.probe", str(told))
        return told

    def assert_reachable(self, source: str, target: str, service: str = "icmp", *more: str) -> None:
        """Every endpoint of ``source`` can open each service to every one of ``target``, from each of its ports,
        and the answers come back. Raises NotAsAsserted.

        What goes by a waypoint must come there, and what that passes on must come to the other end.
        """
        __tracebackhide__ = True
        kinds = self._kinds(service, *more)
        asked = [question for pair in self._pairs(source, target) for question in self._conversations(*pair, kinds)]
        what = f"{source} can open {' and '.join((service, *more))} to {target}"
        self._assert(what, asked, True)

    def assert_isolated(self, one: str, other: str, *services: str) -> None:
        """No packet of any kind passes between the two, whoever begins. With services: ``one`` cannot open these.

        Tried are all services that the intents name and some that they do not, as questions and as answers, by the
        gateway and straight to the MAC address, and ARP. Raises NotAsAsserted.
        """
        __tracebackhide__ = True
        kinds = self._kinds(*services)
        pairs = self._pairs(one, other)
        if kinds:
            asked = [q for a, b in pairs for q in self._questions(a, b, kinds)]
            self._assert(f"{one} cannot open {' and '.join(services)} to {other}", asked, False)
            return
        both = [*pairs, *((b, a) for a, b in pairs)]
        self._assert(f"{one} and {other} are isolated", [q for a, b in both for q in self._anything(a, b)], False)

    # ---- what is sent

    def _only(self, word: str) -> tuple[Party]:
        __tracebackhide__ = True
        found = names.members(word, self._everyone)
        if len(found) > 1:
            raise names.Unknown(f"{word} is {len(found)} endpoints; a single probe needs one, such as {found[0].name}")
        return (found[0],)

    def _kinds(self, *words: str) -> list[Service]:
        __tracebackhide__ = True
        return list(dict.fromkeys(kind for word in words for kind in names.service(word, self.wanted.intent)))

    def _pairs(self, one: str, other: str) -> list[tuple[Party, Party]]:
        __tracebackhide__ = True
        ones, others = names.members(one, self._everyone), names.members(other, self._everyone)
        found = [(a, b) for a in ones for b in others if a.name != b.name]
        if not found:
            raise names.Unknown(f"{one} and {other} are the same one endpoint: nothing would be tested")
        return found

    def _questions(self, source: Party, target: Party, kinds: Iterable[Service]) -> Iterator[Question]:
        for kind in kinds:
            yield from self._from_each_port(ask(self.wanted.intent, source, target, kind, opening(kind)))

    def _conversations(self, source: Party, target: Party, kinds: Iterable[Service]) -> Iterator[Question]:
        for kind in kinds:
            question = ask(self.wanted.intent, source, target, kind, opening(kind))
            for asked in (question, self._answer(target, source, kind)):
                yield from self._from_each_port(asked)
                yield from self._passed_on(asked)

    def _answer(self, source: Party, target: Party, kind: Service) -> Question:
        found = ask(self.wanted.intent, source, target, kind, opening(kind).back())
        return found._replace(probe=found.probe._replace(what=f"{found.probe.what}, the answer"))

    def _passed_on(self, asked: Question) -> Iterator[Question]:
        """The same packet as its waypoint passes it on, if it goes by any."""
        via = asked.ruling.via
        waypoint = next((p for p in self._everyone if via and p.name == f"{asked.source.tenant.name}/{via}"), None)
        if waypoint is not None:
            sender = waypoint._replace(endpoint=replace(waypoint.endpoint, ip=asked.source.endpoint.ip))
            what = f"{asked.probe.what}, passed on by {via}"
            for port in waypoint.ports:
                probe = Probe(port, said(sender, asked.target, asked.flow), what)
                yield asked._replace(probe=probe, due=asked.target.landing)

    def _from_each_port(self, asked: Question) -> Iterator[Question]:
        for port in asked.source.ports:
            yield asked._replace(probe=asked.probe._replace(at=port))

    def _anything(self, source: Party, target: Party) -> Iterator[Question]:
        """Everything that might pass from one to the other."""
        for kind in services(self.wanted.intent):
            asked = ask(self.wanted.intent, source, target, kind, opening(kind))
            yield from self._from_each_port(asked)
            yield from self._from_each_port(self._answer(source, target, kind))
        for what, packet in (
            ("straight to its MAC address", packet_to(source, target.endpoint.mac, target.endpoint.ip, asked.flow)),
            ("asks for it by ARP", who_has(source, target.endpoint.ip)),
        ):
            yield asked._replace(probe=Probe(source.ports[0], packet, f"{source.name} -> {target.name} {what}"))

    # ---- what became of it

    def _told(self, sent: Sequence[Question]) -> list[Told]:
        came = self.backend.send_all([(one.probe.at, one.probe.packet) for one in sent])
        self.sent.update(one.probe.frame for one in sent)
        return [
            Told(one.probe, arrived(one.due, got), self._stop(one), got) for one, got in zip(sent, came, strict=True)
        ]

    def _stop(self, asked: Question) -> str:
        """The switch, table and rule where the evaluator says that it ends."""
        done = self._entries.meet(asked.probe).walk
        where = stopped(done, self.wanted.topology, asked.due)
        if not where or done.deliveries:
            return where
        rule = done.hops[-1].step.trail[-1].rule
        return f"{where}{f' #{rule.priority}' if rule is not None else ' (no rule matches)'}"

    def _assert(self, what: str, asked: Sequence[Question], wanted: bool) -> None:
        __tracebackhide__ = True
        told = self._told(asked)
        wrong = [(one, got) for one, got in zip(asked, told, strict=True) if got.delivered is not wanted]
        self._note(what, told)
        if wrong:
            for one, got in wrong[:MOST]:
                self._record("clos.witness", f"{one.probe.at} {one.probe.packet.to_bytes().hex()} {got}")
            raise NotAsAsserted("\n".join(self._message(what, wrong, len(asked))))

    def _note(self, what: str, told: Sequence[Told]) -> None:
        passed = sum(one.delivered for one in told)
        self._record("clos.assert", f"{what}: {len(told)} packets sent, {passed} delivered")
        for where, number in sorted(Counter(one.stopped for one in told if not one.delivered).items()):
            self._record("clos.stopped", f"{number} at {where}")

    def _message(self, what: str, wrong: Sequence[tuple[Question, Told]], sent: int) -> Iterator[str]:
        yield f"not so: {what} ({len(wrong)} of {sent} packets say otherwise)"
        for one, got in wrong[:MOST]:
            verdict = Verdict(one, got.delivered, got.stopped)
            yield ""
            yield from account(Witness(self.wanted, self.compiled, verdict, got.deliveries), self.backend.further)
        if len(wrong) > MOST:
            yield f"\n... and {len(wrong) - MOST} more"
