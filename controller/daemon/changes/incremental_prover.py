"""A prover that goes with the fabric from state to state, so that a change is proved at the cost of what it touches.

Lives here: where the prover stands, and what differs from there. Must not know: drafts, batches, verdicts.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from clos.controller.daemon.gc_control import freeze_heap, gc_paused
from clos.controller.intent.model import Intent
from clos.controller.plan.change import DELETE, Change
from clos.controller.plan.diff import changes
from clos.controller.verify import Prover, Report, SwitchEdit
from clos.controller.verify.proof.prover import states_of
from clos.fabric.dataplane.rule import GroupEntry, Rule
from clos.fabric.dataplane.ruleset import EMPTY, Ruleset
from clos.fabric.topology import Topology

LARGE = 0.5
"""A change of more than this share of all entries is proved afresh: that is less work then."""

MANY = 10_000
"""Entries; what is known of more is freed before its successor is made, and kept out of collections of garbage."""


class IncrementalProver:
    """Proves states one after the other, each from the one before it where the two have much in common.

    ``stand`` says where the next states lead on from; without it the verdicts are the same, and take longer.
    """

    def __init__(self) -> None:
        self._prover: Prover | None = None
        self._ruleset, self._settled = EMPTY, Intent()
        self._entries, self._fresh = 0, False

    def prove(self, topology: Topology, ruleset: Ruleset, now: Intent, before: Intent | None = None) -> Report:
        """Whether these rules do what ``now`` says; with ``before``, for each packet what either intent says.

        Nothing is found wrong for what was remembered: before it is refused, a state is proved afresh.
        """
        report = self._on(topology, ruleset, now, before)
        if report is not None and report.ok:
            return report
        del report  # it may know the old prover, of which nothing is to be left when the new one is made
        return self._afresh(topology, ruleset, now, before)

    def stand(self, topology: Topology, ruleset: Ruleset, intent: Intent) -> None:
        """Go (back) to a state from which others are to be proved, unless that is as much work as to start there."""
        if self._ruleset is not ruleset or self._settled is not intent:
            self._on(topology, ruleset, intent, None)

    def _on(self, topology: Topology, ruleset: Ruleset, now: Intent, before: Intent | None) -> Report | None:
        """What a proof from where the prover stands says; None when it had better start there."""
        edits = self._edits(topology, ruleset)
        prover, self._prover = self._prover, None  # for good, should anything be raised: it may be between two states
        if prover is None or edits is None:
            return None
        if before is not None and before is not self._settled:
            prover.change(edits, before)
            self._settled, edits = before, {}
        report = prover.change(edits, now, during=before is not None)
        self._settled = now if before is None else self._settled
        self._keep(prover, ruleset, report)
        return report

    def _afresh(self, topology: Topology, ruleset: Ruleset, now: Intent, before: Intent | None) -> Report:
        """A state on the way often does all as before, which is the least to prove."""
        self._prover = None
        if max(self._entries, sum(ruleset.counts().values())) > MANY:
            freeze_heap()  # which frees the prover before: there need not be two
        self._settled = now if before is None else before
        with gc_paused():
            prover = Prover(self._settled, topology, states_of(ruleset))
            report = prover.report()
            if before is not None and not report.ok and not report.refused:
                report = prover.change({}, now, during=True)
        self._entries, self._fresh = sum(ruleset.counts().values()), True
        self._keep(prover, ruleset, report)
        return report

    def _keep(self, prover: Prover, ruleset: Ruleset, report: Report) -> None:
        if not report.refused:  # else it may not have looked at everything
            self._prover, self._ruleset = prover, ruleset

    def forget(self) -> None:
        """Start afresh next time."""
        self._prover = None

    def _edits(self, topology: Topology, ruleset: Ruleset) -> dict[str, SwitchEdit] | None:
        """What turns the state that the prover knows into another; None when it had better start there."""
        if self._prover is None or self._prover.topology is not topology:
            return None
        found = [change for change in changes(self._ruleset, ruleset) if isinstance(change.entry, Rule | GroupEntry)]
        if sum(len(change.switches) for change in found) > LARGE * self._entries:
            return None
        return edits_of(found, topology.switches)

    def settle(self) -> None:
        """Nothing more is asked for now: what a new prover has found out is kept out of collections of garbage."""
        if self._fresh and self._entries > MANY:
            freeze_heap()
        self._fresh = False


def edits_of(found: Iterable[Change], switches: Collection[str]) -> dict[str, SwitchEdit]:
    """Changes as edits, by switch; only those of the ``switches``."""
    gone: dict[str, list[Rule]] = {}
    come: dict[str, list[Rule]] = {}
    groups: dict[str, dict[int, GroupEntry | None]] = {}
    for op, _, entry, where in found:
        for name in where:
            if isinstance(entry, GroupEntry):
                groups.setdefault(name, {})[entry.group] = None if op == DELETE else entry
            elif isinstance(entry, Rule):
                gone.setdefault(name, []).append(entry)
                if op != DELETE:
                    come.setdefault(name, []).append(entry)
    touched = (name for name in switches if name in gone or name in groups)
    return {
        name: SwitchEdit(tuple(gone.get(name, ())), tuple(come.get(name, ())), groups.get(name, {})) for name in touched
    }
