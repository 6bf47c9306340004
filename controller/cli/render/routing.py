"""How predicted EIGRP routes and HSRP gateways look: as lines and as JSON. Must not know: how they were predicted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from clos.controller.cli.answer import Json
from clos.controller.cli.render.text import columns, count
from clos.controller.migrate.predict.eigrp import EigrpPrediction, EigrpRoute, Path
from clos.controller.migrate.predict.gateway import Gateway, Member

if TYPE_CHECKING:
    from rich.text import Text


def eigrp_json(prediction: EigrpPrediction) -> Json:
    """Every entry of every topology table, and the routes that reach routing tables."""
    return {
        "entries": [
            {
                "device": entry.key.device,
                "vrf": entry.key.vrf,
                "asn": entry.key.asn,
                "prefix": str(entry.prefix),
                "metric": entry.distance,
                "external": entry.external,
                "successors": [_path(path) for path in entry.successors],
                "feasible_successors": [_path(path) for path in entry.feasible],
            }
            for entry in prediction.entries
        ],
        "routes": [_route(route) for route in prediction.routes],
        "problems": list(prediction.problems),
    }


def gateways_json(gateways: tuple[Gateway, ...]) -> list[Json]:
    return [
        {
            "subnet": str(gateway.subnet),
            "version": gateway.version,
            "group": gateway.group,
            "address": None if gateway.address is None else str(gateway.address),
            "active": gateway.active.device,
            "standby": None if gateway.standby is None else gateway.standby.device,
            "settled": gateway.settled,
            "problems": list(gateway.problems),
        }
        for gateway in gateways
    ]


def routing_lines(prediction: EigrpPrediction, gateways: tuple[Gateway, ...]) -> Iterator[Text | str]:
    """Gateways as rows, EIGRP as counts by device, and what cannot be said."""
    if gateways:
        yield from columns([("gateway", "group", "active", "standby"), *(_row(gateway) for gateway in gateways)])
        yield from (f"{g.subnet} group {g.group}: {problem}" for g in gateways for problem in g.problems)
    if prediction.entries:
        devices = {entry.key.device for entry in prediction.entries}
        feasible = sum(bool(entry.feasible) for entry in prediction.entries)
        routes = f"{count(len(prediction.routes), 'route')} on {count(len(devices), 'device')}"
        able = f"{feasible} of {len(prediction.entries)} entries have a feasible successor"
        yield f"EIGRP: {routes}; {able} (--json has all)"
    yield from (f"EIGRP: {problem}" for problem in prediction.problems)


def _row(gateway: Gateway) -> tuple[str, str, str, str]:
    """Without preemption a router that started first stays active: the row says so."""
    active = _member(gateway.active) + ("" if gateway.settled else ", if no other started first")
    standby = "none" if gateway.standby is None else _member(gateway.standby)
    return str(gateway.address or gateway.subnet), str(gateway.group), active, standby


def _member(member: Member) -> str:
    return f"{member.device} (priority {member.priority})"


def _path(path: Path) -> Json:
    via = None if path.via is None else str(path.via)
    row: Json = {"kind": path.kind, "via": via, "interface": path.interface, "metric": path.distance}
    return {**row, "reported": path.reported}


def _route(route: EigrpRoute) -> Json:
    return {
        "device": route.device,
        "vrf": route.vrf,
        "asn": route.asn,
        "prefix": str(route.prefix),
        "code": route.code,
        "distance": route.preference,
        "paths": [{"via": None if v is None else str(v), "interface": i, "metric": m} for v, i, m in route.paths],
    }
