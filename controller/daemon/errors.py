"""Why the daemon did not do what it was asked: one exception, and the reasons there are.

Must not know: HTTP, exit codes. Whoever answers a person chooses those by ``code``.
"""

from __future__ import annotations

from typing import Final

from clos.controller.daemon.changes.verdict import Finding
from clos.controller.intent import Problem

INVALID: Final = "invalid"
"""The documents are wrong; ``problems`` says where."""
LIMIT: Final = "limit"
"""The intent is sound and does not fit into the pipeline."""
STALE: Final = "stale"
"""The fabric has moved on since the plan was made."""
BUSY: Final = "busy"
"""Another change is under way, or an interrupted one is being finished."""
BRAKES: Final = "brakes"
"""The plan does something that must be asked for by name."""
OFFLINE: Final = "offline"
"""Switches that the plan concerns are not connected."""
GATE: Final = "gate"
"""A gate, such as a proof, did not let the plan pass."""
FOUR_EYES: Final = "four-eyes"
"""It takes a second person: propose it, have it approved, then apply it."""
UNKNOWN: Final = "unknown"
"""There is no such revision or switch."""
SWITCH: Final = "switch"
"""A switch refused or fell silent; the change was taken back."""
FOLLOWER: Final = "follower"
"""Another controller leads, or none at the moment: only the leader changes anything."""
STOPPING: Final = "stopping"
"""The daemon is being stopped; it will finish at the next start."""

CODES: Final = (INVALID, LIMIT, STALE, BUSY, BRAKES, OFFLINE, GATE, FOUR_EYES, UNKNOWN, SWITCH, FOLLOWER, STOPPING)


class Refused(Exception):
    """The request was not carried out; no switch holds anything of it. ``flags``: the allowances that would help.

    ``findings``: the packets for which a claim would not hold.
    """

    def __init__(
        self,
        code: str,
        message: str,
        problems: tuple[Problem, ...] = (),
        flags: tuple[str, ...] = (),
        findings: tuple[Finding, ...] = (),
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.problems = problems
        self.flags = flags
        self.findings = findings
