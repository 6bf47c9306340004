"""Whether everything that a plan names is there before its first act: files beside it, devices in the inventory.

Lives here: what lacks, a sentence each. Must not know: what is in those files, sessions. A run that finds one of these
missing in the middle has changed devices already.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

from clos.controller.migrate.plan.model import Plan


def lacking(plan: Plan, directory: Path, devices: Collection[str]) -> tuple[str, ...]:
    """What the plan of ``directory`` names and nobody has; ``devices``: those of the inventory."""
    return (*_files(plan, directory), *_devices(plan, devices))


def _files(plan: Plan, directory: Path) -> Iterator[str]:
    named = dict.fromkeys(step.intents for step in plan.steps() if step.intents is not None)
    for name in (plan.topology, *named) if named else ():
        path = directory / name
        if not path.resolve().is_relative_to(directory.resolve()):
            yield f"{name!r} leads out of the plan's directory; run clos migrate plan again"
        elif not path.is_file():
            yield f"{path} is not there; run clos migrate plan again"


def _devices(plan: Plan, devices: Collection[str]) -> Iterator[str]:
    wanted = {each.device for step in plan.steps() for each in step.commands} | set(plan.configs)
    for name in sorted(wanted - set(devices)):
        yield f"device {name!r} is in the plan and not in the inventory; add it there"
