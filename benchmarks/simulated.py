"""A simulated fabric in a process of its own, for benchmarks: ``with simulated(topology, address): ...``."""

from __future__ import annotations

import multiprocessing
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.synchronize import Event

from clos.fabric.sim.openflow.server import SimThread
from clos.fabric.topology import Topology


@contextmanager
def simulated(topology: Topology, address: tuple[str, int]) -> Iterator[multiprocessing.Queue[int]]:
    """Every switch of the topology, connecting to the controller at ``address``.

    Gives a queue on which the simulator's peak memory in MB arrives once it has ended.
    """
    spawn = multiprocessing.get_context("spawn")
    end = spawn.Event()
    peak: multiprocessing.Queue[int] = spawn.Queue()
    process = spawn.Process(target=_run, args=(topology, address, end, peak), daemon=True)
    process.start()
    try:
        yield peak
    finally:
        end.set()
        process.join(30)


def _run(topology: Topology, address: tuple[str, int], end: Event, peak: multiprocessing.Queue[int]) -> None:
    with SimThread(topology, address):
        end.wait()
    peak.put(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
