"""What goes wrong with a device on demand, at which of its commands and how often.

Lives here: Fault and Faults. Must not know: sessions, SSH: they ask before they answer.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

CUT, STALL, GARBLE, SYSLOG, RELOAD = "cut", "stall", "garble", "syslog", "reload"
"""Half an answer and the connection is gone; no answer; bytes changed; log lines within the answer; the device
restarts at the command."""
KINDS = frozenset({CUT, STALL, GARBLE, SYSLOG, RELOAD})


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault. ``command``: a regular expression that the line typed is searched for. ``times``: how often."""

    kind: str
    command: str = "."
    times: int = 1

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"{self.kind}: no such fault; there are {', '.join(sorted(KINDS))}")


class Faults:
    """The faults that are still to come. ``refused_logins``: that many correct passwords are refused."""

    def __init__(self) -> None:
        self.refused_logins = 0
        self._coming: list[list[object]] = []

    def add(self, fault: Fault) -> None:
        self._coming.append([fault, fault.times])

    def take(self, line: str) -> str | None:
        """The kind of the fault that this line meets; it is used up."""
        for entry in self._coming:
            fault, left = entry
            if isinstance(fault, Fault) and isinstance(left, int) and re.search(fault.command, line):
                entry[1] = left - 1
                if left == 1:
                    self._coming.remove(entry)
                return fault.kind
        return None

    def take_login(self) -> bool:
        """Whether this login is refused whatever its password is."""
        if self.refused_logins:
            self.refused_logins -= 1
            return True
        return False


def garbled(text: str) -> str:
    """The text with every 16th letter changed, line ends kept: as a line with a wrong speed does it."""
    return "".join(
        "\u00bf" if index % 16 == 9 and not letter.isspace() else letter for index, letter in enumerate(text)
    )
