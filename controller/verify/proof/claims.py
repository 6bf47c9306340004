"""What is claimed, and the answers: proved, with what that covered; or refuted, by a packet anyone can send.

Lives here: the claims, the values of answers, how they read. Must not know: how an answer was found.
"""

from __future__ import annotations

from typing import NamedTuple

from clos.fabric.dataplane.rule import Rule
from clos.fabric.topology import PortRef

ADMITTED, ISOLATED, POLICY, REACHABLE = "admitted", "isolated", "policy", "reachable"
WAYPOINTED = "waypointed"
FAITHFUL, LOOP_FREE, QUIET = "faithful", "loop-free", "quiet"

CLAIMS = {
    ADMITTED: "only known endpoints can send, from their own port and with their own addresses",
    ISOLATED: "no packet reaches a tenant without that tenant's consent",
    POLICY: "every delivered packet is permitted by a policy or a share",
    WAYPOINTED: "packets that must pass a waypoint reach no other endpoint before it",
    REACHABLE: "every permitted packet is delivered, whichever bucket a switch chooses",
    FAITHFUL: "every delivered packet has the expected headers and is delivered once",
    LOOP_FREE: "no packet is forwarded in a loop",
    QUIET: "no packet is sent to the controller, but for control frames of legacy networks",
}
"""Each claim and what it says of all packets that can come in by any host's port. Order is that of reports."""


NO_WAYPOINT = "no policy has a waypoint"
"""Why WAYPOINTED says nothing of most fabrics. Reports for people leave it out then, unless it is asked for."""


class Proof(NamedTuple):
    """The claim holds for every packet. ``covered``: what that speaks of; ``vacuous``: nothing, and why."""

    claim: str
    covered: str
    vacuous: str | None = None

    @property
    def idle(self) -> bool:
        """Whether it is about something that the intents do not ask for at all."""
        return self.vacuous == NO_WAYPOINT

    def __str__(self) -> str:
        if self.vacuous:
            return f"{self.claim}: vacuously true: {self.vacuous}"
        return f"{self.claim}: proved ({self.covered})"


class Counterexample(NamedTuple):
    """A packet for which the claim does not hold.

    ``data``: its bytes; ``at``: where it comes in; ``packet``: an expression for scapy that makes it; ``trace``: what
    switches do with it, every choice they have; ``rules``: those it meets, with their switches; ``ends``: of these,
    those at which it is lost, where that is the fault.
    """

    claim: str
    at: PortRef
    host: str
    text: str
    data: bytes
    packet: str
    trace: tuple[str, ...]
    rules: tuple[tuple[str, Rule], ...]
    ends: tuple[tuple[str, Rule], ...] = ()

    @property
    def cookies(self) -> tuple[int, ...]:
        """The cookies of the rules it meets, each once, in the order met."""
        return tuple(dict.fromkeys(rule.cookie for _, rule in self.rules))

    @property
    def scapy(self) -> str:
        """One line that replays it, run on the host."""
        return f"sendp({self.packet}, iface=...)  # on {self.host}, port {self.at}"

    def __str__(self) -> str:
        lines = [f"{self.claim}: {self.text}", f"  packet: {self.scapy}"]
        return "\n".join([*lines, *(f"  {line}" for line in self.trace)])


class Refused(NamedTuple):
    """No verdict: something the prover cannot reason about."""

    why: str

    def __str__(self) -> str:
        return f"not proved: cannot reason about {self.why}"


class Report(NamedTuple):
    """Answers to all claims. ``proofs`` and ``counterexamples`` together name every claim unless ``refused``."""

    proofs: tuple[Proof, ...]
    counterexamples: tuple[Counterexample, ...] = ()
    refused: Refused | None = None
    found: int = 0

    @property
    def ok(self) -> bool:
        """Whether every claim is proved."""
        return self.refused is None and not self.counterexamples

    def __str__(self) -> str:
        if self.refused is not None:
            return str(self.refused)
        more = self.found - len(self.counterexamples)
        lines = [*map(str, self.proofs), *map(str, self.counterexamples)]
        return "\n".join([*lines, f"and {more} more sets of packets"] if more else lines)
