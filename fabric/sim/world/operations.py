"""What a joined world can be asked and told from other processes: one table over JSON, beside that of a fabric alone.

Lives here: the operations, and how results read as JSON. Must not know: sockets (fabric.sim.control.server), SSH.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from clos.fabric.sim.clock import SECOND
from clos.fabric.sim.control import query
from clos.fabric.sim.control.operations import Json, Op, answered, count, flag, number, outcome_json, port, text, times
from clos.fabric.sim.legacy.faults import KINDS, Fault
from clos.fabric.sim.legacy.names import full_name
from clos.fabric.sim.network import SimNetwork
from clos.fabric.sim.world.flows import Direction, PairKey, PairResult
from clos.fabric.sim.world.world import SIDES, World

if TYPE_CHECKING:
    from clos.fabric.sim.world.running import Running

LEAP = 50_000
"""How far virtual time runs ahead for an answer before it is waited for in step with real time, in microseconds."""


async def _status(running: Running) -> Json:
    world = running.world
    return {
        "name": world.legacy.plan.name,
        "time": world.clock.now / SECOND,
        "devices": {
            name: {"alive": device.alive, "hostname": device.hostname, "waits": device.waits}
            for name, device in world.legacy.devices.items()
        },
        "hosts": dict(world.sides),
        "borders": {name: f"{one.end[0]} {one.end[1]}" for name, one in world.borders.items()},
        "broken": sorted({f"{device} {port}" for (device, port), one in world.legacy.plant.cables.items() if one.cut}),
        "fabric": None if world.fabric is None else _fabric(world.fabric, running.connected),
    }


def _fabric(fabric: SimNetwork, connected: int) -> Json:
    return {
        "topology": fabric.topology.name,
        "connected": connected,
        "switches": {
            name: {"alive": switch.alive, "rules": sum(map(len, switch.model.tables.values()))}
            for name, switch in fabric.switches.items()
        },
    }


async def _plug(running: Running, host: str, side: str) -> Json:
    running.world.plug(host, side)


async def _cut(running: Running, where: str) -> Json:
    running.world.cut(full_place(where))


async def _restore(running: Running, where: str) -> Json:
    running.world.restore(full_place(where))


def full_place(where: str) -> str:
    """A place with the name of its device's port in full."""
    device, blank, port = where.partition(" ")
    return f"{device} {full_name(port) or port}" if blank else where


async def _crash(running: Running, where: str) -> Json:
    _switches(running.world).crash(where)


async def _revive(running: Running, where: str) -> Json:
    _switches(running.world).revive(where)


def _switches(world: World) -> SimNetwork:
    if world.fabric is None:
        raise ValueError("there is no fabric: start sim-legacy with --fabric")
    return world.fabric


async def _reload(running: Running, device: str, seconds: float = 60.0) -> Json:
    _device(running.world, device).reload(round(seconds * SECOND))


def _device(world: World, name: str) -> Any:
    if name not in world.legacy.devices:
        raise KeyError(f"there is no device {name}")
    return world.legacy.devices[name]


async def _fault(running: Running, device: str, kind: str, command: str = ".", times: int = 1) -> Json:
    _device(running.world, device).faults.add(Fault(kind, command, times))


async def _refuse(running: Running, device: str, times: int = 1) -> Json:
    _device(running.world, device).faults.refused_logins = times


async def _edit(running: Running, device: str, lines: list[str], by: str = "operator2") -> Json:
    _device(running.world, device).edit(lines, by)


async def _start(running: Running, pairs: list[PairKey], interval_ms: float, group: str = "") -> Json:
    running.world.flow_group(group).start(pairs, interval_ms)


async def _stop(running: Running, group: str = "") -> Json:
    flows = running.world.flow_group(group)
    flows.stop()
    return [pair_json(result) for result in flows.results()]


async def _flows(running: Running, reset: bool = False, group: str = "") -> Json:
    return [pair_json(result) for result in running.world.flow_group(group).results(reset)]


async def _probe(running: Running, source: str, target: str, proto: str = "icmp", port: int = 0) -> Json:
    asked = query.ask(running.world, source, target, proto, port)
    done = partial(_is_done, asked)
    await running.pace.leap(running.world.clock.now + LEAP, done)
    await running.pace.until(done)
    return outcome_json(asked.outcome())


def _is_done(asked: query.Probe) -> bool:
    return asked.done


async def _leap(running: Running, seconds: float) -> Json:
    await running.pace.leap(running.world.clock.now + round(seconds * SECOND), lambda: False)


def pair_json(result: PairResult) -> Json:
    """A pair's losses."""
    drops = [{"where": where, "why": why, "packets": n} for (where, why), n in sorted(result.drops.items())]
    return {
        **result.key._asdict(), "there": _direction(result.there), "back": _direction(result.back), "drops": drops,
    }  # fmt: skip


def _direction(one: Direction) -> Json:
    return one._asdict()


def _pairs(value: Json) -> list[PairKey]:
    if not isinstance(value, list) or not value:
        raise TypeError('expected a list of pairs like ["tellers-1", "hr-1"] or ["tellers-1", "cards-1", "tcp", 8443]')
    return [_pair_key(each) for each in value]


def _pair_key(value: Json) -> PairKey:
    if not isinstance(value, list) or len(value) not in (2, 3, 4):
        raise TypeError('expected a pair like ["tellers-1", "hr-1"] or ["tellers-1", "cards-1", "tcp", 8443]')
    proto = text(value[2]) if len(value) > 2 else "icmp"
    return PairKey(text(value[0]), text(value[1]), proto, port(value[3]) if len(value) > 3 else 0)


def _side(value: Json) -> str:
    if value not in SIDES:
        raise ValueError(f"expected {' or '.join(SIDES)}")
    return str(value)


def _kind(value: Json) -> str:
    if value not in KINDS:
        raise ValueError(f"expected one of {', '.join(sorted(KINDS))}")
    return str(value)


def _lines(value: Json) -> list[str]:
    if not isinstance(value, list) or not value:
        raise TypeError("expected a list of configuration lines")
    return [text(each) for each in value]


OPS: Mapping[str, Op] = {
    "status": Op(_status),
    "plug": Op(_plug, {"host": text, "side": _side}),
    "cut": Op(_cut, {"where": text}),
    "restore": Op(_restore, {"where": text}),
    "crash": Op(_crash, {"where": text}),
    "revive": Op(_revive, {"where": text}),
    "reload": Op(_reload, {"device": text}, {"seconds": count}),
    "fault": Op(_fault, {"device": text, "kind": _kind}, {"command": text, "times": times}),
    "refuse": Op(_refuse, {"device": text}, {"times": times}),
    "edit": Op(_edit, {"device": text, "lines": _lines}, {"by": text}),
    "flows_start": Op(_start, {"pairs": _pairs, "interval_ms": number}, {"group": text}),
    "flows_stop": Op(_stop, {}, {"group": text}),
    "flows": Op(_flows, {}, {"reset": flag, "group": text}),
    "probe": Op(_probe, {"source": text, "target": text}, {"proto": text, "port": port}),
    "leap": Op(_leap, {"seconds": count}),
}
"""Every operation. ``where``: a cable at a device's port (``acc1 Te1/1/1``) or a switch's (``leaf1:49``), or a switch.
``group``: flows of their own, which those who name another, or none, neither stop nor reset.
Devices' names are those of the inventory, whatever their hostnames are."""


async def answer(running: Running, line: bytes) -> Json:
    """The reply to one request. Never raises for what a request says."""
    running.pace.catch_up()
    try:
        return await answered(OPS, running, line)
    finally:
        running.pace.nudge()
