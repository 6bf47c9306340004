"""What a lab's legacy network can be asked and told: the operations of a simulated one, on real cables and hosts.

Lives here: the table. Must not know: sockets, SSH.
What concerns devices alone is done as in the simulation (fabric.sim.world.operations); hosts are plugged, cables broken
and pings sent here.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from clos.fabric.sim.clock import SECOND
from clos.fabric.sim.control.operations import Json, Op, answered
from clos.fabric.sim.realtime import Pace
from clos.fabric.sim.world import operations as simulated
from clos.fabric.sim.world.flows import PairKey
from clos.fabric.sim.world.world import World
from clos.lab.legacy.panel import Panel
from clos.lab.legacy.pings import Pings

PATIENCE = 2.0
"""Seconds in which a single question must be answered."""


@dataclass(slots=True)
class Running:
    """The devices, their panel, and pings between hosts. ``world``: without hosts and without a fabric of its own."""

    world: World
    pace: Pace
    panel: Panel
    pings: Pings


async def _status(running: Running) -> Json:
    world, panel = running.world, running.panel
    return {
        "name": world.legacy.plan.name,
        "time": world.clock.now / SECOND,
        "devices": {
            name: {"alive": device.alive, "hostname": device.hostname, "waits": device.waits}
            for name, device in world.legacy.devices.items()
        },
        "hosts": dict(panel.sides),
        "borders": panel.borders(),
        "broken": panel.broken_cables(),
    }


async def _plug(running: Running, host: str, side: str) -> Json:
    running.panel.move(host, side)


async def _cut(running: Running, where: str) -> Json:
    running.panel.cut(simulated.full_place(where), broken=True)


async def _restore(running: Running, where: str) -> Json:
    running.panel.cut(simulated.full_place(where), broken=False)


async def _start(running: Running, pairs: list[PairKey], interval_ms: float, group: str = "") -> Json:
    if interval_ms <= 0:
        raise ValueError("interval_ms: expected more than 0")
    running.pings.start(group, pairs, interval_ms / 1000)


async def _stop(running: Running, group: str = "") -> Json:
    running.pings.stop(group)
    return await _flows(running, group=group)


async def _flows(running: Running, reset: bool = False, group: str = "") -> Json:
    return [simulated.pair_json(result) for result in running.pings.results(group, reset=reset)]


async def _probe(running: Running, source: str, target: str, proto: str = "icmp", port: int = 0) -> Json:
    if proto != "icmp":
        raise ValueError(f"{proto}: in this lab hosts are pinged, by icmp")
    took = await running.pings.answers(source, running.pings.address(target), PATIENCE)
    return {
        "source": source, "target": target, "answered": took is not None,
        "rtt_us": None if took is None else round(took * 1e6),
    }  # fmt: skip


OWN: Mapping[str, Callable[..., Awaitable[Json]]] = {
    "status": _status, "plug": _plug, "cut": _cut, "restore": _restore,
    "flows_start": _start, "flows_stop": _stop, "flows": _flows, "probe": _probe,
}  # fmt: skip
SAME = ("reload", "fault", "refuse", "edit")
"""Operations on devices, which are simulated."""
OPS: Mapping[str, Op] = {
    name: simulated.OPS[name]._replace(run=OWN.get(name, simulated.OPS[name].run)) for name in (*OWN, *SAME)
}


async def answer(running: Running, line: bytes) -> Json:
    """The reply to one request. Never raises for what a request says."""
    running.pace.catch_up()
    try:
        return await answered(OPS, running, line)
    finally:
        running.pace.nudge()
