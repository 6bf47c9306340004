"""Candidates gathered until nothing new is met: what honest hosts send, then packets made for rules still unmet, then
other ports for hashes, then broken cables for detours.

Lives here: when to stop looking. Must not know: which candidates are chosen, how they are sent.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from clos.controller.intent.model import Intent
from clos.controller.probe.candidates import failures, honest
from clos.controller.probe.coverage import SOUND, Down, Entries, Meeting
from clos.controller.probe.craft import Models, crafted, varied
from clos.controller.probe.packets import Probe
from clos.fabric.dataplane.rule import Rule
from clos.fabric.topology import PortRef

VARIANTS = 48
"""Ports tried to have a hash choose every bucket."""
MODELS_TRIED = 12
"""Packets changed for one rule before it is given up."""
ALIKE = 3
"""Probes sent again, of those that a failure concerns and that go from one leaf to another."""


class Candidate(NamedTuple):
    """A probe and what it meets. ``state``: what is broken when it is sent, empty for nothing."""

    meeting: Meeting
    state: str = ""

    @property
    def probe(self) -> Probe:
        return self.meeting.probe


def gather(entries: Entries, intent: Intent) -> list[Candidate]:
    """Candidates that together meet all that can be found to be met, and many that overlap."""
    pool = _Pool(entries)
    pool.try_all(honest(intent, entries.topology))
    pool.craft()
    pool.vary()
    pool.break_cables(failures(entries.topology))
    return pool.kept


class _Pool:
    """Candidates gathered so far, and what they meet together."""

    def __init__(self, entries: Entries) -> None:
        self._entries = entries
        self.kept: list[Candidate] = []
        self._met: set[int] = set()
        self._models = Models()
        self._known: set[tuple[object, ...]] = set()

    def try_all(self, probes: Iterable[Probe], state: str = "", down: Down = SOUND) -> None:
        for probe in probes:
            self._try(probe, state, down)

    def craft(self) -> None:
        """For each rule not met: change packets that come to its table until one meets it."""
        for number, entry in enumerate(self._entries.rules):
            if number not in self._met and isinstance(entry.what, Rule):
                self._craft(number, entry.switch, entry.what)

    def vary(self) -> None:
        """Have flows spread: other ports for what passes a group some of whose buckets are not met."""
        tried: Counter[int] = Counter()
        for one in tuple(self.kept):
            for turn in range(1, VARIANTS):
                lacking = self._entries.choices(one.meeting) - self._met
                probe = varied(one.probe, turn)
                if probe is None or all(tried[number] > VARIANTS for number in lacking):
                    break
                tried.update(lacking)
                self._try(probe, choosy=True)

    def break_cables(self, states: Mapping[str, Down]) -> None:
        """Send again, with cables broken, what passes where they were, and the like of it from other ports."""
        sound = [one.meeting for one in self.kept if one.meeting.walk.deliveries]
        sound.sort(key=lambda meeting: varied(meeting.probe, 1) is None)
        for state, down in states.items():
            for meeting in _concerned(sound, down):
                self._try(meeting.probe, state, down)
                for probe in filter(None, (varied(meeting.probe, turn) for turn in range(1, ALIKE))):
                    self._try(probe, state, down)

    def _try(self, probe: Probe, state: str = "", down: Down = SOUND, choosy: bool = False) -> frozenset[int]:
        """What it meets; kept if it came in, and where that is asked or cables are broken, if it meets what is new."""
        key = (probe.at, probe.packet, state)
        if key in self._known:
            return frozenset()
        self._known.add(key)
        meeting = self._entries.meet(probe, down)
        if meeting.entered and not ((choosy or state) and meeting.met <= self._met):
            self.kept.append(Candidate(meeting, state))
            self._met |= meeting.met
        if not state:
            self._models.keep(meeting)
        return meeting.met

    def _craft(self, number: int, switch: str, rule: Rule) -> None:
        for turn, (model, arrival) in enumerate(self._models.fitting(switch, rule)):
            if turn >= MODELS_TRIED:
                return
            if any(number in self._try(probe) for probe in crafted(rule, model, arrival)):
                return


def _concerned(meetings: Iterable[Meeting], down: Down) -> Iterator[Meeting]:
    """Those that left by a port that is dead now; a few of those alike."""
    times: Counter[tuple[object, ...]] = Counter()
    for meeting in meetings:
        for port in _left_by(meeting) & down:
            alike = meeting.probe.at.switch, port, meeting.walk.deliveries[0].port.switch
            times[alike] += 1
            if times[alike] <= ALIKE:
                yield meeting


def _left_by(meeting: Meeting) -> frozenset[PortRef]:
    """The ports that its copies left switches by."""
    return frozenset(PortRef(visit.switch, number) for visit in meeting.walk.hops for number, _ in visit.step.emissions)
