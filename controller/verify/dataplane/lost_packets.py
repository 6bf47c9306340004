"""Where a packet that is sent on is lost: the switch and the rules at which its way ends.

Asks each switch by itself. Must not know: what becomes of packets beyond a switch, claims.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import NamedTuple

from clos.controller.verify.dataplane.outcome import plain
from clos.controller.verify.dataplane.reachability import SymbolicFabric
from clos.controller.verify.headerspace.header_space import SLOTS, Box
from clos.controller.verify.headerspace.transform import image
from clos.fabric.dataplane.rule import Rule
from clos.fabric.topology import PortRef

MAX_VISITS = 1_000
"""Switches that are asked about one packet."""

Rules = tuple[tuple[str, Rule], ...]


class End(NamedTuple):
    """The port by which a packet comes in that is lost there, and why; ``rules``: those it meets there, or that sent it
    there when no rule takes it."""

    at: PortRef
    why: str
    rules: Rules


def end(alone: SymbolicFabric, peers: Mapping[PortRef, PortRef], at: PortRef, box: Box) -> End | None:
    """The nearest end of a packet (a box of one) that comes in at a port, beyond its first switch where there is one;
    None where none is seen.

    ``alone``: the switches without their cables; ``peers``: the cables.
    """
    waiting: deque[tuple[PortRef, Box, Rules]] = deque([(at, box, ())])
    seen: set[tuple[PortRef, Box]] = set()
    first: End | None = None
    while waiting and len(seen) < MAX_VISITS:
        here, packet, sent_by = waiting.popleft()
        if (here, packet) in seen:
            continue
        seen.add((here, packet))
        said, rules = _told(alone, here, packet)
        for part, outcome in plain(alone.entering(here, packet)):
            if () in outcome:
                found = End(here, said[-1].strip(), rules or sent_by)
                if sent_by:
                    return found
                first = first or found
            for switch, port, frame in (arrival for copies in sorted(outcome) for arrival in copies):
                there = peers.get(PortRef(switch, port))
                if there is not None:
                    waiting.append((there, image(alone.space, part, frame, tuple(range(SLOTS))), rules))
    return first


def _told(alone: SymbolicFabric, at: PortRef, packet: Box) -> tuple[list[str], Rules]:
    lines: list[str] = []
    rules: dict[tuple[str, Rule], None] = {}

    def trace(text: str, switch: str = "", rule: Rule | None = None) -> None:
        lines.append(text)
        if rule is not None:
            rules[switch, rule] = None

    alone.entering(at, packet, trace)
    return lines, tuple(rules)
