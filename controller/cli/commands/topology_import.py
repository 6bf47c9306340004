"""``topology import``: networks that other tools describe, as topologies of ours."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

import clos
from clos.controller.cli.answer import Answer, answering, failed, unchecked, usage
from clos.controller.input_file import read_input, reason
from clos.controller.intent import Text, dump
from clos.controller.intent.importers.adopt import adopt
from clos.controller.intent.importers.containerlab import read_containerlab
from clos.controller.intent.importers.mininet_text import NeedsRun, read_miniedit, read_program
from clos.controller.intent.importers.mininet_topo import Described, Edge, Vertex, sketch_of
from clos.controller.intent.importers.tiers import NotReadable, NotSpineLeaf, Sketch
from clos.controller.intent.source import MAX_BYTES

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    help="Make a topology of what another tool describes.",
)

Name = Annotated[str, typer.Option(metavar="NAME", help="The fabric's name; by default the one it has there.")]

SECONDS = 60.0
"""A user's file that takes longer is ended."""


@app.command("mininet")
@answering
def mininet(
    topo: Annotated[
        str, typer.Argument(metavar="FILE.py:TOPO[,ARG...]", help="As mn --custom FILE.py --topo TOPO,ARG; or FILE.mn.")
    ],
    name: Name = "",
    run: Annotated[bool, typer.Option("--run", help="Run the file to read it, with your rights.")] = False,
) -> Answer:
    """Make a topology of a Mininet program or of a file of MiniEdit's, on stdout.

    TOPO is a class of the file, a function, or an entry of its topos. Nothing is run: the file is read as a text, which
    is enough for programs that are written out line by line, such as those that MiniEdit exports, and for its own .mn
    files. A program that computes its nodes has to be run: look at it, then give --run. It runs with your rights, in a
    process of its own, where no network can be started. Mininet's own modules need no --run, such as
    mininet.topolib:TreeTopo,2,4. Whatever was guessed or left out is a comment at the top, and a line on stderr. Exits
    with 1 for what is no spine-leaf fabric.
    """
    place, _, order = topo.rpartition(":")
    if topo.endswith(".mn"):
        return _answer(lambda: sketch_of(read_miniedit(_text(Path(topo)))), topo, name)
    if not place or not order:
        raise usage(f"{topo}: expected FILE.py:TOPO, like lab.py:MyTopo, or FILE.mn")
    if place.endswith(".py") and not Path(place).is_file():
        raise usage(f"{place}: no such file")
    if run or place.startswith("mininet."):
        return _answer(lambda: sketch_of(_described(_asked(topo), topo if run else "")), topo, name)
    return _answer(lambda: sketch_of(_unrun(place, order)), topo, name)


def _unrun(place: str, order: str) -> Described:
    """What the text of a program says. Raises Stop where that is not enough."""
    again = "review it, then pass --run: it runs with your permissions"
    if not place.endswith(".py"):
        raise usage(f"{place} is a module: importing it runs it; {again}")
    if "," in order:
        raise usage(f"{place} has to be run to be given arguments; {again}")
    try:
        return read_program(_text(Path(place)), order)
    except NeedsRun as error:
        raise usage(f"{place} was not run, and its text alone does not tell: {error}; {again}") from None


def _text(file: Path) -> Text:
    try:
        return Text(str(file), read_input(file, MAX_BYTES).decode())
    except (OSError, UnicodeDecodeError) as error:
        raise usage(f"{file}: cannot be read: {reason(error)}") from None


@app.command("containerlab")
@answering
def containerlab(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A containerlab topology, such as clos.clab.yml.")],
    name: Name = "",
) -> Answer:
    """Make a topology of a containerlab file, on stdout.

    A label role, a group or a name says who is a host; without one, nodes of kind linux whose image does not forward,
    external containers, VMs and firewalls are. Cables say who is a spine. Peer links between leaves, bridges and
    management networks are left out. Whatever was guessed, renumbered or left out is a comment at the top, and a line
    on stderr. Exits with 1 for what is no spine-leaf fabric.
    """
    text = _text(file)
    return _answer(lambda: read_containerlab(text, os.environ), str(file), name)


def _answer(read: Callable[[], Sketch], source: str, name: str) -> Answer:
    notes: list[str] = []
    try:
        sketch = read()
        notes = [f"note: {_one_line(note)}" for note in sketch.notes]
        found = adopt(sketch._replace(name=name or sketch.name))
    except NotSpineLeaf as error:
        reasons = [_one_line(reason) for reason in error.reasons]
        what = "cannot be imported" if isinstance(error, NotReadable) else "is no spine-leaf fabric"
        raise failed(f"{source} {what}", [*notes, *reasons], reasons=reasons) from None
    text = dump(found.topology)
    told = [_one_line(note) for note in found.notes]
    for note in told:
        typer.echo(f"note: {note}", err=True)
    data = {"document": text, "names": dict(found.names), "notes": told}
    return Answer(data, lambda: _lines(told, source, text))


def _one_line(text: str) -> str:
    """Text of a foreign file as part of a comment: whatever it holds, it ends where the line ends."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _lines(notes: list[str], source: str, text: str) -> Iterator[str]:
    yield f"# Imported from {_one_line(source)}."
    yield from (f"# {note}." for note in notes)
    yield text.rstrip("\n")


def _asked(topo: str) -> dict[str, Any]:
    """What the user's Topo says of itself. Raises Stop when it cannot be run."""
    words = [sys.executable, "-P", "-m", "clos.lab.mininet.topology_import", topo]
    here = str(Path(clos.__file__).parents[1])
    paths = os.pathsep.join(path for path in (here, os.environ.get("PYTHONPATH", "")) if path)
    try:
        done = subprocess.run(
            words, capture_output=True, text=True, timeout=SECONDS, check=False, env={**os.environ, "PYTHONPATH": paths}
        )
    except subprocess.TimeoutExpired:
        raise unchecked(
            f"{topo}: not done after {SECONDS:.0f} s; does the file start a network when it is loaded?"
        ) from None
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        if "No module named 'mininet'" in last:
            raise unchecked(f"Mininet is not installed here: {sys.executable} -m pip install -e '.[lab]'")
        raise unchecked(f"{topo}: {last}")
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def _described(found: dict[str, Any], run: str) -> Described:
    """``run``: the user's file that was run, if any."""
    nodes = {name: Vertex(n["kind"], n["options"], tuple(n["classes"])) for name, n in found["nodes"].items()}
    links = tuple(Edge(tuple(e["ends"]), tuple(e["ports"]), e["options"], tuple(e["own"])) for e in found["links"])
    return Described(found["name"], nodes, links, (f"{run} was run to read it (--run)",) if run else ())
