"""Every pair of endpoints with every service, as one stream of numbered frames through the lab.

Lives here: keeping many frames under way, matching what arrives by number, and what must be sent again.
Must not know: flags, how answers read, attacks.

A frame that does not arrive was dropped only if its switch has looked at it. So the counters of table 0 say how many
frames came in by each host port: where fewer did than were sent, all that had no answer there goes again.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, overload

from clos.controller.intent.model import Intent, Service
from clos.controller.probe.landing import arrived
from clos.controller.probe.packets import Party, Probe, marked, number_of
from clos.controller.probe.report import Question, Verdict, question, stopped
from clos.controller.probe.simulated import Counted
from clos.fabric.dataplane.match import Match
from clos.fabric.dataplane.walk import Delivery
from clos.fabric.packet.build import Packet
from clos.fabric.topology import PortRef
from clos.lab.mininet.taps import QUIET, Frame, Taps
from clos.lab.ovs.appctl import AppCtl
from clos.lab.ovs.counters import since
from clos.lab.witness.compare import (
    Doubt,
    Expectation,
    Fabric,
    contradiction,
    doubted,
    expect,
    judge,
)
from clos.lab.witness.compare import Verdict as Agreement

EACH, MOST = 32, 2048
"""Frames of a window: from one port, and from all. A switch's queue for a port holds some 270."""
GRACE = 3.0
"""Seconds in which the last frames may still arrive."""
CHANCES = 2
"""Times a frame is sent once more."""

Count = Callable[[], dict[str, Counted]]
"""What the switches have counted until now."""


class Every(Sequence[Question]):
    """Each pair with each service, made when asked for. Neighbours in the row come from different sources."""

    def __init__(self, intent: Intent, parties: Sequence[Party], services: Sequence[Service]) -> None:
        self._intent, self._parties, self._services = intent, parties, services

    def __len__(self) -> int:
        return len(self._parties) * max(0, len(self._parties) - 1) * len(self._services)

    @overload
    def __getitem__(self, number: int) -> Question: ...
    @overload
    def __getitem__(self, number: slice) -> list[Question]: ...
    def __getitem__(self, number: int | slice) -> Question | list[Question]:
        if isinstance(number, slice):
            return [self[one] for one in range(*number.indices(len(self)))]
        if not 0 <= number < len(self):
            raise IndexError(number)
        rest, source = divmod(number, len(self._parties))
        further, service = divmod(rest, len(self._services))
        target = (source + 1 + further) % len(self._parties)
        return question(self._intent, self._parties[source], self._parties[target], self._services[service])


class Crossed(NamedTuple):
    """What came of the stream. ``lost``: frames that no switch counted in the last round, by port; ``again``: how
    many were sent once more."""

    agreement: Agreement
    verdicts: list[Verdict]
    lost: dict[PortRef, int]
    again: int
    seconds: float

    @property
    def sound(self) -> bool:
        """Whether all witnesses agree about every frame, and it is what the intents say."""
        return not self.agreement.doubts and not self.lost and all(one.agrees for one in self.verdicts)

    def row(self) -> dict[str, object]:
        """For JSON. ``pairs``: of endpoints; ``probes``: one for each pair and service."""
        permitted = [one for one in self.verdicts if one.question.ruling.allowed]
        return {
            "pairs": len({(one.question.source.name, one.question.target.name) for one in self.verdicts}),
            "probes": len(self.verdicts),
            "permitted": len(permitted),
            "permitted_delivered": sum(one.delivered for one in permitted),
            "forbidden": len(self.verdicts) - len(permitted),
            "forbidden_delivered": sum(one.delivered for one in self.verdicts if not one.question.ruling.allowed),
            "disagreements": len(self.agreement.doubts),
            "sent_again": self.again,
            "uncounted": {str(port): number for port, number in self.lost.items()},
            "seconds": round(self.seconds, 1),
        }

    def __str__(self) -> str:
        row = self.row()
        text = (
            f"{row['pairs']:,} pairs, {row['probes']:,} probes in {row['seconds']} s: "
            f"{row['permitted_delivered']:,} of {row['permitted']:,} permitted ones delivered, "
            f"{row['forbidden_delivered']:,} of {row['forbidden']:,} forbidden ones; {row['sent_again']:,} sent again"
        )
        lost = [f"{number:,} frames came to no rule at {port}" for port, number in self.lost.items()]
        return "; ".join([text, *(lost or ["every frame counted by its switch"])])


def crossed(
    taps: Taps, fabric: Fabric, asked: Sequence[Question], count: Count, control: AppCtl | None = None
) -> Crossed:
    """Send all questions' frames, match what arrives, and give those without an answer another chance.

    ``control``: where to ask Open vSwitch for its own account of a frame in doubt.
    """
    began = time.monotonic()
    stream = Stream(taps, fabric, asked)
    lost = stream.round(range(len(asked)), count)
    again = 0
    for _ in range(CHANCES):
        left = stream.unanswered(lost)
        if not left:
            break
        again += len(left)
        lost = stream.round(left, count)
    return Crossed(stream.agreement(control), stream.verdicts(), lost, again, time.monotonic() - began)


class Stream:
    """Questions under way and what has come of them, by number."""

    def __init__(self, taps: Taps, fabric: Fabric, asked: Sequence[Question]) -> None:
        self._taps, self._fabric, self._asked = taps, fabric, asked
        self._stopped: dict[int, str] = {}
        self._due: dict[int, Expectation] = {}
        """What should arrive, and what the prover sees otherwise than the evaluator."""
        self._came: dict[int, list[Frame]] = {}
        self._others: list[Frame] = []
        self._own: list[Frame] = []
        """Frames of hosts' own: their answers, which have no number."""
        self._pairs = self._delivered = 0

    def round(self, numbers: Iterable[int], count: Count) -> dict[PortRef, int]:
        """Send these; gives how many frames no switch has counted, by port."""
        before, own = count(), len(self._own)
        sent: Counter[PortRef] = Counter()
        for window in self._windows(numbers):
            self._taps.send(probe.frame for probe in window)
            sent.update(probe.at for probe in window)
        self._collect(GRACE, QUIET)
        sent.update(port for port, _ in self._own[own:])
        came_in = entered(since(count(), before))
        return {port: number - came_in[port] for port, number in sent.items() if number > came_in[port]}

    def unanswered(self, lost: Mapping[PortRef, int]) -> list[int]:
        """The numbers of frames that have not arrived and should have, or may not have come in at all."""
        silent = (number for number in self._stopped if number not in self._came)
        return [number for number in silent if number in self._due or self._asked[number].probe.at in lost]

    def _windows(self, numbers: Iterable[int]) -> Iterator[list[Probe]]:
        """Some frames at a time; while a window is made ready, the one before is under way."""
        window: list[Probe] = []
        each: Counter[PortRef] = Counter()
        for number in numbers:
            probe = self._expected(number).probe
            window.append(probe)
            each[probe.at] += 1
            if each[probe.at] == EACH or len(window) == MOST:
                self._collect()
                yield window
                window, each = [], Counter()
        yield window

    def _expected(self, number: int) -> Expectation:
        """What the witnesses that compute say of a question's frame."""
        probe = self._asked[number].probe
        (one,) = expect(self._fabric, [probe._replace(packet=marked(probe.packet, number))])
        if number not in self._stopped:
            self._stopped[number] = sys.intern(stopped(one.walk, self._fabric.topology, self._asked[number].due))
            self._pairs += len(one.walk.hops)
            self._delivered += len(one.walk.deliveries)
            if one.walk.deliveries or contradiction(self._fabric.topology, one):
                self._due[number] = one
        return one

    def _collect(self, patience: float = 0.0, quiet: float = 0.0) -> None:
        """Take in what has arrived; with patience, wait for what has not."""
        missing = sum(number not in self._came for number in self._due) if patience else 0
        delivered, sent = self._taps.gather(missing, patience, quiet)
        self._own += sent
        for frame in delivered:
            number = number_of(frame[1])
            known = 0 <= number < len(self._asked)
            (self._came.setdefault(number, []) if known else self._others).append(frame)

    def agreement(self, control: AppCtl | None) -> Agreement:
        """All witnesses on all frames."""
        doubts: list[Doubt] = []
        for number in sorted(self._due.keys() | self._came.keys()):
            one = self._due.get(number) or self._expected(number)
            doubts += doubted(self._fabric, one, self._came.get(number, ()), control)
        own = expect(self._fabric, [Probe(port, Packet(frame), "a host's own") for port, frame in self._own])
        rest = judge(self._fabric, (), self._others, own)
        return Agreement(len(self._asked), self._pairs + rest.pairs, self._delivered, (*doubts, *rest.doubts))

    def verdicts(self) -> list[Verdict]:
        """By number: what became of each question's frame."""
        return [
            Verdict(one, arrived(one.due, map(_delivery, self._came.get(number, ()))), self._stopped[number])
            for number, one in enumerate(self._asked)
        ]


def _delivery(frame: Frame) -> Delivery:
    port, data = frame
    return Delivery(port, Packet(data))


def entered(counts: Mapping[str, Counted]) -> Counter[PortRef]:
    """Packets that came in by each port that rules of table 0 name, by these rules' counters."""
    found: Counter[PortRef] = Counter()
    for switch, counted in counts.items():
        for (table, _, match), number in counted.rules.items():
            port = match.value("in_port") if table == 0 and isinstance(match, Match) else None
            if port is not None:
                found[PortRef(switch, port)] += number
    return found
