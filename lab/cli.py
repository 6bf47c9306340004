"""``clos lab``: the lab from the command line.

Lives here: the commands and how their answers read. Must not know: how a lab works. ``controller.cli`` loads this
module by name and only when it is asked for, so that nothing there depends on the lab.
"""

from __future__ import annotations

import functools
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Annotated, Any

import typer

from clos.controller.cli.answer import (
    FAILED,
    OK,
    UNCHECKED,
    Answer,
    Stop,
    answering,
    usage,
)
from clos.controller.cli.render.text import columns, count
from clos.controller.daemon.discovery.cabling import WRONG
from clos.lab.asking import Where, there, tried
from clos.lab.legacy.commands import app as legacy_app
from clos.lab.mininet.sandbox import DEFAULT, Sandbox, down, find_sandbox, up
from clos.lab.order import read
from clos.lab.ovs.processes import KERNEL, NETDEV

if TYPE_CHECKING:
    from rich.text import Text as Line

    from clos.lab.lab import Lab
    from clos.lab.measure.stream import Loss

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    help="Run a fabric on Open vSwitch and Mininet with real packets. Linux, as root.",
    pretty_exceptions_enable=False,
)

Topology = Annotated[Path, typer.Argument(metavar="TOPOLOGY", help="The fabric.")]
Intents = Annotated[list[Path] | None, typer.Option("--intents", "-i", metavar="INTENTS", help="Files or directories.")]
Cabling = Annotated[
    Path | None, typer.Option("--cabling", metavar="FILE", help="A topology that says how cables really are.")
]
Datapath = Annotated[str, typer.Option(metavar="KIND", help="netdev (in user space), or kernel where it exists.")]
Allow = Annotated[list[str] | None, typer.Option(metavar="NAME", help="A brake to release, as the refusal names it.")]
Node = Annotated[str, typer.Argument(metavar="HOST", help="A host, an endpoint (tenant/name), or a switch.")]
Cases = Annotated[list[str] | None, typer.Argument(metavar="[CASE]...", help="local-link, policy-change, ...")]
Command = Annotated[list[str], typer.Argument(metavar="COMMAND...", help="What to run there.")]


def start(
    topology: Topology,
    intents: Intents = None,
    directory: Where = DEFAULT,
    datapath: Datapath = NETDEV,
    cabling: Cabling = None,
) -> Answer:
    """Start a lab: switches, hosts and cables, programmed by the controller.

    Everything is in namespaces of its own; the machine's network is not touched. It runs until ``lab down``.
    """
    from clos.lab.lab import texts  # noqa: PLC0415 - loading intents is not needed to end a lab
    from clos.lab.mininet.speeds import not_kept  # noqa: PLC0415

    if datapath not in (NETDEV, KERNEL):
        raise usage(f"--datapath {datapath}: one of {NETDEV}, {KERNEL}")
    there(topology, *(intents or ()), *([cabling] if cabling else ()))
    documents, real = texts(intents or []), texts([cabling])[0] if cabling else None
    document = texts([topology])[0]
    tried(lambda: read(document, documents))
    cell = tried(lambda: up(document, documents, directory, datapath=datapath, cabling=real))
    told = f"{count(len(cell.nodes), 'node')} up; try: clos lab exec HOST -- ip addr"
    left = not_kept(read(texts([topology])[0], documents)[0])
    lines = [told, *([f"Topology values not enforced: {', '.join(left)}."] if left else [])]
    return Answer({"directory": str(directory), "nodes": sorted(cell.nodes), "not_kept": left}, lambda: lines)


def apply(
    intents: Annotated[list[Path], typer.Argument(metavar="INTENTS...", help="Intent files, or directories of them.")],
    directory: Where = DEFAULT,
    why: Annotated[str, typer.Option("--why", "-m", metavar="TEXT", help="The reason, for the history.")] = "",
    allow: Allow = None,
) -> Answer:
    """Bring the running lab to what other intents say, while its hosts go on.

    They replace all that are in force. Who the hosts are stays: intents that change that need a new lab.
    """
    from clos.lab.lab import apply as change  # noqa: PLC0415
    from clos.lab.lab import texts  # noqa: PLC0415

    there(*intents)
    told = tried(lambda: change(_lab(directory), texts(intents), why, allow or ()))
    text = f"Revision {told['revision']} is in force: {told['entries']:,} entries confirmed in {told['seconds']:.2f} s."
    return Answer(told, lambda: [text])


def end(directory: Where = DEFAULT) -> Answer:
    """End the lab and remove all of it, in whatever state it was left."""
    ran = tried(lambda: down(directory))
    return Answer({"ended": ran}, lambda: ["Lab stopped." if ran else "No lab is running."])


def status(directory: Where = DEFAULT) -> Answer:
    """Show the lab's switches: connected or not, and how what they hold differs from what they should hold.

    And the links that are not as designed. Exits with 1 when a switch is missing or differs, or a link does.
    """
    lab = _lab(directory)
    told = tried(lambda: lab.cell.ask("status"))
    rows = [
        (name, "connected" if name in told["connected"] else "not connected", _differs(told["drift"].get(name)))
        for name in lab.topology.switches
    ]
    wrong = [(row["a"], row["b"], f"{row['state']}: {row['text']}") for row in told["links"] if row["state"] in WRONG]
    sound = all(row[1:] == ("connected", "in sync") for row in rows) and not wrong
    return Answer({"sound": sound, **told}, lambda: columns([*rows, *wrong]), OK if sound else FAILED)


def probe(
    directory: Where = DEFAULT,
    strays: Annotated[int, typer.Option(min=0, metavar="N", help="Random frames besides.")] = 500,
    most: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Try at most N pairs and services, permitted first.")
    ] = None,
    seed: Annotated[int, typer.Option(metavar="N", help="Of the random frames.")] = 0,
    covering: Annotated[
        bool, typer.Option("--cover", help="Send the fewest packets that meet every rule, and read the counters.")
    ] = False,
    every: Annotated[bool, typer.Option("--all", help="List every pair; with --cover every rule not met.")] = False,
) -> Answer:
    """Send real packets between all hosts and compare what arrives with what the intents' rules mean.

    Every pair with every service, attacks, packets at the limits, random frames. Exits with 1 when anything differs.
    """
    lab = _lab(directory)
    from clos.lab.measure.probe import answer, cover_told, covered, probed  # noqa: PLC0415 - Scapy takes two seconds to load

    if covering:
        return cover_told(lab, tried(lambda: covered(lab)), every)
    return answer(tried(lambda: probed(lab, most, strays, seed)), every)


def loss(
    cases: Cases = None,
    directory: Where = DEFAULT,
    runs: Annotated[int, typer.Option(min=1, metavar="N", help="How often each case is tried.")] = 3,
) -> Answer:
    """Break and change things under 1,000 datagrams a second and a TCP flow, and count what is lost.

    Without a CASE, all of them: cables, a spine and a leaf fail with no controller; then policies change, an endpoint
    moves, and controllers are stopped, killed, upgraded and given a backup. The lab's intents are put back at the end.
    Exits with 1 when a case loses more at the median than it may.
    """
    from clos.lab.measure.loss import CASES, load, losses  # noqa: PLC0415

    names = [case.replace("-", " ") for case in cases or ()]
    if strange := [name for name in names if name not in CASES]:
        raise usage(f"{strange[0]}: no such case; there are {', '.join(name.replace(' ', '-') for name in CASES)}")
    lab, before = _lab(directory), load()
    found = tried(lambda: losses(lab, names, runs, lambda one: typer.echo(str(one), err=True)))
    rows = {name: _loss_row(each, CASES[name].most) for name, each in found.items()}
    sound = all(row["kept"] for row in rows.values())
    data = {"runs": runs, "load": [before, load()], "cases": rows}
    return Answer(data, lambda: _loss_table(rows), OK if sound else FAILED)


def execute(host: Node, command: Command, directory: Where = DEFAULT) -> None:
    """Run a command as a host (or where the switches are), and exit with its exit code."""
    cell, name = _node(directory, host)
    raise typer.Exit(_in_front(cell, cell.foreground(name, *command)))


def shell(directory: Where = DEFAULT) -> None:
    """Mininet's own command line on the lab. What is started in it ends with it; the lab goes on.

    Any number may be open at a time.
    """
    cell = _cell(directory)
    program = [sys.executable, "-m", "clos.lab.mininet.shell", str(cell.directory)]
    raise typer.Exit(_in_front(cell, cell.foreground("", *program, alone=True)))


def _in_front(cell: Sandbox, words: Sequence[str]) -> int:
    """Run a command that has the terminal, to which Ctrl-C is left; its exit code, as a shell has it."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        code = subprocess.run(words, env=cell.environment, check=False).returncode
    finally:
        signal.signal(signal.SIGINT, before)
    return code if code >= 0 else 128 - code


EXTRA = frozenset({"mininet", "scapy"})
"""Python packages that only the lab needs."""

COMMANDS: dict[str, Callable[..., Answer]] = {
    "up": start,
    "apply": apply,
    "down": end,
    "status": status,
    "probe": probe,
    "loss": loss,
}


def _equipped(command: Callable[..., Answer]) -> Callable[..., Answer]:
    """The command; a Python package of the lab that is not installed ends it with the words that help."""

    @functools.wraps(command)
    def run(*args: object, **options: object) -> Answer:
        try:
            return command(*args, **options)
        except ModuleNotFoundError as error:
            if (error.name or "").partition(".")[0] not in EXTRA:
                raise
            remedy = f"{sys.executable} -m pip install 'clos-fabric[lab]'"
            raise Stop(UNCHECKED, f"the Python package {error.name} is not installed: {remedy}") from None

    return run


for _name, _command in COMMANDS.items():
    app.command(_name)(answering(_equipped(_command)))
app.command("exec", context_settings={"ignore_unknown_options": True})(execute)
app.command("shell")(shell)
app.add_typer(legacy_app, name="legacy")


def _cell(directory: Path) -> Sandbox:
    return tried(lambda: find_sandbox(directory))


def _lab(directory: Path) -> Lab:
    from clos.lab.lab import current  # noqa: PLC0415

    return tried(lambda: current(directory))


def _node(directory: Path, host: str) -> tuple[Sandbox, str]:
    cell = _cell(directory)
    if host in cell.nodes:
        return cell, host
    station = _lab(directory).plan.station(host)
    if station is None:
        raise usage(f"{host}: no such host in the lab; there are {', '.join(sorted(cell.nodes))}")
    return cell, station.name


def _differs(drift: list[int] | None) -> str:
    if drift is None:
        return "not read"
    told = zip(drift, ("missing", "changed", "unexpected"), strict=True)
    words = [f"{number} {what}" for number, what in told if number]
    return ", ".join(words) or "in sync"


def _loss_row(found: list[Loss], most: int | None) -> dict[str, Any]:
    """A case's runs; ``kept``: whether the median is within its target (true where there is none, or no run)."""
    lost = [one.lost for one in found]
    kept = not found or most is None or median(lost) <= most
    pauses = [one.pause for one in found if one.pause is not None]
    gaps = [one.gap for one in found]
    return {"lost": lost, "gap_ms": gaps, "tcp_pause_ms": pauses, "target_median": most, "kept": kept}


def _loss_table(rows: dict[str, dict[str, Any]]) -> Iterator[Line | str]:
    head = ("", "lost: least", "median", "most", "longest gap, ms", "TCP paused, ms", "may lose")
    yield from columns([head, *(_loss_words(*row) for row in rows.items())], right=(1, 2, 3, 4, 5, 6))


def _loss_words(name: str, row: dict[str, Any]) -> tuple[str, ...]:
    if not row["lost"]:
        return (name, "-", "-", "-", "-", "-", "not here")
    spread = (min(row["lost"]), median(row["lost"]), max(row["lost"]), max(row["gap_ms"]))
    pause = f"{max(row['tcp_pause_ms']):.0f}" if row["tcp_pause_ms"] else "-"
    may = "-" if row["target_median"] is None else f"{row['target_median']}{'' if row['kept'] else ': missed'}"
    return (name, *(f"{number:g}" for number in spread), pause, may)
