"""``clos lab``: the lab from the command line.

Lives here: the commands and how their answers read. Must not know: how a lab works. ``controller.cli`` loads this
module by name and only when it is asked for, so that nothing there depends on the lab.
"""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from controller.cli.answer import FAILED, OK, UNCHECKED, Answer, Stop, answering, usage
from controller.cli.text import columns, count
from lab.cell import DEFAULT, Cell, down, find_cell, up
from lab.ovs import LabError

if TYPE_CHECKING:
    from rich.text import Text as Line

    from lab.lab import Lab
    from lab.witness import Verdict

T = TypeVar("T")

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="Run a fabric on Open vSwitch and Mininet with real packets. Linux, as root.",
    pretty_exceptions_enable=False,
)

Topology = Annotated[Path, typer.Argument(metavar="TOPOLOGY", help="The fabric.")]
Intents = Annotated[list[Path] | None, typer.Option("--intents", "-i", metavar="INTENTS", help="Files or directories.")]
Where = Annotated[Path, typer.Option("--dir", metavar="DIR", help="Where the lab keeps its files.")]
Node = Annotated[str, typer.Argument(metavar="HOST", help="A host, an endpoint (tenant/name), or a switch.")]
Command = Annotated[list[str], typer.Argument(metavar="COMMAND...", help="What to run there.")]


def start(topology: Topology, intents: Intents = None, directory: Where = DEFAULT) -> Answer:
    """Start a lab: switches, hosts and cables, programmed by the controller.

    Everything is in namespaces of its own; the machine's network is not touched. It runs until ``lab down``.
    """
    from lab.lab import texts  # noqa: PLC0415 - loading intents is not needed to end a lab

    for path in (topology, *(intents or ())):
        if not path.exists():
            raise usage(f"{path}: no such file or directory")
    documents = texts(intents or [])
    cell = _tried(lambda: up(texts([topology])[0], documents, directory))
    told = f"{count(len(cell.nodes), 'node')} up; try: clos lab exec HOST -- ip addr"
    return Answer({"directory": str(directory), "nodes": sorted(cell.nodes)}, lambda: [told])


def end(directory: Where = DEFAULT) -> Answer:
    """End the lab and remove all of it, in whatever state it was left."""
    there = _tried(lambda: down(directory))
    return Answer({"ended": there}, lambda: ["The lab has ended." if there else "No lab was up."])


def status(directory: Where = DEFAULT) -> Answer:
    """Show the lab's switches: connected or not, and how what they hold differs from what they should hold.

    Exits with 4 when a switch is missing or differs.
    """
    lab = _lab(directory)
    told = _tried(lambda: lab.cell.ask("status"))
    rows = [
        (name, "connected" if name in told["connected"] else "missing", _differs(told["drift"].get(name)))
        for name in lab.topology.switches
    ]
    sound = all(row[1:] == ("connected", "as intended") for row in rows)
    return Answer({"sound": sound, **told}, lambda: columns(rows), OK if sound else FAILED)


def probe(
    directory: Where = DEFAULT,
    strays: Annotated[int, typer.Option(min=0, metavar="N", help="Random frames besides.")] = 500,
    most: Annotated[int, typer.Option(min=1, metavar="N", help="Pairs and services tried, evenly spread.")] = 20_000,
    seed: Annotated[int, typer.Option(metavar="N", help="Of the random frames.")] = 0,
) -> Answer:
    """Send real packets between all hosts and compare what arrives with what the intents' rules mean.

    Every pair with every service, attacks, and random frames. Exits with 4 when anything differs.
    """
    from lab.attacks import attacks, catalogue  # noqa: PLC0415 - Scapy takes two seconds to load
    from lab.probes import matrix  # noqa: PLC0415
    from lab.probes import strays as drawn  # noqa: PLC0415
    from lab.witness import trial  # noqa: PLC0415

    lab = _lab(directory)
    fabric, intent, topology = lab.fabric(), lab.intent, lab.topology
    pairs = list(matrix(intent, topology))
    rounds = {
        "pairs": pairs[:: -(-len(pairs) // most)],
        "attacks": attacks(intent, topology),
        "random": drawn(intent, topology, seed, strays),
    }
    with lab.taps() as taps:
        verdicts = {what: trial(taps, fabric, probes) for what, probes in rounds.items()}
    ends = [(one.what, where or "delivered") for one, where in catalogue(intent, fabric)]
    sound = not any(verdict.doubts for verdict in verdicts.values())
    data = {
        "agree": sound,
        "rounds": {name: _row(verdict) for name, verdict in verdicts.items()},
        "attacks": [{"attack": what, "stopped": where} for what, where in ends],
    }
    return Answer(data, lambda: _report(verdicts, ends), OK if sound else FAILED)


def loss(
    directory: Where = DEFAULT,
    runs: Annotated[int, typer.Option(min=1, metavar="N", help="How often each failure is tried.")] = 3,
) -> Answer:
    """Break cables and a spine under a stream of 1,000 datagrams a second, and count what is lost."""
    from lab.loss import failures  # noqa: PLC0415

    lab = _lab(directory)
    found: dict[str, list[float]] = {}
    for _ in range(runs):
        for one in _tried(lambda: failures(lab)):
            found.setdefault(one.what, []).append(one.lost)
    rows = [(what, *(f"{x:.0f}" for x in _spread(lost))) for what, lost in found.items()]
    head = ("lost of 2000", "least", "median", "most")
    return Answer({"lost": found}, lambda: columns([head, *rows], right=(1, 2, 3)))


def execute(host: Node, command: Command, directory: Where = DEFAULT) -> None:
    """Run a command as a host (or where the switches are), and exit with its exit code."""
    cell, name = _node(directory, host)
    raise typer.Exit(subprocess.run([*cell.enter(name), *command], env=cell.environment, check=False).returncode)


def shell(directory: Where = DEFAULT) -> None:
    """Mininet's own command line on the lab."""
    cell = _cell(directory)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _tried(lambda: cell.ask("shell", descriptors=(0, 1, 2)))


for _name, _command in (("up", start), ("down", end), ("status", status), ("probe", probe), ("loss", loss)):
    app.command(_name)(answering(_command))
app.command("exec", context_settings={"ignore_unknown_options": True})(execute)
app.command("shell")(shell)


def _tried(work: Callable[[], T]) -> T:
    """Its result; what the lab cannot do here ends the command."""
    try:
        return work()
    except LabError as error:
        *details, last = str(error).splitlines()
        raise Stop(UNCHECKED, last, details) from None


def _cell(directory: Path) -> Cell:
    return _tried(lambda: find_cell(directory))


def _lab(directory: Path) -> Lab:
    from lab.lab import current  # noqa: PLC0415

    return _tried(lambda: current(directory))


def _node(directory: Path, host: str) -> tuple[Cell, str]:
    cell = _cell(directory)
    station = _lab(directory).plan.station(host)
    if station is None and host not in cell.nodes:
        raise usage(f"{host}: no such host in the lab; there are {', '.join(sorted(cell.nodes))}")
    return cell, host if station is None else station.name


def _differs(drift: list[int] | None) -> str:
    if drift is None:
        return "unknown"
    told = zip(drift, ("missing", "changed", "unexpected"), strict=True)
    words = [f"{number} {what}" for number, what in told if number]
    return ", ".join(words) or "as intended"


def _row(verdict: Verdict) -> dict[str, int]:
    return {"probes": verdict.probes, "delivered": verdict.delivered, "doubts": len(verdict.doubts)}


def _spread(values: list[float]) -> tuple[float, float, float]:
    ordered = sorted(values)
    return ordered[0], ordered[len(ordered) // 2], ordered[-1]


def _report(verdicts: dict[str, Verdict], ends: list[tuple[str, str]]) -> Iterator[Line | str]:
    for name, verdict in verdicts.items():
        yield f"{name}: {verdict}"
    yield "Attacks, and where each ended:"
    yield from columns(ends, indent=2)
