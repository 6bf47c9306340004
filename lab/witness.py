"""Witnesses compared: what Clos computes for a packet, and what Open vSwitch did with it.

Lives here: expectations by fabric.walk, and the differences. Must not know: how packets were sent or received.
The law is one sentence: hosts get the frames that fabric.walk gives for the frames that were sent, byte for byte and
as often. By which of its two ports a dual-homed host gets one is each witness's own choice (a SELECT group's).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from fabric.packet import Packet
from fabric.ruleset import Ruleset
from fabric.switch import SwitchModel
from fabric.topology import PortRef, Topology
from fabric.walk import Walk, walk
from lab.control import Control, ControlError
from lab.probes import Probe
from lab.trace import of, read

Frame = tuple[PortRef, bytes]


class Fabric(NamedTuple):
    """The evaluator's switches and how they are cabled; ``down``: ports without carrier."""

    topology: Topology
    switches: Mapping[str, SwitchModel]
    down: frozenset[PortRef] = frozenset()

    @classmethod
    def of(cls, ruleset: Ruleset, topology: Topology, down: frozenset[PortRef] = frozenset()) -> Fabric:
        models = {name: SwitchModel.of(ruleset.state(name), topology.ports[name]) for name in ruleset.switches}
        return cls(topology, models, down)

    def walk(self, at: PortRef, packet: Packet) -> Walk:
        return walk(self.switches, self.topology, at, packet, down=self.down)


class Doubt(NamedTuple):
    """A probe on which the witnesses disagree: what hosts should have got, what they got, and everybody's account."""

    probe: Probe
    expected: tuple[Frame, ...]
    seen: tuple[Frame, ...]
    account: str

    def __str__(self) -> str:
        lines = [f"{self.probe.what} at {self.probe.at}: {self.probe.packet}"]
        lines += [f"  expected at {port}: {Packet(frame)}  {frame.hex()}" for port, frame in self.expected]
        lines += [f"  seen at {port}: {Packet(frame)}  {frame.hex()}" for port, frame in self.seen]
        return "\n".join((*lines, self.account))


class Verdict(NamedTuple):
    """``pairs``: (switch, packet) pairs that the probes made; ``delivered``: frames that reached hosts."""

    probes: int
    pairs: int
    delivered: int
    doubts: tuple[Doubt, ...]

    def __str__(self) -> str:
        head = f"{self.probes} probes, {self.pairs} pairs of switch and packet, {self.delivered} frames delivered"
        return "\n".join((f"{head}, {len(self.doubts)} disagreements", *map(str, self.doubts[:5])))


class Expectation(NamedTuple):
    """What fabric.walk gives for a probe."""

    probe: Probe
    walk: Walk

    @property
    def frames(self) -> tuple[Frame, ...]:
        return tuple((port, packet.to_bytes()) for port, packet in self.walk.deliveries)


def expect(fabric: Fabric, probes: Iterable[Probe]) -> list[Expectation]:
    return [Expectation(probe, fabric.walk(probe.at, probe.packet)) for probe in probes]


def judge(
    topology: Topology, expectations: Sequence[Expectation], left: Iterable[Frame], control: Control | None = None
) -> Verdict:
    """Compare. Probes must be numbered (probes.numbered), so that each frame belongs to one.

    ``control``: where to ask Open vSwitch for its own account of a probe in doubt.
    """
    seen: dict[int, list[Frame]] = {}
    for port, frame in left:
        seen.setdefault(_number(frame), []).append((port, frame))
    doubts = []
    for number, one in enumerate(expectations):
        got = seen.pop(number, [])
        if _by_host(topology, one.frames) != _by_host(topology, got):
            doubts.append(Doubt(one.probe, one.frames, tuple(got), account(one, control)))
    for strays in seen.values():
        port, frame = strays[0]
        doubts.append(Doubt(Probe(port, Packet(frame), "nobody sent this"), (), tuple(strays), ""))
    pairs = sum(len(one.walk.hops) for one in expectations)
    return Verdict(len(expectations), pairs, sum(len(one.frames) for one in expectations), tuple(doubts))


def _by_host(topology: Topology, frames: Iterable[Frame]) -> Counter[tuple[str, bytes]]:
    return Counter((topology.host_at[port], frame) for port, frame in frames)


def _number(frame: bytes) -> int:
    """The number ``marked`` put at the end."""
    return int.from_bytes(frame[-4:], "big")


def account(one: Expectation, control: Control | None) -> str:
    """The evaluator's walk, and for each switch on it Open vSwitch's own trace."""
    lines = [str(one.walk)]
    for visit in one.walk.hops if control is not None else ():
        try:
            lines.append(control.trace(visit.switch, visit.in_port, visit.packet.to_bytes()))  # type: ignore[union-attr]
        except ControlError as error:
            lines.append(str(error))
    return "\n".join(lines)


def differences(one: Expectation, control: Control) -> list[str]:
    """Where Open vSwitch meets other rules than fabric.step, or sends another number of copies; empty: nowhere."""
    found = []
    for visit in one.walk.hops:
        text = control.trace(visit.switch, visit.in_port, visit.packet.to_bytes())
        theirs, ours = read(text), of(visit.step)
        if theirs != ours:
            found.append(f"{visit}\n  evaluator: {ours}\n  Open vSwitch: {theirs}\n{text}")
    return found
