"""``clos lab probe``: what is sent through the lab, and what the answers say. The command itself is in lab.cli.

Lives here: the rounds of probes, and the covering set with Open vSwitch's counters. Must not know: flags, options.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from clos.controller.cli.answer import FAILED, OK, Answer
from clos.controller.cli.render.probes import Proof, by_pair, cover_answer, uncounted
from clos.controller.cli.render.text import columns, count
from clos.controller.compile import compile_fabric
from clos.controller.explain.register_names import names_of
from clos.controller.probe.cover import Cover, cover
from clos.controller.probe.coverage import Down, Entry
from clos.controller.probe.craft import varied
from clos.controller.probe.gather import Candidate
from clos.controller.probe.landing import content
from clos.controller.probe.packets import Probe, parties, services
from clos.controller.probe.report import some_of
from clos.controller.probe.simulated import Counted
from clos.controller.probe.uncovered import Reason, Uncovered
from clos.fabric.dataplane.outcome import Hop
from clos.fabric.dataplane.walk import Delivery, Visit
from clos.lab.lab import Lab
from clos.lab.measure.attacks import catalogue
from clos.lab.measure.frames import strays
from clos.lab.measure.limits import limits, oversize
from clos.lab.measure.matrix import Crossed, Every, crossed
from clos.lab.mininet.taps import Taps
from clos.lab.ovs.appctl import AppCtl
from clos.lab.ovs.counters import counted, since
from clos.lab.pytest_backend import exchange
from clos.lab.witness.compare import Fabric, trial
from clos.lab.witness.compare import Verdict as Agreement

if TYPE_CHECKING:
    from rich.text import Text

NOTICE = 0.3
"""Seconds in which switches have noticed that cables broke."""
ELSEWHERE = Reason("Open vSwitch's hash led no flow there that was tried", False)
BACK = 15.0
"""Seconds in which switches have found the controller again: they try less and less often while it is away."""
TOP_UPS, SISTERS = 6, 12
"""Turns in which probes are sent again from other ports, and how many of each: Open vSwitch hashes in its own way."""


class Rounds(NamedTuple):
    """What was sent and what came of it. ``agreements``: of the witnesses, by round."""

    pairs: Crossed
    attacks: list[tuple[Probe, str]]
    oversize: list[tuple[str, str]]
    agreements: dict[str, Agreement]

    @property
    def sound(self) -> bool:
        """Whether all witnesses agree, hosts got what the intents say, and cables carried no more than they can."""
        agree = not any(agreement.doubts for agreement in self.agreements.values())
        return agree and self.pairs.sound and all(where for _, where in self.oversize)


def probed(lab: Lab, most: int | None, random: int, seed: int) -> Rounds:
    """Every pair with every service (at most so many), attacks, limits and random frames."""
    intent, topology, fabric, directory = lab.intent, lab.topology, lab.fabric(), lab.cell.directory / "ovs"
    every = Every(intent, parties(intent, topology), services(intent))
    tried = catalogue(intent, fabric)
    sent = {
        "attacks": [probe for probe, _ in tried],
        "limits": limits(intent, topology),
        "random": strays(intent, topology, seed, random),
    }
    with lab.taps() as taps, AppCtl(directory / "switch.ctl") as control:
        asked = every if most is None else some_of(every, most)
        pairs = crossed(taps, fabric, asked, lambda: counted(directory, topology.switches), control)
        agreements = {name: trial(taps, fabric, probes, control) for name, probes in sent.items()}
        long = oversize(lab, taps)
    return Rounds(pairs, tried, long, {"pairs": pairs.agreement, **agreements})


def answer(rounds: Rounds, every: bool) -> Answer:
    """For people by pair, then each attack; as JSON everything."""
    data = {
        "agree": rounds.sound,
        "rounds": {
            name: {"probes": one.probes, "delivered": one.delivered, "doubts": len(one.doubts)}
            for name, one in rounds.agreements.items()
        },
        "matrix": rounds.pairs.row(),
        "pairs": [verdict.row() for verdict in rounds.pairs.verdicts],
        "attacks": [{"kind": kind, "attack": what, "stopped": where} for kind, what, where in _attacks(rounds)],
    }
    return Answer(data, lambda: _lines(rounds, every), OK if rounds.sound else FAILED)


def _attacks(rounds: Rounds) -> Iterator[tuple[str, str, str]]:
    """(kind, what, where it ended); where is empty for what was delivered."""
    for probe, where in rounds.attacks:
        kind, _, what = probe.what.partition(": ")
        yield kind, what, where
    yield from (("MTU", what, where) for what, where in rounds.oversize)


def _lines(rounds: Rounds, every: bool) -> Iterator[Text | str]:
    for name, agreement in rounds.agreements.items():
        yield f"{name}: {agreement}"
    yield from by_pair(rounds.pairs.verdicts, every)
    yield from (f"AGAINST the intents: {verdict}" for verdict in rounds.pairs.verdicts if not verdict.agrees)
    yield str(rounds.pairs)
    yield "Attacks, and where each ended:"
    yield from columns([(kind, what, where or "delivered") for kind, what, where in _attacks(rounds)], indent=2)


# ---- the covering set


class Covered(NamedTuple):
    """The covering set sent through Open vSwitch. ``more``: probes sent again from other ports."""

    found: Cover
    proof: Proof
    more: int


def covered(lab: Lab) -> Covered:
    """Send the covering set and read Open vSwitch's counters.

    The controller rests meanwhile: it would mend groups while cables are broken. Raises LabError.
    """
    found = cover(lab.intent, lab.topology, lab.ruleset)
    lab.cell.ask("controller", state="stop")
    try:
        with lab.taps() as taps:
            return _covered(lab, taps, found)
    finally:
        lab.cell.ask("controller", state="start")
        _await(lab)


def _await(lab: Lab) -> None:
    """Until every switch is connected again, if that happens soon."""
    until = time.monotonic() + BACK
    while len(lab.cell.ask("status")["connected"]) < len(lab.topology.switches) and time.monotonic() < until:
        time.sleep(0.1)


def _covered(lab: Lab, taps: Taps, found: Cover) -> Covered:
    directory, before = lab.cell.directory / "ovs", counted(lab.cell.directory / "ovs", lab.topology.switches)
    astray = sum(_round(lab, taps, down, some) for down, some in found.rounds().values())
    more = 0
    for turn in range(TOP_UPS):
        missed = _missed(found, since(counted(directory, lab.topology.switches), before))
        again = _again(found, missed, turn) if missed else {}
        if not any(again.values()):
            break
        more += sum(map(len, again.values()))
        for down, some in again.items():
            _round(lab, taps, down, some)
    return _counted(found, since(counted(directory, lab.topology.switches), before), astray, more)


def _counted(found: Cover, counts: dict[str, Counted], astray: int, more: int) -> Covered:
    """The proof. What only a hash leads to, and Open vSwitch's led nothing to, is not met; all else must be counted."""
    missed = set(uncounted(found, counts))
    sure = {found.entries.number(v.switch, h.rule) for c in found.chosen for v, h in _at_first(c) if h.rule is not None}
    wrong = tuple(entry for number, entry in enumerate(found.entries.all) if entry in missed and number in sure)
    unmet = (
        *found.unmet,
        *(Uncovered(entry, ELSEWHERE) for entry in found.entries.all if entry in missed - set(wrong)),
    )
    return Covered(found._replace(unmet=unmet), Proof(wrong, astray), more)


def _at_first(one: Candidate) -> Iterator[tuple[Visit, Hop]]:
    """The tables that a probe meets at the switch where it comes in, before any hash."""
    return ((visit, hop) for visit in one.meeting.walk.hops[:1] for hop in visit.step.trail)


def _missed(found: Cover, counts: dict[str, Counted]) -> set[int]:
    missed: set[Entry] = set(uncounted(found, counts))
    return {number for number, entry in enumerate(found.entries.all) if entry in missed}


def _again(found: Cover, missed: set[int], turn: int) -> dict[Down, list[Candidate]]:
    """Where entries were missed: the probes that were to meet these, and others between leaves, from other ports."""
    again: dict[Down, list[Candidate]] = {}
    for state, (down, chosen) in found.rounds().items():
        lacking = [one for one in chosen if one.meeting.met & missed]
        for one in (*lacking, *(_between_leaves(found) if lacking else ())):
            for number in range(SISTERS if one in lacking else 2):
                probe = varied(one.probe, 1 + turn * SISTERS + number)
                if probe is not None:
                    again.setdefault(down, []).append(Candidate(found.entries.meet(probe, down), state))
    return again


def _between_leaves(found: Cover) -> list[Candidate]:
    """One probe of the set from each leaf to each other that can come from other ports."""
    ways: dict[tuple[str, str], Candidate] = {}
    for one in found.chosen:
        for port, _ in one.meeting.walk.deliveries:
            if port.switch != one.probe.at.switch and varied(one.probe, 1) is not None:
                ways.setdefault((one.probe.at.switch, port.switch), one)
    return list(ways.values())


def _round(lab: Lab, taps: Taps, down: Down, chosen: Sequence[Candidate]) -> int:
    """Send these with cables broken; how many did not reach the hosts as the evaluator says."""
    if down:
        lab.cut(*down)
        time.sleep(NOTICE)
    try:
        fabric = Fabric.of(lab.ruleset, lab.topology, down)
        came = exchange(taps, fabric, [(one.probe.at, one.probe.packet) for one in chosen])
    finally:
        if down:
            lab.mend(*down)
            time.sleep(NOTICE)
    return sum(
        _frames(lab, one.meeting.walk.deliveries) != _frames(lab, got) for one, got in zip(chosen, came, strict=True)
    )


def _frames(lab: Lab, deliveries: Sequence[Delivery]) -> list[tuple[str, bytes]]:
    """Who got what copies. By which of its two ports a host gets one is each switch's own choice."""
    return sorted((lab.topology.host_at[port], content(packet)) for port, packet in deliveries)


def cover_told(lab: Lab, done: Covered, every: bool = False) -> Answer:
    """The answer of ``--cover``."""
    names = names_of(compile_fabric(lab.intent, lab.topology))
    told = cover_answer(done.found, done.proof, names, every)
    head = f"{count(done.more, 'probe')} more from other ports, as Open vSwitch hashes flows in its own way"
    data = {**told.data, "more": done.more} if isinstance(told.data, dict) else told.data
    return Answer(data, lambda: (*told.lines(), *([head] if done.more else [])), told.code)
