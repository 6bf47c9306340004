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
from clos.controller.intent import Text, dump
from clos.controller.intent.importers.adopt import adopt
from clos.controller.intent.importers.containerlab import read_containerlab
from clos.controller.intent.importers.tiers import Cable, Node, NotReadable, NotSpineLeaf, Plug, Sketch
from clos.controller.intent.schema.scalars import mac

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
        str, typer.Argument(metavar="FILE.py:TOPO[,ARG...]", help="As mn --custom FILE.py --topo TOPO,ARG.")
    ],
    name: Name = "",
) -> Answer:
    """Make a topology of a Mininet Topo class, on stdout.

    TOPO is a class of the file, a function, or an entry of its topos; MODULE:CLASS works, too, such as
    mininet.topolib:TreeTopo,2,4. The file is run, in a process of its own. Spines and leaves are told by how they are
    cabled; what had to be guessed is said in comments at the top. Exits with 1 for what is no spine-leaf fabric.
    """
    place = topo.rpartition(":")[0]
    if not place:
        raise usage(f"{topo}: expected FILE.py:TOPO, like lab.py:MyTopo")
    if place.endswith(".py") and not Path(place).is_file():
        raise usage(f"{place}: no such file")
    return _answer(lambda: _sketch(_asked(topo)), topo, name)


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
    try:
        text = Text(str(file), file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise usage(f"{file}: cannot be read: {error}") from None
    return _answer(lambda: read_containerlab(text, os.environ), str(file), name)


def _answer(read: Callable[[], Sketch], source: str, name: str) -> Answer:
    try:
        sketch = read()
        found = adopt(sketch._replace(name=name or sketch.name))
    except NotSpineLeaf as error:
        reasons = [_one_line(reason) for reason in error.reasons]
        what = "cannot be imported" if isinstance(error, NotReadable) else "is no spine-leaf fabric"
        raise failed(f"{source} {what}", reasons, reasons=reasons) from None
    text = dump(found.topology)
    notes = [_one_line(note) for note in found.notes]
    for note in notes:
        typer.echo(f"note: {note}", err=True)
    data = {"document": text, "names": dict(found.names), "notes": notes}
    return Answer(data, lambda: _lines(notes, source, text))


def _one_line(text: str) -> str:
    """Text of a foreign file as part of a comment: whatever it holds, it ends where the line ends."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _lines(notes: list[str], source: str, text: str) -> Iterator[str]:
    yield f"# Imported from {_one_line(source)}."
    yield from (f"# {note}." for note in notes)
    yield text.rstrip("\n")


def _asked(topo: str) -> dict[str, Any]:
    """What the user's Topo says of itself. Raises Stop when it cannot be run."""
    words = [sys.executable, "-m", "clos.lab.mininet.topology_import", topo]
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


def _sketch(found: dict[str, Any]) -> Sketch:
    nodes = {name: Node(node["kind"], node["dpid"], _mac(node["mac"])) for name, node in found["nodes"].items()}
    cables = (Cable(Plug(a, port), Plug(b, other), int(speed)) for a, port, b, other, speed in found["cables"])
    return Sketch(found["name"], nodes, tuple(cables))


def _mac(text: str) -> int:
    try:
        return mac(text)
    except ValueError:
        return 0
