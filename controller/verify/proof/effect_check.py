"""Whether what a rule makes of packets meets what is required of them.

Must not know: how effects come about, who sends.
"""

from __future__ import annotations

from typing import Any

from clos.controller.verify.dataplane.outcome import DROPPED, AclFilter, Filtered, Outcome
from clos.controller.verify.headerspace.header_space import Box
from clos.controller.verify.proof.compare import Mismatch, OutcomeComparison, Wants
from clos.controller.verify.proof.rule_effects import RuleEffect
from clos.controller.verify.spec.requirements import ConditionalRequirement, Requirements


class EffectCheck:
    """The requirements on effects: those that hold, and (None: the same) those that held before a change under way."""

    def __init__(self, judge: OutcomeComparison, requirements: Wants, before: Wants | None) -> None:
        self.judge, self.requirements, self.before = judge, requirements, before

    def mismatches(self, effect: RuleEffect, acl_filter: AclFilter | None) -> tuple[list[Mismatch], bool]:
        """What is not right about an effect, and whether something must arrive."""
        found: list[Mismatch] = []
        wanted = False
        for box, kept in effect.parts:
            outcome = kept if acl_filter is None or kept == DROPPED else Filtered(acl_filter, kept)
            requirements = list(self.requirements(box))
            wanted = wanted or any(_arrives(requirement) for _, requirement in requirements)
            if not self._known(effect, box, outcome, requirements):
                found += self.judge.mismatches(box, outcome, requirements, self.before)
        return found, wanted

    def _known(
        self, effect: RuleEffect, box: Box, outcome: Outcome | Filtered, requirements: list[Requirements]
    ) -> bool:
        """Whether an effect of one part met the very same requirement before, whatever the filter was."""
        if len(requirements) > 1 or len(effect.parts) > 1:
            return False
        part, requirement = requirements[0]
        if not (isinstance(outcome, Filtered) and isinstance(requirement, ConditionalRequirement) and part == box):
            return False
        if not self.judge.alike(outcome.filter, requirement.permits):
            return False
        if requirement.permits and id(requirement.yes) not in effect.fine:
            if not self.judge.agrees(box, outcome.kept, requirement.yes):
                return False
            effect.fine[id(requirement.yes)] = requirement.yes
        return True


def _arrives(requirement: Any) -> bool:
    return (
        bool(requirement.permits and requirement.yes.arrivals)
        if isinstance(requirement, ConditionalRequirement)
        else bool(requirement.arrivals)
    )
