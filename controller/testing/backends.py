"""Fabrics for tests, by name: the simulated one, or real switches, which live in the lab and are loaded by name.

Lives here: reading files, starting a fabric. Must not know: pytest, assertions.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

from clos.controller.explain.errors import InvalidInputs, Unanswerable
from clos.controller.explain.inputs import Inputs, load_inputs
from clos.controller.probe.packets import Probe
from clos.controller.probe.simulated import Simulated
from clos.controller.testing.fabric import Fabric
from clos.fabric.dataplane.walk import Delivery
from clos.fabric.packet.build import Packet
from clos.fabric.topology import PortRef


class CannotTest(Exception):
    """There is no such fabric: files with problems, or no real switches here. The text says what is wrong."""


class OnSim:
    """The simulated fabric: its switches run the rules that a controller gave them over OpenFlow."""

    name = "sim"

    def __init__(self, running: Simulated) -> None:
        self._running = running

    def send_all(self, frames: Sequence[tuple[PortRef, Packet]]) -> list[tuple[Delivery, ...]]:
        return self._running.send_all(frames)

    def cut(self, ports: Iterable[PortRef]) -> None:
        self._running.cut(ports)

    def mend(self, ports: Iterable[PortRef]) -> None:
        self._running.mend(ports)

    def further(self, probe: Probe) -> Iterable[str]:
        return ()


@contextmanager
def started(backend: str, topology: Path, intents: Sequence[Path]) -> Iterator[Fabric]:
    """A fabric with these intents on it, for as long as the block. Raises CannotTest."""
    wanted = _loaded(topology, intents)
    compiled = wanted.compiled()
    if backend == "lab":
        with import_module("clos.lab.pytest_backend").started(topology, intents) as real:
            yield Fabric(wanted, compiled, real, lambda name, value: None)
    else:
        with Simulated(wanted.topology, compiled.ruleset) as running:
            yield Fabric(wanted, compiled, OnSim(running), lambda name, value: None)


def _loaded(topology: Path, intents: Sequence[Path]) -> Inputs:
    try:
        return load_inputs(topology, list(intents))
    except Unanswerable as error:
        problems = error.problems if isinstance(error, InvalidInputs) else ()
        raise CannotTest("\n".join([str(error), *map(str, problems)])) from None
