"""``migrate run``, ``status``, ``pause`` and ``rollback``: a plan carried out, looked at, held up, taken back."""

from __future__ import annotations

import json as json_text
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from clos.controller.cli.answer import (
    FAILED,
    OK,
    UNCHECKED,
    USAGE,
    Answer,
    Json,
    Stop,
    answering,
    complain,
    unchecked,
    usage,
)
from clos.controller.cli.confirmation import confirm
from clos.controller.cli.option_groups import OptionGroup
from clos.controller.cli.remote import DEFAULT, StateDir
from clos.controller.cli.render.migration_run import outcome_lines, plan_lines, status_lines
from clos.controller.migrate.plan.model import Phase, Plan
from clos.controller.migrate.plan.plan_json import BadPlan, read_plan
from clos.controller.migrate.run.journal import JournalProblem, opened, operating
from clos.controller.migrate.run.ports import FabricLost, FabricRefused, NoProbes
from clos.controller.migrate.run.progress import CONFIG, current_phase, progress
from clos.controller.migrate.run.report import report_json, report_markdown, status_json
from clos.controller.migrate.run.whole import lacking

if TYPE_CHECKING:
    from clos.controller.migrate.run.executor import Executor, Outcome

PLAN, INVENTORY = "plan.json", "inventory.yaml"
REPORT_JSON, REPORT_TEXT = "report.json", "report.md"

PlanDir = Annotated[Path, typer.Argument(metavar="PLANDIR", help="The plan's directory, with its journal.")]
To = Annotated[int | None, typer.Option("--to", metavar="PHASE", help="The last phase to carry out. Default: all.")]
BackTo = Annotated[
    int | None,
    typer.Option("--to", metavar="PHASE", help="The last phase that stays. Default: the last but one."),
]
Inventory = Annotated[
    str | None, typer.Option("--inventory", metavar="FILE", help="Default: inventory.yaml in the plan's directory.")
]
User = Annotated[str, typer.Option(envvar="CLOS_MIGRATE_USER", help="The user, where the inventory has none.")]
KnownHosts = Annotated[
    Path | None, typer.Option("--known-hosts", metavar="FILE", help="Host keys, beside those of ~/.ssh/known_hosts.")
]
Timeout = Annotated[float, typer.Option(min=1, metavar="SECONDS", help="For a connection.")]
Patience = Annotated[
    float, typer.Option(min=0, metavar="SECONDS", help="How long a device that does not answer is asked again.")
]
Allow = Annotated[
    list[str] | None, typer.Option("--allow", metavar="NAME", help="Say yes to a brake by its name; several times.")
]
AcceptConfig = Annotated[
    list[str] | None,
    typer.Option("--accept-config", metavar="DEVICE", help="Take somebody else's change of it as the new beginning."),
]
Control = Annotated[
    str | None,
    typer.Option("--control", metavar="PATH|HOST:PORT", help="A simulation that moves cables and sends probes."),
]
ProbeMs = Annotated[float, typer.Option(min=1, metavar="MS", help="Between two probes of a pair, with --control.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask; a phase whose checks hold is accepted.")]


@dataclass(frozen=True, slots=True)
class RunOptions(OptionGroup):
    """How devices, the fabric and people are asked."""

    inventory: Inventory = None
    state: StateDir = DEFAULT
    user: User = ""
    known_hosts: KnownHosts = None
    timeout: Timeout = 15.0
    patience: Patience = 180.0
    control: Control = None
    probe_ms: ProbeMs = 20.0
    yes: Yes = False


@answering
def run_(
    directory: PlanDir,
    to: To = None,
    allow: Allow = None,
    accept_config: AcceptConfig = None,
    *,
    options: RunOptions,
) -> Answer:
    """Carry out a migration's plan, phase by phase, or go on with one that was cut short.

    Every effect is in the plan's journal before it is made. A check that does not hold, or a line that a device
    refuses, rolls the phase back (exit code 1). Somebody else's change of a device or of the fabric, or a device that
    does not answer, stops the run where it is (exit code 3): run again, or roll back. Running configurations are saved
    only once their phase is accepted.
    """
    plan = _plan(directory)
    _check_phase(plan, to)
    _warn_of_unknown(plan, allow or ())
    with _executor(plan, directory, options, allow or (), whole=True) as executor:
        if not options.yes:
            confirm(plan_lines(plan, executor.now, to), "Carry this out?")
        _accept(executor, accept_config or ())
        with _interruptible():
            outcome = executor.forward(to)
        return _answer(plan, directory, executor, outcome)


@answering
def rollback_(
    directory: PlanDir,
    to: BackTo = None,
    *,
    options: RunOptions,
) -> Answer:
    """Undo phases of a migration, the last act first: commands leave before the flows that carry them close.

    Goes on with a rollback that was cut short, too. What somebody else has changed meanwhile stays, and is named.
    """
    plan = _plan(directory)
    with _executor(plan, directory, options) as executor:
        current = current_phase(plan, executor.now)
        if current is None:
            return Answer({"how": "complete", "phase": None}, lambda: ["Nothing of the plan is in force."])
        target = current - 1 if to is None else to
        numbers = [phase.number for phase in plan.phases]
        if not min(0, numbers[0] - 1) <= target <= numbers[-1]:
            raise usage(f"--to {to}: the plan has no such phase; it has {', '.join(map(str, numbers))}")
        if not options.yes:
            confirm([f"Phases {target + 1} to {current} of {plan.name} are undone."], "Undo them?")
        with _interruptible():
            outcome = executor.back(target)
        return _answer(plan, directory, executor, outcome)


@answering
def status_(directory: PlanDir, state: StateDir = DEFAULT) -> Answer:
    """Show where a migration stands: its phases, the act it is at, what is in doubt, and the borders' speakers.

    Exits with 1 when the last run was rolled back or stopped; with 3 when it was cut off, or something is in doubt: run
    or roll back.
    """
    plan = _plan(directory)
    with _told(), opened(directory, plan_digest(directory), create=False) as journal:
        events = journal.events() if journal else ()
    found = {**status_json(plan, events), "running": _runs(directory), "borders": _borders(state)}
    found["cut_off"] = found["direction"] is not None and found["ended"] is None and not found["running"]
    bad = found["ended"] in ("rolled back", "stopped")
    doubt = bool(found["in_doubt"]) and not found["running"]
    return Answer(found, lambda: status_lines(found), UNCHECKED if doubt or found["cut_off"] else FAILED if bad else OK)


@answering
def pause_(directory: PlanDir) -> Answer:
    """Have a run stop before its next step; clos migrate run goes on from there."""
    _plan(directory)
    if not _runs(directory):
        raise usage(f"nobody carries out the plan in {directory}")
    with _told(), opened(directory, plan_digest(directory)) as journal:
        assert journal is not None
        journal.ask_pause(True)
    return Answer({"paused": True}, lambda: ["The run stops before its next step."])


@contextmanager
def _executor(
    plan: Plan, directory: Path, options: RunOptions, allow: Iterable[str] = (), whole: bool = False
) -> Iterator[Executor]:
    """An executor with its ports open, and the plan's lock held. ``whole``: nothing that the plan names may lack."""
    from clos.controller.cli.legacy_access import operator  # noqa: PLC0415 - SSH takes half a second to load
    from clos.controller.cli.migration_fabric import ApiFabric  # noqa: PLC0415
    from clos.controller.cli.migration_world import Person, World, place_of  # noqa: PLC0415
    from clos.controller.migrate.run.executor import Executor  # noqa: PLC0415
    from clos.controller.migrate.run.looking import Ports  # noqa: PLC0415

    named = options.inventory or str(directory / INVENTORY)
    world = World(place_of(options.control), plan, options.probe_ms) if options.control else None
    if world is not None:
        world.check()
    with _told(), operator(named, options.user, options.known_hosts, options.timeout) as devices:
        if whole and (lacks := lacking(plan, directory, devices.names)):
            raise Stop(USAGE, f"{directory} cannot be carried out; nothing was done", lacks)
        with operating(directory), opened(directory, plan_digest(directory)) as journal:
            assert journal is not None
            ports = Ports(devices, ApiFabric(options.state), world or Person(), world or NoProbes())
            accepts = _accepts if not options.yes else lambda _: True
            yield Executor(plan, directory, journal, ports, _say, allow, options.patience, accepts)


@contextmanager
def _interruptible() -> Iterator[None]:
    """Ctrl-C, or no more answers to what is asked: the journal has what was begun."""
    try:
        yield
    except (KeyboardInterrupt, typer.Abort):
        complain("interrupted: clos migrate status shows where it stands, run goes on, rollback leads back")
        raise


def _say(kind: str, text: str) -> None:
    complain(f"{kind}: {text}")


def _accepts(phase: Phase) -> bool:
    """A person's yes to a phase whose checks hold."""
    if not sys.stdin.isatty():
        return False
    return typer.confirm(f"Phase {phase.number} ({phase.name}) is done and its checks hold. Accept it, and save?")


def _accept(executor: Executor, devices: Iterable[str]) -> None:
    """What devices hold now is what the run begins with."""
    for device in devices:
        if device not in executor.plan.configs:
            raise usage(f"--accept-config {device}: the plan has no such device")
        executor.journal.write(CONFIG, device=device, digest="")


def _answer(plan: Plan, directory: Path, executor: Executor, outcome: Outcome) -> Answer:
    """How it ended; the report is written beside the plan."""
    events = executor.journal.events()
    found = report_json(plan, events)
    try:
        (directory / REPORT_JSON).write_text(json_text.dumps(found, indent=1) + "\n", encoding="utf-8")
        (directory / REPORT_TEXT).write_text(report_markdown(found), encoding="utf-8")
    except OSError as fault:
        complain(f"the report cannot be written: {fault}")
    data: Json = {"how": outcome.how, "reason": outcome.reason, "known": outcome.known, **status_json(plan, events)}
    code = {"complete": OK, "rolled back": FAILED}.get(outcome.how, UNCHECKED)
    return Answer(data, lambda: outcome_lines(plan, progress(events), outcome, directory / REPORT_TEXT), code)


def _plan(directory: Path) -> Plan:
    path = directory / PLAN
    try:
        return read_plan(path.read_text(encoding="utf-8"), str(path))
    except BadPlan as fault:
        found = str(fault).splitlines()
        raise Stop(USAGE, f"{path} is no plan", found) from None
    except (OSError, UnicodeDecodeError) as fault:
        why = fault.strerror if isinstance(fault, OSError) else "is no UTF-8"
        raise usage(f"{path}: {why}; clos migrate plan makes one") from None


def plan_digest(directory: Path) -> str:
    """Of the plan's file: its journal is for this plan only."""
    return blake2b((directory / PLAN).read_bytes(), digest_size=16).hexdigest()


def _check_phase(plan: Plan, to: int | None) -> None:
    numbers = [phase.number for phase in plan.phases]
    if to is not None and to not in numbers:
        raise usage(f"--to {to}: the plan has no such phase; it has {', '.join(map(str, numbers)) or 'none'}")


def _runs(directory: Path) -> bool:
    """Whether somebody carries out the plan now."""
    try:
        with operating(directory, waits=0):
            return False
    except JournalProblem:
        return True
    except OSError as fault:
        raise unchecked(f"{directory} cannot be written: {fault.strerror}") from None


def _borders(state: Path) -> Json | None:
    """What the speakers hear and are; None: no controller answers."""
    from clos.controller.cli.migration_fabric import ApiFabric  # noqa: PLC0415

    try:
        return dict(ApiFabric(state).heard())
    except (FabricLost, FabricRefused):
        return None


@contextmanager
def _told() -> Iterator[None]:
    """The journal's problems as ends of the command."""
    try:
        yield
    except JournalProblem as problem:
        raise unchecked(str(problem)) from None


def _warn_of_unknown(plan: Plan, allow: Iterable[str]) -> None:
    """Say of each name that no brake has; a plan made anew may lack a brake of the one before, so it is no error."""
    from clos.controller.migrate.run.looking import UNCHECKED as UNCHECKED_CHECKS  # noqa: PLC0415 - for who runs a plan
    from clos.controller.migrate.run.performing import is_of_fabric  # noqa: PLC0415

    own = sorted({brake.name for phase in plan.phases for brake in phase.brakes})
    for name in allow:
        if name not in own and name != UNCHECKED_CHECKS and not is_of_fabric(name):
            complain(f"--allow {name}: no brake has this name; the plan's are {', '.join(own) or 'none'}")
