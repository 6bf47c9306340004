"""Witnesses compared: what the evaluator and the prover say of a packet, and what Open vSwitch did with it.

Lives here: expectations, and the differences. Must not know: how packets were sent or received.
The law is one sentence: hosts get the frames that fabric.dataplane.walk gives for the frames that were sent, byte
for byte and
as often, and the prover says that this may be. By which of its two ports a dual-homed host gets one is each witness's
own choice (a SELECT group's).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol

from clos.fabric.dataplane.ruleset import Ruleset
from clos.fabric.dataplane.switch import SwitchModel
from clos.fabric.dataplane.walk import Walk, walk
from clos.fabric.packet.build import Packet
from clos.fabric.topology import PortRef, Topology
from clos.lab.measure.frames import MARK, Probe, numbered
from clos.lab.ovs.appctl import AppCtl, AppCtlError
from clos.lab.ovs.trace_parser import of, read
from clos.lab.witness.prover import ProverWitness, Says

BURST = 40
"""Probes sent before their effects are gathered: fewer than any queue on the way holds."""

Frame = tuple[PortRef, bytes]


class Fabric(NamedTuple):
    """The evaluator's switches and how they are cabled, and the prover's; ``down``: ports without carrier."""

    topology: Topology
    switches: Mapping[str, SwitchModel]
    down: frozenset[PortRef]
    proved: ProverWitness

    @classmethod
    def of(cls, ruleset: Ruleset, topology: Topology, down: frozenset[PortRef] = frozenset()) -> Fabric:
        states = {name: ruleset.state(name) for name in ruleset.switches}
        models = {name: SwitchModel.of(state, topology.ports[name]) for name, state in states.items()}
        return cls(topology, models, down, ProverWitness(topology, states, down))

    def walk(self, at: PortRef, packet: Packet) -> Walk:
        return walk(self.switches, self.topology, at, packet, down=self.down)


class Doubt(NamedTuple):
    """A probe on which the witnesses disagree: what hosts should have got, what they got, and everybody's account.

    ``proved``: the prover's word, when it is another than ``expected``.
    """

    probe: Probe
    expected: tuple[Frame, ...]
    seen: tuple[Frame, ...]
    account: str
    proved: str = ""

    def __str__(self) -> str:
        lines = [f"{self.probe.what} at {self.probe.at}: {self.probe.packet}"]
        lines += [f"  expected at {port}: {Packet(frame)}  {frame.hex()}" for port, frame in self.expected]
        lines += [f"  seen at {port}: {Packet(frame)}  {frame.hex()}" for port, frame in self.seen]
        lines += [f"  proved: {self.proved}"] if self.proved else []
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
    """What fabric.dataplane.walk gives for a probe, and what the prover says."""

    probe: Probe
    walk: Walk
    says: Says

    @property
    def frames(self) -> tuple[Frame, ...]:
        return tuple((port, packet.to_bytes()) for port, packet in self.walk.deliveries)


def expect(fabric: Fabric, probes: Iterable[Probe]) -> list[Expectation]:
    return [
        Expectation(probe, fabric.walk(probe.at, probe.packet), fabric.proved.says(probe.at, probe.packet))
        for probe in probes
    ]


class Ground(Protocol):
    """Where frames are sent and received: lab.ovs.dummy_datapath.Bench, lab.mininet.taps.Taps."""

    def send(self, frames: Iterable[Frame]) -> None: ...
    def gather(self, wanted: int = 0) -> tuple[list[Frame], list[Frame]]:
        """Frames delivered to hosts, and frames that hosts sent of their own accord."""


def trial(ground: Ground, fabric: Fabric, probes: Iterable[Probe], control: AppCtl | None = None) -> Verdict:
    """Send every probe and compare all that came of it. ``control``: as for ``judge``."""
    expectations = expect(fabric, numbered(probes))
    left: list[Frame] = []
    answers: list[Frame] = []
    for start in range(0, len(expectations), BURST):
        some = expectations[start : start + BURST]
        ground.send(one.probe.frame for one in some)
        came, sent = ground.gather(sum(len(one.frames) for one in some))
        left += came
        answers += sent
    own = expect(fabric, [Probe(port, Packet(frame), "a host's own") for port, frame in answers])
    return judge(fabric, expectations, left, own, control)


def judge(
    fabric: Fabric,
    expectations: Sequence[Expectation],
    left: Iterable[Frame],
    own: Sequence[Expectation] = (),
    control: AppCtl | None = None,
) -> Verdict:
    """Compare. Probes must be numbered (probes.numbered), so that each frame belongs to one.

    ``own``: what is expected of frames that hosts sent of their own accord, such as answers to probes; those have no
    numbers. ``control``: where to ask Open vSwitch for its own account of a probe in doubt.
    """
    topology = fabric.topology
    seen: dict[int, list[Frame]] = {}
    for port, frame in left:
        seen.setdefault(_number(frame), []).append((port, frame))
    doubts = []
    for number, one in enumerate(expectations):
        doubts += doubted(fabric, one, seen.pop(number, []), control)
    rest = [frame for frames in seen.values() for frame in frames]
    others = [frame for one in own for frame in one.frames]
    for frames, what in ((_beyond(topology, rest, others), "seen"), (_beyond(topology, others, rest), "missing")):
        for port, frame in frames:
            doubts.append(Doubt(Probe(port, Packet(frame), f"{what}, in answer to a probe or to none"), (), (), ""))
    pairs = sum(len(one.walk.hops) for one in (*expectations, *own))
    return Verdict(len(expectations), pairs, sum(len(one.frames) for one in expectations), tuple(doubts))


def doubted(fabric: Fabric, one: Expectation, got: Sequence[Frame], control: AppCtl | None = None) -> list[Doubt]:
    """What is to be said against a probe for which these frames came: one thing or nothing."""
    proved = contradiction(fabric.topology, one)
    if not proved and _by_host(fabric.topology, one.frames) == _by_host(fabric.topology, got):
        return []
    return [Doubt(one.probe, one.frames, tuple(got), account(fabric, one, control), proved)]


def _beyond(topology: Topology, frames: Iterable[Frame], known: Iterable[Frame]) -> list[Frame]:
    """Those of the frames that are not among the known, each as often as it is not."""
    left = _by_host(topology, known)
    found = []
    for port, frame in frames:
        key = topology.host_at[port], frame
        if left[key]:
            left[key] -= 1
        else:
            found.append((port, frame))
    return found


def contradiction(topology: Topology, one: Expectation) -> str:
    """What the prover says of a probe, when that is not what the evaluator does; else nothing."""
    if one.says.refused:
        return f"nothing, as the prover cannot reason about {one.says.refused}"
    may = [[copy for copy in outcome if copy[0] in topology.host_at] for outcome in one.says.outcomes]
    if any(_by_host(topology, copies) == _by_host(topology, one.frames) for copies in may):
        return ""
    return " or ".join(", ".join(f"{port} {frame.hex()}" for port, frame in copies) or "nothing" for copies in may)


def _by_host(topology: Topology, frames: Iterable[Frame]) -> Counter[tuple[str, bytes]]:
    return Counter((topology.host_at[port], frame) for port, frame in frames)


def _number(frame: bytes) -> int:
    """The number ``marked`` put at the end; -1 without."""
    return int.from_bytes(frame[-4:], "big") if frame[-8:-4] == MARK else -1


def account(fabric: Fabric, one: Expectation, control: AppCtl | None) -> str:
    """All three: the evaluator's walk, the prover's, and for each switch on the way Open vSwitch's own trace."""
    lines = ["evaluator:", str(one.walk), "prover:", fabric.proved.account(one.probe.at, one.probe.packet)]
    lines += ["Open vSwitch:"] if control is not None else []
    for visit in one.walk.hops if control is not None else ():
        try:
            lines.append(control.trace(visit.switch, visit.in_port, visit.packet.to_bytes()))  # type: ignore[union-attr]
        except AppCtlError as error:
            lines.append(str(error))
    return "\n".join(lines)


def differences(one: Expectation, control: AppCtl) -> list[str]:
    """Where Open vSwitch meets other rules than fabric.dataplane.step, or sends another number of copies; empty:
    nowhere."""
    found = []
    for visit in one.walk.hops:
        text = control.trace(visit.switch, visit.in_port, visit.packet.to_bytes())
        theirs, ours = read(text), of(visit.step)
        if theirs != ours:
            found.append(f"{visit}\n  evaluator: {ours}\n  Open vSwitch: {theirs}\n{text}")
    return found
