"""Hands and probes of a migration: a person at the terminal, or a simulated world that takes orders.

Lives here: the ports ``Hands`` and ``Probes`` of a run. Must not know: plans' order, journals.
"""

from __future__ import annotations

import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import typer

from clos.controller.cli.answer import unchecked
from clos.controller.migrate.plan.model import Plan, Plug
from clos.controller.migrate.run.faults import Stopped
from clos.controller.migrate.run.losses import PairLoss
from clos.controller.migrate.run.seen import Json
from clos.fabric.sim.control.server import ControlError, Place, call

LEGACY, FABRIC = "legacy", "fabric"


class Person:
    """Somebody at the terminal, who moves cables and says so."""

    def move(self, plug: Plug, back: bool) -> bool:
        """Raises Stopped where nobody can be asked."""
        what = f"plug {plug.host} from {plug.fabric} to {plug.legacy}" if back else str(plug)
        if not sys.stdin.isatty():
            raise Stopped(f"a person has to {what}: run it on a terminal, or a simulation with --control")
        return typer.confirm(f"{what[0].upper()}{what[1:]}. Done?")


class World:
    """A simulation that takes orders at ``place``: it moves cables, and probes pairs of hosts all the time."""

    def __init__(self, place: Place, plan: Plan, interval_ms: float) -> None:
        self._place, self._interval = place, interval_ms
        self._pairs = pairs_of(plan)
        self._begun = self._probing = False

    def check(self) -> None:
        """Raises Stop where no simulation of a legacy network answers."""
        if "hosts" not in self._call("status"):
            raise unchecked(f"the simulation at {self._place} has no legacy network: name that of clos sim-legacy")

    def move(self, plug: Plug, back: bool) -> bool:
        """Moves the cable. Raises Stop where the simulation does not answer."""
        self._call("plug", host=plug.host, side=LEGACY if back else FABRIC)
        return True

    def begin(self) -> None:
        """Count anew; the first time, probe all pairs that answer now."""
        if self._begun:
            self._call("flows", reset=True)
            return
        self._begun = True
        self._call("flows_stop")
        answering = [pair for pair in self._pairs if self.reaches(*pair)]
        self._probing = bool(answering)
        if answering:
            self._call("flows_start", pairs=[list(pair) for pair in answering], interval_ms=self._interval)

    def losses(self) -> tuple[PairLoss, ...] | None:
        """By pair, in both directions. None: no pair answered, so none is probed."""
        if not self._probing:
            return None
        return tuple(_pair(row) for row in self._call("flows"))

    def reaches(self, a: str, b: str) -> bool | None:
        """Whether an echo request is answered now; None: one of them is not there."""
        try:
            return bool(call(self._place, "probe", source=a, target=b)["answered"])
        except (ControlError, OSError):
            return None

    def _call(self, op: str, **fields: Any) -> Any:
        try:
            return call(self._place, op, **fields)
        except (ControlError, OSError) as error:
            why = error.strerror if isinstance(error, OSError) and error.strerror else error
            raise unchecked(f"the simulation at {self._place} does not do {op}: {why}") from None


def _pair(row: Json) -> PairLoss:
    there, back = row["there"], row["back"]
    gap = max(there["longest_gap_ms"], back["longest_gap_ms"])
    return PairLoss(row["source"], row["target"], there["sent"], there["lost"] + back["lost"], gap)


def pairs_of(plan: Plan) -> tuple[tuple[str, str], ...]:
    """Pairs of hosts to probe: those whose reachability is checked, and all hosts with a budget, each with the
    next and with a far one. Those that do not answer at the start are not probed."""
    checks = (check for step in plan.steps() for check in step.checks if check.kind == "reach" and check.subject)
    named = [(str(check.subject), other) for check in checks for other in check.expect]
    budgeted = {budget.host for step in plan.steps() for budget in step.budgets}
    hosts = sorted(budgeted | {plug.host for step in plan.steps() for plug in step.plugs})
    far = zip(hosts, hosts[len(hosts) // 2 :], strict=False)  # names go by VLAN: the next is near, these are far
    return tuple(pair for pair in dict.fromkeys((*named, *pairwise(hosts), *far)) if pair[0] != pair[1])


def place_of(text: str) -> Place:
    """``HOST:PORT``, or a socket's path."""
    host, colon, port = text.rpartition(":")
    return (host, int(port)) if colon and port.isdecimal() and "/" not in text else Path(text)
