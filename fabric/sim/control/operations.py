"""What a running simulation can be asked and told, as a table of operations over JSON.

Lives here: the operations, how their fields are checked, how results read as JSON. Must not know: sockets.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict
from typing import Any, NamedTuple

from clos.fabric.packet.fields import ipv4, mac
from clos.fabric.sim.control.query import Outcome, Result
from clos.fabric.sim.gray import Gray
from clos.fabric.sim.openflow.server import FAILURES, Simulation, port_ref

Json = Any


class BadRequest(ValueError):
    """The request is not one of the table's; the text says what it should be."""


FARTHEST = 1_000_000_000
"""No number of a request is larger: 30 years in seconds."""
Take = Callable[[Json], Any]
"""Makes a request's field a value; raises ValueError or TypeError where it cannot."""


def text(value: Json) -> str:
    if not isinstance(value, str):
        raise TypeError("expected a text")
    return value


def number(value: Json) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError("expected a number")
    if not abs(value) <= FARTHEST:
        raise ValueError(f"expected a number up to {FARTHEST:,}")
    return value


def count(value: Json) -> float:
    """A number of which less than none makes no sense: seconds, times."""
    if number(value) < 0:
        raise ValueError("expected 0 or more")
    return float(value)


def port(value: Json) -> int:
    """Of TCP or UDP."""
    if not 0 <= whole(value) <= 65535:
        raise ValueError("expected a port from 0 to 65535")
    return int(value)


def whole(value: Json) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError("expected a whole number")
    if abs(value) > FARTHEST:
        raise ValueError(f"expected a number up to {FARTHEST:,}")
    return value


def times(value: Json) -> int:
    """How often."""
    if whole(value) < 0:
        raise ValueError("expected 0 or more")
    return int(value)


def flag(value: Json) -> bool:
    if not isinstance(value, bool):
        raise TypeError("expected true or false")
    return value


def _mac(value: Json) -> int:
    return mac(text(value))


def _ip(value: Json) -> int:
    return ipv4(text(value))


def names(value: Json) -> list[str]:
    if not isinstance(value, list):
        raise TypeError("expected a list of texts")
    return [text(each) for each in value]


def _events(value: Json) -> list[tuple[float, str, str]]:
    if not isinstance(value, list) or any(not isinstance(each, list) or len(each) != 3 for each in value):
        raise TypeError("expected a list of [seconds, what, where]")
    for _, what, _ in value:
        if what not in FAILURES:
            raise ValueError(f"expected one of {', '.join(FAILURES)}")
    return [(number(when), text(what), text(where)) for when, what, where in value]


class Op(NamedTuple):
    """One operation: what does it, the fields it needs and those it may have."""

    run: Callable[..., Awaitable[Json]]
    needs: Mapping[str, Take] = {}
    may: Mapping[str, Take] = {}


async def _status(sim: Simulation) -> Json:
    network = sim.network
    return {
        "topology": network.topology.name,
        "time": network.seconds,
        "connected": sim.connected,
        "switches": {
            name: {"alive": switch.alive, "rules": sum(map(len, switch.model.tables.values()))}
            for name, switch in network.switches.items()
        },
        "endpoints": {name: endpoint.host for name, endpoint in network.endpoints.items()},
        "dead_ports": [
            f"{name}:{number}"
            for name, switch in network.switches.items()
            for number, port in switch.ports.items()
            if not port.carrier
        ],
    }


async def _attach(sim: Simulation, **endpoint: Any) -> Json:
    sim.network.attach(**endpoint)


async def _detach(sim: Simulation, name: str) -> Json:
    sim.network.detach(name)


async def _ping(sim: Simulation, source: str, target: str) -> Json:
    return outcome_json(await sim.ping(source, target))


async def _probe(sim: Simulation, source: str, target: str, proto: str, port: int = 0) -> Json:
    return outcome_json(await sim.probe(source, target, proto, port))


async def _matrix(sim: Simulation, endpoints: list[str] | None = None) -> Json:
    found = await sim.ping_matrix(sim.network.endpoints if endpoints is None else endpoints)
    return [outcome_json(one, trace=False) for one in found.values()]


async def _flow(sim: Simulation, source: str, target: str, pps: int, seconds: float, **options: Any) -> Json:
    return _result(await sim.flow(source, target, pps, seconds, **options))


def _fail(what: str) -> Callable[[Simulation, str], Awaitable[Json]]:
    async def fail(sim: Simulation, where: str) -> Json:
        sim.fail(what, where)

    return fail


async def _gray(
    sim: Simulation, where: str, percent: float = 100, toward: str = "", least: int = 0, most: int = 65_535,
    corrupt: bool = False, delay_us: int = 0,
) -> Json:  # fmt: skip
    """A cable, or all cables of a switch, that stay up and lose a share; 0 percent: sound again."""
    network = sim.network
    ports = [port_ref(where)] if ":" in where else network.links_of(where)
    how = Gray(percent / 100, toward, (least, most), corrupt, delay_us)
    for port in ports:
        network.cable(port)
    for port in ports:
        network.gray(port, how if percent else None)


async def _cables(sim: Simulation, a: str, b: str) -> Json:
    return [str(port) for port in sim.network.between(a, b)]


async def _counters(sim: Simulation) -> Json:
    network = sim.network
    hosts = {name: asdict(host.traffic) for name, host in network.hosts.items()}
    ports = {f"{n}:{p.number}": asdict(p) for n, switch in network.switches.items() for p in switch.ports.values()}
    return {"hosts": hosts, "ports": ports}


async def _rules(sim: Simulation, switch: str) -> Json:
    if switch not in sim.network.switches:
        raise BadRequest(f"there is no switch {switch}")
    model = sim.network.switches[switch].model
    state = model.state()
    rules = []
    for rule in state.rules:
        count = model.counts.rule(rule)
        rules.append({"rule": str(rule), "cookie": rule.cookie, "packets": count.packets, "bytes": count.octets})
    return {"rules": rules, "groups": list(map(str, state.groups)), "meters": list(map(str, state.meters))}


_ENDS: Mapping[str, Take] = {"source": text, "target": text}
OPS: dict[str, Op] = {
    "status": Op(_status),
    "attach": Op(
        _attach,
        {"name": text, "host": text, "mac": _mac, "ip": _ip, "prefix_len": whole},
        {"gateway": _ip, "vlan": whole},
    ),
    "detach": Op(_detach, {"name": text}),
    "ping": Op(_ping, _ENDS),
    "probe": Op(_probe, {**_ENDS, "proto": text}, {"port": whole}),
    "matrix": Op(_matrix, {}, {"endpoints": names}),
    "flow": Op(
        _flow,
        {**_ENDS, "pps": whole, "seconds": number},
        {"proto": text, "port": whole, "during": _events, "fast": flag},
    ),
    **{what: Op(_fail(what), {"where": text}) for what in FAILURES},
    "gray": Op(
        _gray,
        {"where": text},
        {"percent": number, "toward": text, "least": times, "most": times, "corrupt": flag, "delay_us": times},
    ),
    "cables": Op(_cables, {"a": text, "b": text}),
    "counters": Op(_counters),
    "rules": Op(_rules, {"switch": text}),
}
"""Every operation. ``where`` is a port like ``leaf1:49`` for cables, a switch's name for crash and revive."""


def outcome_json(outcome: Outcome, *, trace: bool = True) -> Json:
    found = {"rtt_us": outcome.rtt, **outcome._asdict()}
    del found["rtt"]
    found["hops"] = list(map(str, outcome.hops)) if trace else []
    return found


def _result(result: Result) -> Json:
    drops = [{"where": where, "why": why, "packets": n} for (where, why), n in result.drops.items()]
    found = {**result._asdict(), "longest_gap_ms": result.longest_gap, "lost": result.lost, "drops": drops}
    del found["longest_gap"]
    return found


async def answer(sim: Simulation, line: bytes) -> Json:
    """The reply to one request to a simulated fabric. Never raises for what a request says."""
    return await answered(OPS, sim, line)


async def answered(ops: Mapping[str, Op], sim: object, line: bytes) -> Json:
    """The reply to one request by a table of operations. Never raises for what a request says."""
    try:
        request = json.loads(line)
        if not isinstance(request, dict):
            raise BadRequest("a request is a JSON object")
        name, op, fields = _understood(ops, request)
    except (BadRequest, ValueError, RecursionError) as problem:
        return {"ok": False, "error": str(problem)}
    try:
        return {"ok": True, "result": await op.run(sim, **fields)}
    except KeyError as problem:
        return {"ok": False, "error": f"{name}: {problem.args[0]}"}
    except ValueError as problem:
        return {"ok": False, "error": f"{name}: {problem}"}


def _understood(ops: Mapping[str, Op], request: dict[str, Json]) -> tuple[str, Op, dict[str, Any]]:
    name = request.pop("op", None)
    op = ops.get(name) if isinstance(name, str) else None
    if op is None:
        raise BadRequest(f"op is one of {', '.join(ops)}, not {name!r}")
    missing, known = op.needs.keys() - request.keys(), {**op.needs, **op.may}
    if missing:
        raise BadRequest(f"{name}: needs {', '.join(sorted(missing))}")
    fields = {}
    for field, value in request.items():
        if field not in known:
            raise BadRequest(f"{name}: takes {', '.join(known) or 'nothing'}, not {field}")
        try:
            fields[field] = known[field](value)
        except (TypeError, ValueError) as problem:
            raise BadRequest(f"{name}: {field}: {problem}") from problem
    return str(name), op, fields
