"""The lab as a fabric under test: what controller.testing needs of it.

Lives here: a lab for as long as a test session, frames by raw sockets, Open vSwitch's own account of a packet.
Must not know: pytest, what a test wants. It is loaded by name, and only for ``--clos-backend=lab``.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from clos.controller.probe.packets import Probe, marked, number_of
from clos.fabric.dataplane.walk import Delivery
from clos.fabric.packet.build import Packet
from clos.fabric.topology import PortRef
from clos.lab.lab import Lab, running
from clos.lab.mininet.taps import Taps
from clos.lab.ovs.appctl import AppCtl
from clos.lab.witness.compare import BURST, Fabric, account, expect

SETTLING = 0.5
"""Seconds after which every switch has noticed that a cable of it is dead."""


def exchange(taps: Taps, fabric: Fabric, frames: Sequence[tuple[PortRef, Packet]]) -> list[tuple[Delivery, ...]]:
    """Send frames; for each what reached hosts. The number that each carries after its end is taken off again."""
    came: list[list[Delivery]] = [[] for _ in frames]
    for start in range(0, len(frames), BURST):
        some = [(at, marked(packet, start + i)) for i, (at, packet) in enumerate(frames[start : start + BURST])]
        wanted = sum(len(fabric.walk(at, packet).deliveries) for at, packet in some)
        taps.send((at, packet.to_bytes()) for at, packet in some)
        for port, frame in taps.gather(wanted)[0]:
            if 0 <= number_of(frame) < len(came):
                came[number_of(frame)].append(Delivery(port, Packet(frame[:-8])))
    return list(map(tuple, came))


class Tested:
    """A running lab with taps on its hosts' cables."""

    name = "lab"

    def __init__(self, lab: Lab, taps: Taps) -> None:
        self._lab, self._taps = lab, taps
        self._fabric = lab.fabric()
        self._down: set[PortRef] = set()

    def send_all(self, frames: Sequence[tuple[PortRef, Packet]]) -> list[tuple[Delivery, ...]]:
        return exchange(self._taps, self._fabric, frames)

    def cut(self, ports: Iterable[PortRef]) -> None:
        self._turn(ports, self._lab.cut, self._down.update)

    def mend(self, ports: Iterable[PortRef]) -> None:
        self._turn(ports, self._lab.mend, self._down.difference_update)

    def _turn(
        self, ports: Iterable[PortRef], act: Callable[..., object], note: Callable[[Iterable[PortRef]], object]
    ) -> None:
        """Take interfaces down or up; Open vSwitch has noticed when it returns."""
        every = list(ports)
        act(*every)
        note(every)
        self._fabric = self._lab.fabric(self._down)
        time.sleep(SETTLING)

    def further(self, probe: Probe) -> Iterable[str]:
        """Open vSwitch's own account, switch by switch."""
        with AppCtl(self._lab.cell.directory / "ovs" / "switch.ctl") as control:
            (one,) = expect(self._fabric, [probe])
            yield from account(self._fabric, one, control).splitlines()


@contextmanager
def started(topology: Path, intents: Sequence[Path]) -> Iterator[Tested]:
    """A lab of its own, in a directory of its own. Raises LabError, which says what is missing here."""
    with (
        tempfile.TemporaryDirectory(prefix="clos-test-") as directory,
        running(topology, intents, Path(directory) / "lab") as lab,
        lab.taps() as taps,
    ):
        yield Tested(lab, taps)
