"""A configuration as a simulated legacy device has it after lines that were typed on it."""

from __future__ import annotations

from collections.abc import Iterable

from clos.fabric.sim.legacy.configure import Context, Outcome, configure
from clos.fabric.sim.legacy.settings.request import Chassis
from clos.fabric.sim.legacy.tree import render

_PORTS = {"TenGigabitEthernet1/": 16, "GigabitEthernet1/0/": 24, "TenGigabitEthernet1/1/": 4, "GigabitEthernet0/": 8}
_CHASSIS = Chassis(frozenset(f"{stem}{n}" for stem, last in _PORTS.items() for n in range(last + 1)))


def on_the_simulator(config: str, lines: Iterable[str]) -> str:
    """The running configuration after the lines; what the device refuses changes nothing."""
    outcome = Outcome((), (Context(),))
    for line in (*config.splitlines(), "exit", "exit", *lines):
        if line.strip() not in ("!", "end"):
            outcome = configure(outcome.tree, outcome.stack, line, _CHASSIS)
    return "\n".join(render(outcome.tree))
