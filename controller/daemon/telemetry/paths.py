"""The ways that probes take, and the parts of the fabric that each of them meets.

Lives here: values, which ways there are, which to take next. Must not know: clocks, frames, what a loss means.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random
from typing import NamedTuple

from clos.fabric.topology import PortRef, Topology

UP, DOWN, EGRESS, CABLE, SPINE, SENDER, HEARER = "up", "down", "egress", "cable", "spine", "sender", "hearer"
"""Kinds of parts, the smallest first."""
KINDS = (UP, DOWN, EGRESS, CABLE, SPINE, SENDER, HEARER)


class Part(NamedTuple):
    """A part of the fabric that may be at fault. ``at``: the leaf's end of a cable, or (port 0) a switch.

    UP: a cable from leaf to spine; DOWN: from spine to leaf; CABLE: both ways; EGRESS: a spine towards a leaf, for what
    it forwards; SPINE: all of a spine; SENDER, HEARER: a switch, or its session, where probes start and end.
    """

    kind: str
    at: PortRef

    @property
    def cable(self) -> PortRef | None:
        """The cable concerned, None for a switch."""
        return self.at if self.at.port else None


class Way(NamedTuple):
    """From a leaf out of ``up`` over ``spine`` to the leaf at ``down``; ``up`` None: straight from the spine.

    ``sender``, ``port``: where the probe begins; ``tag``: the node tag of the leaf it is for.
    """

    sender: str
    port: int
    up: PortRef | None
    spine: str
    down: PortRef
    tag: int

    @property
    def parts(self) -> tuple[Part, ...]:
        """All that it meets."""
        ends = Part(DOWN, self.down), Part(CABLE, self.down), Part(HEARER, PortRef(self.down.switch, 0))
        inner = Part(SENDER, PortRef(self.sender, 0)), Part(SPINE, PortRef(self.spine, 0))
        if self.up is None:
            return (*ends, *inner)
        return (*ends, *inner, Part(EGRESS, self.down), Part(UP, self.up), Part(CABLE, self.up))


Usable = Callable[[PortRef], bool]
"""Whether a leaf's uplink, its other end and both switches are up and can be probed now."""


class Ways:
    """The ways of one topology. ``usable``: which cables can be probed now."""

    def __init__(self, topology: Topology, usable: Usable, dice: Random) -> None:
        self.topology, self._usable, self._dice = topology, usable, dice
        self._tags = topology.nodes
        self._cables = [PortRef(leaf, port) for leaf, ways in topology.uplinks.items() for port, _ in ways]
        self._round = 0

    def cables(self) -> list[PortRef]:
        """The cables that can be probed now, by their leaves' ports."""
        return [cable for cable in self._cables if self._usable(cable)]

    def spine(self, cable: PortRef) -> str:
        return self.topology.peers[cable].switch

    def round(self) -> list[Way]:
        """Over each cable once up and once down; the leaves that are paired with each other change with the rounds."""
        self._round += 1
        found = []
        for here in self._by_spine().values():
            shift = 1 + self._round % (len(here) - 1) if len(here) > 1 else 0
            for number, up in enumerate(here):
                down = here[(number + shift) % len(here)]
                if down.switch != up.switch:
                    found.append(self.over(up, down))
                elif (straight := self.straight(down)) is not None:
                    found.append(straight)
        self._dice.shuffle(found)
        return found

    def _by_spine(self) -> dict[str, list[PortRef]]:
        found: dict[str, list[PortRef]] = {}
        for cable in self.cables():
            found.setdefault(self.spine(cable), []).append(cable)
        return found

    def over(self, up: PortRef, down: PortRef) -> Way:
        return Way(up.switch, up.port, up, self.spine(up), down, self._tags[down.switch])

    def straight(self, down: PortRef) -> Way | None:
        """From the spine itself."""
        there = self.topology.peers[down]
        return Way(there.switch, there.port, None, there.switch, down, self._tags[down.switch])

    def around(self, way: Way) -> Iterator[Way]:
        """Ways that tell which part of one is at fault: each shares some of its parts. Those at random, without end;
        none where nothing near it can be probed."""
        spine, cables = way.spine, self._by_spine()
        here = cables.pop(spine, [])
        others = [each for rest in cables.values() for each in rest]
        if not here:
            return
        up = way.up or self._other(here, way.down)
        makers = self._makers(up, way.down, here, others)
        while True:
            for maker in makers:
                found = maker()
                if found is not None:
                    yield found

    def _makers(
        self, up: PortRef, down: PortRef, here: list[PortRef], others: list[PortRef]
    ) -> list[Callable[[], Way | None]]:
        def away() -> Way | None:
            return self._between(up, self._other(here, up, down))

        def here_from() -> Way | None:
            return self._between(self._other(here, down, up), down)

        def same() -> Way | None:
            return self._between(up, down)

        def straight() -> Way | None:
            return self.straight(down)

        def sender() -> Way | None:
            return self._between(*self._same_spine([c for c in others if c.switch == up.switch], others, first=True))

        def hearer() -> Way | None:
            return self._between(*self._same_spine([c for c in others if c.switch == down.switch], others, first=False))

        def back() -> Way | None:
            return self._between(self._other(here, up, down), up)

        def beside() -> Way | None:
            return self._between(self._other(here, up, down), self._other(here, up, down))

        return [away, here_from, same, straight, away, here_from, sender, back, same, straight, away, here_from,
                hearer, beside]  # fmt: skip

    def _other(self, cables: list[PortRef], *but: PortRef) -> PortRef:
        """Any of the cables; none of ``but`` where there is another."""
        return self._dice.choice([cable for cable in cables if cable not in but] or cables)

    def _same_spine(
        self, one: list[PortRef], all_of_them: list[PortRef], first: bool
    ) -> tuple[PortRef | None, PortRef | None]:
        """One of the cables and another at its spine; ``first``: it is the one that is gone up."""
        if not one:
            return None, None
        chosen = self._dice.choice(one)
        others = [c for c in all_of_them if self.spine(c) == self.spine(chosen) and c != chosen]
        other = self._dice.choice(others) if others else None
        return (chosen, other) if first else (other, chosen)

    def _between(self, up: PortRef | None, down: PortRef | None) -> Way | None:
        if up is None or down is None or up.switch == down.switch:
            return None
        return self.over(up, down)

    def through(self, part: Part) -> Way | None:
        """Any way that meets a part; None where none can be taken now."""
        cables = self.cables()
        if part.cable is None:
            near = [c for c in cables if part.at.switch in (c.switch, self.spine(c))]
            if part.kind == SENDER and part.at.switch not in self._tags:
                return self.straight(self._dice.choice(near)) if near else None
        else:
            near = [part.cable] if part.cable in cables else []
        if not near:
            return None
        chosen = self._dice.choice(near)
        others = [c for c in cables if self.spine(c) == self.spine(chosen) and c.switch != chosen.switch]
        if not others:
            return self.straight(chosen) if part.kind in (DOWN, CABLE, HEARER) else None
        other = self._dice.choice(others)
        upward = part.kind in (UP, SENDER) or (part.kind in (CABLE, SPINE) and self._dice.random() < 0.5)
        return self.over(chosen, other) if upward else self.over(other, chosen)
