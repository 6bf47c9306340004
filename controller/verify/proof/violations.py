"""The packets for which a claim does not hold: by port, and by class of senders until every claim is seen to break.

Must not know: what was looked at again and why.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from clos.controller.verify.proof.claims import CLAIMS
from clos.controller.verify.proof.compare import Mismatch
from clos.controller.verify.proof.ingress_port import IngressPort, Violation
from clos.controller.verify.proof.sender_class import Pair, SenderClass
from clos.controller.verify.proof.sender_classes import SenderClasses
from clos.fabric.topology import PortRef

ENOUGH = 40
"""Violations of a claim that are looked for sender by sender; more are only counted."""


class Violations:
    """All violations of a fabric as it is. ``of_classes``: by class and pair, those that were found sender by sender,
    and how many more sets of packets do not end as they should."""

    def __init__(self, ingresses: Mapping[PortRef, IngressPort], sender_classes: SenderClasses) -> None:
        self._ingresses, self._sender_classes = ingresses, sender_classes
        self.of_classes: dict[tuple[SenderClass, Pair], tuple[list[Violation], int]] = {}
        self._ports: dict[IngressPort, None] = {}

    def note(self, ingress: IngressPort) -> None:
        """A port was looked at."""
        if ingress.faults or any(special.faults for special in ingress.specials):
            self._ports[ingress] = None
        else:
            self._ports.pop(ingress, None)

    def leave_out(self, ingress: IngressPort) -> None:
        """A port is somebody else's business."""
        self._ports.pop(ingress, None)

    def settle(self, sender_class: SenderClass, pair: Pair, mismatches: list[Mismatch]) -> None:
        """What was found of a class: where it is not as it should be, look at its senders one by one, until every claim
        is seen to break."""
        self.of_classes.pop((sender_class, pair), None)
        if not mismatches:
            return
        violations: list[Violation] = []
        more = 0
        broken = self._broken()
        for mismatch in mismatches:
            claims = self._claims(mismatch)
            if all(broken[claim] >= ENOUGH for claim in claims):
                more += 1
                continue
            for at in sender_class.members[pair]:
                of_port = list(self._ingresses[at].exactly(mismatch.box, sender_class, pair))
                violations += of_port
                broken.update([violation.claim for violation in of_port])
                claims -= {violation.claim for violation in of_port}
                if not claims:
                    break
        self.of_classes[sender_class, pair] = violations, more

    def _claims(self, mismatch: Mismatch) -> set[str]:
        """The claims that it may break."""
        faults = self._sender_classes.judge.faults(mismatch, self._sender_classes.expectations)
        return {claim for claim, _, _ in faults}

    def _broken(self) -> Counter[str]:
        """How often each claim is seen to break by packets of classes."""
        return Counter(violation.claim for violations, _ in self.of_classes.values() for violation in violations)

    def _all(self) -> Iterator[Violation]:
        for ingress in self._ports:
            yield from ingress.faults
            for special in ingress.specials:
                yield from special.faults
        for violations, _ in self.of_classes.values():
            yield from violations

    def count(self) -> int:
        """How many there are, those included that were not looked for sender by sender."""
        return sum(1 for _ in self._all()) + sum(more for _, more in self.of_classes.values())

    def shown(self, most: int) -> list[Violation]:
        """Some of each claim, in the order of claims, ports and hosts."""
        violations = list(self._all())
        shown: list[Violation] = []
        for claim in CLAIMS:
            broken = [violation for violation in violations if violation.claim == claim]
            broken.sort(key=lambda violation: (violation.at, violation.host))
            shown += broken[:most]
        return shown
