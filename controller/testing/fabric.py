"""The fabric under test: questions by name, answered by packets, and assertions that say what happened.

Lives here: what is sent for an assertion, and the verdict. Must not know: pytest, which kind of fabric it is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple, Protocol

from clos.controller.compile import Compiled
from clos.controller.explain.inputs import Inputs
from clos.controller.probe.coverage import Entries
from clos.controller.probe.landing import arrived
from clos.controller.probe.packets import Probe, opening, parties
from clos.controller.probe.packets import services as all_services
from clos.controller.probe.report import Question, Verdict, ask, stopped
from clos.controller.testing import names
from clos.controller.testing.account import Witness, account
from clos.controller.testing.asking import Asking
from clos.controller.testing.breaking import Broken, Damage
from clos.controller.verify.resilience.failures import answers
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

    def cut(self, ports: Iterable[PortRef]) -> None:
        """Break the cables at these ports; both ends have noticed when it returns."""

    def mend(self, ports: Iterable[PortRef]) -> None:
        """Mend them."""

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

    def __init__(
        self, wanted: Inputs, compiled: Compiled, backend: Backend, record: Record, damage: Damage | None = None
    ) -> None:
        self.wanted, self.compiled, self.backend = wanted, compiled, backend
        self._record = record
        self.sent: set[tuple[PortRef, bytes]] = set()
        """Every frame that was sent for an assertion or a probe, and where."""
        self._everyone = parties(wanted.intent, wanted.topology)
        self._entries = Entries(compiled.ruleset, wanted.topology)
        self.damage = damage or Damage(wanted.topology, backend.cut, backend.mend)
        """What a test has broken."""
        self._asking = Asking(wanted.intent, tuple(self._everyone), self.damage)
        record("clos.backend", backend.name)

    def noting(self, record: Record) -> Fabric:
        """The same fabric, for another test."""
        found = Fabric(self.wanted, self.compiled, self.backend, record, self.damage)
        found.sent = self.sent
        return found

    def endpoints(self, name: str) -> tuple[str, ...]:
        """The endpoints that a name stands for. Raises names.Unknown."""
        return tuple(party.name for party in names.members(name, self._everyone))

    def probe(self, source: str, target: str, service: str = "icmp") -> Told:
        """Send one packet from an endpoint to another: the first of a conversation of that service."""
        (one,), (other,) = self._asking.only(source), self._asking.only(target)
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
        kinds = self._asking.kinds(service, *more)
        asked = [
            question
            for pair in self._asking.pairs(source, target)
            for question in self._asking.conversations(*pair, kinds)
        ]
        what = f"{source} can open {' and '.join((service, *more))} to {target}"
        self._assert(what, asked, True)

    def assert_isolated(self, one: str, other: str, *services: str) -> None:
        """No packet of any kind passes between the two, whoever begins. With services: ``one`` cannot open these.

        Tried are all services that the intents name and some that they do not, as questions and as answers, by the
        gateway and straight to the MAC address, and ARP. Raises NotAsAsserted.
        """
        __tracebackhide__ = True
        kinds = self._asking.kinds(*services)
        pairs = self._asking.pairs(one, other)
        if kinds:
            asked = [q for a, b in pairs for q in self._asking.questions(a, b, kinds)]
            self._assert(f"{one} cannot open {' and '.join(services)} to {other}", asked, False)
            return
        both = [*pairs, *((b, a) for a, b in pairs)]
        self._assert(
            f"{one} and {other} are isolated", [q for a, b in both for q in self._asking.anything(a, b)], False
        )

    def assert_waypointed(self, source: str, target: str, via: str, *services: str) -> None:
        """What ``source`` and ``target`` may send each other comes to the endpoint ``via`` first, and never straight to
        the other end. Without services, all that the intents name. Raises NotAsAsserted.
        """
        __tracebackhide__ = True
        (waypoint,) = self._asking.only(via)
        kinds = self._asking.kinds(*services) or list(all_services(self.wanted.intent))
        pairs = self._asking.pairs(source, target)
        asked = [q for a, b in pairs for kind in kinds for q in self._asking.both_ways(a, b, kind)]
        what = f"{source} and {target} reach each other by {waypoint.name} only"
        turned = [q for q in asked if q.ruling.via == waypoint.endpoint.name and q.source.tenant == waypoint.tenant]
        if not turned:
            raise NotAsAsserted(f"not so: {what} (no policy sends anything between them by {waypoint.name})")
        self._assert(what, [q._replace(due=q.target.landing) for q in asked], False)
        self._assert(what, turned, True)

    def assert_survives(self, failures: int = 1) -> None:
        """Every claim is proved whichever ``failures`` links, switches or cables of dual-homed hosts break at once.

        Proved, not tried. Hosts that a failure cuts off from the rest are owed nothing by it. Raises NotAsAsserted.
        """
        __tracebackhide__ = True
        topology, ruleset = self.wanted.topology, self.compiled.ruleset
        states = {name: ruleset.state(name) for name in topology.switches}
        found = list(answers(self.wanted.intent, topology, states, failures))
        parts = "part breaks" if failures == 1 else f"{failures} parts break at once"
        what = f"every claim holds whichever {parts}"
        if not found:
            raise NotAsAsserted(f"not so: {what} (nothing can break, so nothing was proved)")
        self._record("clos.assert", f"{what}: {sum(len(one.kind.failures) for one in found)} failures proved")
        wrong = [one for one in found if one.report.refused is not None or one.report.counterexamples]
        if wrong:
            told = [line for one in wrong[:MOST] for line in ("", f"{one}", *map(str, one.report.counterexamples[:1]))]
            raise NotAsAsserted("\n".join([f"not so: {what} ({len(wrong)} of {len(found)} kinds of failure)", *told]))

    def link_down(self, port: str) -> Broken:
        """Cut the cable at a switch port, ``leaf1:1``: ``with fabric.link_down("leaf1:1"): ...``, or until the test
        ends. What is asserted meanwhile is tried on the broken fabric."""
        __tracebackhide__ = True
        return self.damage.link(port)

    def crash(self, switch: str) -> Broken:
        """Every cable of a switch dead, as when it loses power; likewise."""
        __tracebackhide__ = True
        return self.damage.switch(switch)

    # ---- what became of it

    def _told(self, sent: Sequence[Question]) -> list[Told]:
        came = self.backend.send_all([(one.probe.at, one.probe.packet) for one in sent])
        self.sent.update(one.probe.frame for one in sent)
        return [
            Told(one.probe, arrived(one.due, got), self._stop(one), got) for one, got in zip(sent, came, strict=True)
        ]

    def _stop(self, asked: Question) -> str:
        """The switch, table and rule where the evaluator says that it ends."""
        done = self._entries.meet(asked.probe, self.damage.ports).walk
        if not done.hops:
            return f"{asked.probe.at}, whose cable is dead"
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
            witness = Witness(self.wanted, self.compiled, verdict, got.deliveries, self.damage.ports)
            yield from account(witness, self.backend.further)
        if len(wrong) > MOST:
            yield f"\n... and {len(wrong) - MOST} more"
