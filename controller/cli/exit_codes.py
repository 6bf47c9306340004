"""The exit codes of every command, and what 1 means for each: one table, from which docs/cli.md is generated.

Must not know: how a command finds its answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import Final


class ExitCode(IntEnum):
    """How a command of Clos ends. No two causes share a code."""

    OK = 0
    FAILED = 1
    USAGE = 2
    UNCHECKED = 3
    CHANGES = 4
    INTERNAL = 70
    INTERRUPTED = 130

    @property
    def meaning(self) -> str:
        """For people: one sentence."""
        return MEANINGS[self]


MEANINGS: Final[Mapping[ExitCode, str]] = {
    ExitCode.OK: "Yes: the command did what it was asked, or every check passed.",
    ExitCode.FAILED: "No: a check failed, the documents are invalid, or a change was refused. See the table below.",
    ExitCode.USAGE: "Usage: a flag is wrong, a file does not exist, or a name or revision is unknown.",
    ExitCode.UNCHECKED: "No answer: the command could not check or carry out what it was asked: no controller, a busy "
    "controller, a switch that does not answer, a bound that was exceeded, an answer that cannot be written.",
    ExitCode.CHANGES: "Changes: only with `--detailed-exitcode`, when there is something to change.",
    ExitCode.INTERNAL: "Internal error: a fault of Clos. One line names it; `clos --debug` or `CLOS_DEBUG=1` shows the "
    "traceback.",
    ExitCode.INTERRUPTED: "Interrupted with Ctrl-C.",
}
"""The codes as docs/cli.md shows them (70 is EX_SOFTWARE of sysexits.h, 130 a shell's code for SIGINT)."""

NO: Final[Mapping[str, str]] = {
    "validate": "The intents or the topology are invalid.",
    "plan": "The documents are invalid, or do not fit into the pipeline.",
    "apply": "The documents are invalid, the change was refused (brake, proof, stale plan), or you answered no.",
    "diff": "One side is invalid.",
    "init": "The topology is invalid.",
    "matrix": "The documents are invalid.",
    "compile": "The documents are invalid, or do not fit into the pipeline.",
    "verify": "A claim is refuted, or the documents are invalid.",
    "trace": "The packet ends otherwise than `--expect` says, or the documents are invalid.",
    "explain": "The rules disagree with the intents, no rule has the cookie, or the documents are invalid.",
    "probe": "A probe ends otherwise than the intents say, or the documents are invalid.",
    "coverage": "Fewer lines are touched than `--fail-under` asks, or the documents are invalid.",
    "inspect": "The documents are invalid.",
    "graph": "The documents are invalid.",
    "topology generate": "Never.",
    "topology show": "The topology is invalid.",
    "topology check": "The topology is invalid.",
    "topology import mininet": "The network is not a spine-leaf fabric.",
    "topology import containerlab": "The network is not a spine-leaf fabric.",
    "migrate discover": "A line was not understood, an output is missing, or two sources contradict each other.",
    "migrate show": "Never.",
    "migrate run": "A check did not hold, or a device refused a line: the phase was rolled back.",
    "migrate status": "The last run was rolled back or stopped.",
    "migrate pause": "Never.",
    "migrate rollback": "You answered no.",
    "migrate plan": "There can be no plan: discovery left something open, or something contradicts.",
    "migrate predict": "A root port moves on a path in use, or frames would go round.",
    "lab up": "The topology or the intents are invalid.",
    "lab apply": "The intents are invalid.",
    "lab down": "Never.",
    "lab status": "A switch is missing or out of sync, or a link is not as designed.",
    "lab probe": "A packet ends otherwise than the intents say.",
    "lab loss": "A case loses more packets than its target allows.",
    "lab exec": "The command that it ran exits with 1: its exit code is passed on.",
    "lab shell": "Never.",
    "lab legacy up": "The network's files or the topology are invalid.",
    "lab legacy down": "Never.",
    "lab legacy status": "A device or a switch is down, a cable is broken, or a switch is out of sync.",
    "serve": "The topology is invalid.",
    "sim": "The topology or the intents are invalid.",
    "sim-control": "The simulation refused the order.",
    "sim-legacy": "The files describe no network, or a device refuses a line of its startup configuration.",
    "status": "A switch is offline or out of sync.",
    "links": "A link is miswired, missing or unknown to the topology.",
    "why": "A cause was found: the intents deny it, or something on the way is at fault.",
    "paths": "A cable or a switch loses, corrupts or delays frames.",
    "drift": "A switch does not hold what it should.",
    "hits": "Never.",
    "history": "Never.",
    "audit": "The kept proof and the audit disagree.",
    "rollback": "The change was refused (brake, proof, stale plan), or you answered no.",
    "repair": "A switch holds entries that Clos did not install (see `--remove-foreign`).",
    "proposal create": "The documents are invalid, or do not fit into the pipeline.",
    "proposal list": "Never.",
    "proposal show": "Never.",
    "proposal approve": "You proposed it, it is not open any more, or your role does not approve.",
    "proposal reject": "It is not open any more.",
    "proposal apply": "It is not approved, another revision is in force, or the change was refused.",
    "login": "The name or the password is wrong.",
    "logout": "Never.",
    "whoami": "Never.",
    "user add": "Your role does not manage people.",
    "user list": "Your role does not manage people.",
    "user remove": "Your role does not manage people.",
    "user password": "Your role does not manage people, or the two passwords are not the same.",
    "user roles": "Your role does not manage people.",
    "token add": "Your role does not manage people.",
    "token list": "Your role does not manage people.",
    "token remove": "Your role does not manage people.",
    "pki init": "Never.",
    "pki switches": "The topology is invalid.",
    "pki switch": "Never.",
    "pki controller": "Never.",
    "pki list": "Never.",
    "audit-log show": "Never.",
    "audit-log verify": "An entry was edited, removed or moved.",
    "audit-log export": "Never.",
    "drain": "A host would be cut off, or a claim would not hold.",
    "backup": "Never.",
    "restore": "You answered no.",
    "demo": "A claim of the demonstration does not hold.",
    "doctor": "Something that Clos needs is missing or wrong, or a link is not as designed.",
    "schema": "Never.",
}
"""What FAILED means, by command."""
