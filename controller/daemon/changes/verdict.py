"""What the gate found, as a value: kept with the revision, told to whoever asks.

Lives here: the verdict on a plan and its JSON form, which is what the store keeps. Must not know: how it was found.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

PROVED: Final = "proved"
UNPROVEN: Final = "unproven"

NOW: Final = "now"
EITHER: Final = "either"
"""The intent a state was held against: the new one, or for each packet that one or the one before."""


class Finding(NamedTuple):
    """A packet for which a claim does not hold. ``lines``: the places in the documents of the rules that it met.

    ``at``: where it comes in; ``data``: its bytes; ``packet``: an expression for scapy; ``trace``: what switches do.
    """

    claim: str
    text: str
    at: str
    data: bytes
    packet: str
    trace: tuple[str, ...]
    lines: tuple[str, ...]

    def __str__(self) -> str:
        rows = [f"{self.claim}: {self.text}", f"  packet: {self.packet}", *(f"  {line}" for line in self.trace)]
        return "\n".join([*rows, *(f"  caused by {line}" for line in self.lines)])

    def document(self) -> dict[str, Any]:
        return {**self._asdict(), "data": self.data.hex(), "trace": [*self.trace], "lines": [*self.lines]}


class ProvedState(NamedTuple):
    """The state after batch ``number`` (0: there is nothing to send). ``against``: NOW or EITHER.

    ``digest``: of what all switches hold then; ``why``: what is wrong when it is no packet that shows it.
    """

    number: int
    batch: str
    against: str
    ok: bool
    digest: str
    seconds: float
    findings: tuple[Finding, ...] = ()
    why: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """On the states of a plan of so many ``batches``, as far as the first state that fails.

    ``claims``: what the proof of each covers in the last state; ``digests``: of what each switch holds in the end.
    ``left_out``: what the verdict does not speak of, in sentences; ``prover``: a digest of the code that gave it.
    """

    claims: Mapping[str, str]
    batches: int
    states: tuple[ProvedState, ...]
    digests: Mapping[str, str]
    left_out: tuple[str, ...]
    prover: str
    seconds: float

    @property
    def ok(self) -> bool:
        return all(state.ok for state in self.states)

    @property
    def word(self) -> str:
        return PROVED if self.ok else UNPROVEN

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Those of the first state that is not as it must be."""
        return next((state.findings for state in self.states if not state.ok), ())

    def __str__(self) -> str:
        """The verdict in a sentence."""
        wrong = next((state for state in self.states if not state.ok), None)
        if wrong is not None:
            when = _when(wrong.number, self.batches, wrong.batch)
            claims = [f"'{claim}'" for claim in dict.fromkeys(finding.claim for finding in wrong.findings)]
            if not claims:
                return f"{wrong.why} {when}"
            return f"claim {claims[0]} fails {when}" if len(claims) == 1 else f"claims {', '.join(claims)} fail {when}"
        every = "after every batch" if len(self.states) > 1 else _when(self.batches, self.batches, "")
        return f"{len(self.claims)} claims hold {every}"

    def document(self) -> dict[str, Any]:
        """JSON values: what the store keeps."""
        states = [
            {**state._asdict(), "findings": [found.document() for found in state.findings]} for state in self.states
        ]
        return {
            "verdict": self.word, "text": str(self), "claims": dict(self.claims),
            "batches": self.batches, "states": states,
            "digests": dict(self.digests), "left_out": [*self.left_out], "prover": self.prover,
            "seconds": round(self.seconds, 4),
        }  # fmt: skip


def _when(number: int, batches: int, batch: str) -> str:
    if not number:
        return "without any change"
    return f"after batch {number} of {batches}" + (f" ({batch})" if batch else "")
