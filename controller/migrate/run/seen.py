"""What checks are made against: the devices as they answered just now, the fabric, the speakers, the probes.

Lives here: values, and which commands a check needs answered. Must not know: sessions, verdicts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from clos.controller.migrate.discover.assemble import Collected, device
from clos.controller.migrate.discover.lines import Output
from clos.controller.migrate.discover.readers import RUNNING_CONFIG, reader_of
from clos.controller.migrate.model import Device
from clos.controller.migrate.plan.model import Check, Plan
from clos.controller.migrate.run.losses import PairLoss

_TREES, _TRUNKS, _MACS = "show spanning-tree", "show interfaces trunk", "show mac address-table"
_STANDBY, _NEIGHBORS, _TOPOLOGY = "show standby", "show ip eigrp neighbors", "show ip eigrp topology"
_ROUTES = "show ip route"
COMMANDS: Mapping[str, tuple[str, ...]] = {
    "config": (), "config-has": (),
    "stp-root": (_TREES,), "stp-port": (_TREES,), "stp-blocked": (_TREES,),
    "trunk": (_TRUNKS,), "mac-at": (_MACS,), "mac-one-side": (_MACS,),
    "hsrp": (_STANDBY,), "gateway": (_STANDBY,),
    "eigrp-neighbor": (_NEIGHBORS,), "eigrp-passive": (_TOPOLOGY,),
    "route": (_ROUTES,), "no-route": (_ROUTES,),
}  # fmt: skip
"""By kind of check: what its device is asked. A kind that is not here asks none."""
EVERYWHERE = frozenset({"stp-root", "mac-one-side", "gateway"})
"""Kinds for which all devices of the plan are asked: names of roots and owners are found there."""


class FabricState(NamedTuple):
    """The fabric by its controller. ``problem``: why it is not in sync with ``revision``, or not known to be."""

    revision: int
    problem: str = ""
    known: bool = True


Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Seen:
    """``failed``: why a device was not read, by name. ``speakers``: as ``GET /v1/speakers`` answers, None: not known.

    ``reaches``: whether one host reaches another now; None: nobody can say. ``losses`` None: there are no probes.
    ``hits``: as ``GET /v1/hits`` answers, None: not known.
    """

    devices: Mapping[str, Device] = field(default_factory=dict)
    configs: Mapping[str, str] = field(default_factory=dict)
    failed: Mapping[str, str] = field(default_factory=dict)
    fabric: FabricState | None = None
    speakers: Json | None = None
    reaches: Callable[[str, str], bool | None] = lambda _a, _b: None
    losses: tuple[PairLoss, ...] | None = None
    hits: Json | None = None


def to_ask(plan: Plan, checks: Iterable[Check]) -> Mapping[str, tuple[str, ...]]:
    """What each device is to be asked for these checks, the running configuration aside."""
    wanted: dict[str, dict[str, None]] = {}
    for check in checks:
        if check.kind not in COMMANDS:
            continue
        devices = {check.device, *(plan.configs if check.kind in EVERYWHERE else ())}
        for name in devices - {None}:
            wanted.setdefault(str(name), {}).update(dict.fromkeys(COMMANDS[check.kind]))
    return {name: tuple(commands) for name, commands in sorted(wanted.items())}


def read_device(name: str, config: str, answers: Mapping[str, str]) -> Device:
    """The device that a running configuration and answers of commands show."""
    outputs = [Output(name, RUNNING_CONFIG, config)]
    for command, text in answers.items():
        known = reader_of(command)
        outputs.append(Output(name, command, text, known.vrf if known else None))
    return device(Collected(name, tuple(outputs)))[0]


def border_ports(plan: Plan) -> frozenset[tuple[str, str]]:
    """The legacy ports that lead to the fabric: those whose trunk some step of the plan checks."""
    found = (check for step in plan.steps() for check in step.checks if check.kind == "trunk")
    return frozenset((check.device, check.port) for check in found if check.device and check.port)
