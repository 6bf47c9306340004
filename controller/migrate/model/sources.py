"""Where values were read, and what could not be read or believed. Must not know: how any of it was read."""

from __future__ import annotations

from typing import NamedTuple


class Source(NamedTuple):
    """Where a value was read: device, command (or file) and line, counted from 1; 0: the whole output."""

    device: str
    command: str
    line: int = 0

    def __str__(self) -> str:
        return f"{self.device}: {self.command}" + (f": line {self.line}" if self.line else "")


class Unparsed(NamedTuple):
    """A line that no reader took: never dropped, always named."""

    source: Source
    text: str


class Contradiction(NamedTuple):
    """Two sources that cannot both be right, or a setting at one end only."""

    kind: str
    """``cdp-lldp``, ``mac-arp``, ``config-state``, ``trunk-one-end``, ``hsrp-no-standby``, ``duplicate-address``,
    ``native-vlan``, ``eigrp-asymmetric``."""
    text: str
    sources: tuple[Source, ...] = ()
