"""Places that packets come to, and by which ports they came there. Must not know: rules, what becomes of packets.

A place stands for many packets at once, so the port they came in by is told only where it matters.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from clos.fabric.dataplane.rule import Rule

ANY_HOST_PORT = 0
"""The port packets came in by when that is some host's port, it does not matter which: what goes back by it goes to
port IN_PORT, what goes out by a host's port is taken not to have come in there."""
ANY_LINK = -1
"""The port packets came in by when that is any link but those that they are sent out by: ``Visit.ports``."""


class PortMatters(Exception):
    """Packets that came in by any link were asked about, and it matters by which."""


class GroupPoint(NamedTuple):
    """A group of a switch; ``port``: where packets came in by, when that matters, else 0."""

    switch: str
    group: int
    port: int


class PipelinePoint(NamedTuple):
    """A table of a switch, with the registers that packets have there; ``port``: where they came in by, when that
    matters, else 0."""

    switch: str
    port: int
    table: int
    metadata: int
    tunnel: int
    write: tuple[Any, ...]


TraceSink = Callable[[str, str, Rule | None], None]
"""Hears, for a trace, what happens: a line, the switch, the rule if one was met."""
