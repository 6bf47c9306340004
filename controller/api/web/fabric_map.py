"""The fabric as a picture that stays readable: boxes with names while they fit, then one small square each.

Lives here: where things stand. Must not know: colours (the style sheet has them, by state), HTTP.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from clos.controller.daemon.status import SwitchReport
from clos.fabric.topology import Topology

MOST_BOXES = 40
"""More switches are drawn as squares, and their links are not drawn."""
BOX, SQUARE, GAP, MARGIN = (104, 34), (18, 18), 12, 16
WIDTH = 960
SIGNS = {"sync": "✓", "out": "!", "off": "✗"}
"""State is shown by a sign too, not by colour alone."""
WORDS = {"sync": "in sync", "out": "out of sync", "off": "offline"}


class Node(NamedTuple):
    """A switch as drawn: its middle, its size, its state."""

    name: str
    role: str
    x: float
    y: float
    width: int
    height: int
    state: str

    @property
    def sign(self) -> str:
        return SIGNS[self.state]

    @property
    def words(self) -> str:
        return f"{self.name} ({self.role}): {WORDS[self.state]}"


class Line(NamedTuple):
    """A link as drawn; ``down``: one of its ends is offline."""

    x1: float
    y1: float
    x2: float
    y2: float
    down: bool


class Map(NamedTuple):
    """The picture. ``labelled``: nodes have room for their names."""

    width: int
    height: int
    nodes: tuple[Node, ...]
    lines: tuple[Line, ...]
    labelled: bool
    counts: tuple[tuple[str, str, int], ...]
    """(role, state in words, how many), where there are any."""


def state_of(switch: SwitchReport) -> str:
    """``sync``, ``out`` or ``off``."""
    return "sync" if switch.in_line else "out" if switch.connected else "off"


def fabric_map(topology: Topology, switches: Iterable[SwitchReport]) -> Map:
    """Spines above, leaves below."""
    reports = list(switches)
    rows = [[one for one in reports if (one.role == "spine") is spine] for spine in (True, False)]
    labelled = len(reports) <= MOST_BOXES
    size = BOX if labelled else SQUARE
    nodes: list[Node] = []
    top = float(MARGIN)
    for row in rows:
        placed, top = _placed(row, size, top, labelled)
        nodes += placed
    at = {node.name: node for node in nodes}
    lines = tuple(_line(at[link.a.switch], at[link.b.switch]) for link in topology.links) if labelled else ()
    counts: dict[tuple[str, str], int] = {}
    for node in nodes:
        key = (node.role, WORDS[node.state])
        counts[key] = counts.get(key, 0) + 1
    told = tuple((role, words, number) for (role, words), number in sorted(counts.items()))
    return Map(WIDTH, int(top), tuple(nodes), lines, labelled, told)


def _placed(row: Sequence[SwitchReport], size: tuple[int, int], top: float, labelled: bool) -> tuple[list[Node], float]:
    """A row of switches in as many lines as they need; and where the next row begins."""
    width, height = size
    gap = GAP if labelled else 4
    each = max(1, int((WIDTH - 2 * MARGIN) // (width + gap)))
    nodes = []
    for index, one in enumerate(row):
        line, place = divmod(index, each)
        held = min(each, len(row) - line * each)
        left = (WIDTH - held * (width + gap) + gap) / 2
        x = left + place * (width + gap) + width / 2
        nodes.append(
            Node(one.name, one.role, x, top + line * (height + gap) + height / 2, width, height, state_of(one))
        )
    lines = -(-len(row) // each)
    return nodes, top + lines * (height + gap) + (70 if labelled else MARGIN)


def _line(a: Node, b: Node) -> Line:
    above, below = sorted((a, b), key=lambda node: node.y)
    return Line(above.x, above.y + above.height / 2, below.x, below.y - below.height / 2, "off" in (a.state, b.state))
