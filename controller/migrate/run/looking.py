"""Checks made: devices, the fabric, speakers and probes are looked at until all checks hold or their time is over.

Lives here: the looking. Must not know: verdicts (checks), acts.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from clos.controller.migrate.model import Device
from clos.controller.migrate.plan.model import Budget, Check, Plan
from clos.controller.migrate.run.checks import FAILED, FINAL, HELD, UNKNOWN, Verdict, judge
from clos.controller.migrate.run.device import DeviceProblem, Devices
from clos.controller.migrate.run.ports import Fabric, FabricLost, FabricRefused, Hands, Probes
from clos.controller.migrate.run.seen import FabricState, Json, Seen, read_device, to_ask

POLL_SECONDS = 0.3
"""Between two attempts of checks that do not hold yet."""
AT_ONCE = 16
"""Devices asked at once."""
UNCHECKED = "unchecked"
"""The name by which a person lets checks pass that nobody here can make."""


@dataclass(frozen=True, slots=True)
class Ports:
    """What a run acts through."""

    devices: Devices
    fabric: Fabric
    hands: Hands
    probes: Probes


class Looking:
    """``lets_pass``: whether a verdict that is not HELD is let pass; that is a person's choice."""

    def __init__(self, plan: Plan, ports: Ports, allow: Iterable[str]) -> None:
        self._plan, self._ports, self._allow = plan, ports, frozenset(allow)

    def lets_pass(self, verdict: Verdict) -> bool:
        return verdict.result == HELD or (verdict.result == UNKNOWN and UNCHECKED in self._allow)

    def until_held(self, checks: list[Check], budgets: tuple[Budget, ...], seconds: float) -> list[Verdict]:
        """The verdicts when all are let pass, when one has failed for good, or after so many seconds."""
        until = time.monotonic() + seconds
        while True:
            seen = self.see(checks)
            verdicts = [judge(check, seen, self._plan, budgets) for check in checks]
            lost = any(each.result == FAILED and each.check.kind in FINAL for each in verdicts)
            if lost or all(map(self.lets_pass, verdicts)) or time.monotonic() >= until:
                return verdicts
            time.sleep(POLL_SECONDS)

    def see(self, checks: list[Check]) -> Seen:
        """What these checks are made against, read now."""
        wanted = to_ask(self._plan, checks)
        pool = ThreadPoolExecutor(AT_ONCE)
        try:
            answers = dict(zip(wanted, pool.map(self._asked, wanted, wanted.values()), strict=True))
        finally:
            pool.shutdown(cancel_futures=True)  # after Ctrl-C nobody else is asked
        read = {name: found for name, found in answers.items() if not isinstance(found, str)}
        failed = {name: found for name, found in answers.items() if isinstance(found, str)}
        devices = {name: device for name, (_, device) in read.items()}
        configs = {name: config for name, (config, _) in read.items()}
        kinds = {check.kind for check in checks}
        state = self._fabric() if "fabric" in kinds else None
        speakers = (
            self._answered(self._ports.fabric.heard) if kinds & {"gateway", "border-root", "border-quiet"} else None
        )
        losses = self._ports.probes.losses() if "loss" in kinds else None
        hits = self._answered(self._ports.fabric.hits) if "denies" in kinds else None
        return Seen(devices, configs, failed, state, speakers, self._ports.probes.reaches, losses, hits)

    def _asked(self, name: str, commands: tuple[str, ...]) -> tuple[str, Device] | str:
        """A device's configuration and itself; or why it was not read."""
        try:
            config = self._ports.devices.running(name)
            answers = {command: self._ports.devices.show(name, command) for command in commands}
        except DeviceProblem as problem:
            return problem.why
        return config, read_device(name, config, answers)

    def _fabric(self) -> FabricState:
        try:
            return self._ports.fabric.state()
        except FabricLost as lost:
            return FabricState(0, str(lost), known=False)

    @staticmethod
    def _answered(question: Callable[[], Json]) -> Json | None:
        try:
            return question()
        except (FabricLost, FabricRefused):
            return None
