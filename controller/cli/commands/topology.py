"""``topology``: generate, import, show and check fabrics."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text
from typer.core import TyperCommand, TyperGroup

from clos.controller.cli.answer import Answer, Json, answering, usage
from clos.controller.cli.coercion import lighten
from clos.controller.cli.render.text import columns, count
from clos.controller.explain.inputs import read_topology
from clos.controller.intent import dump
from clos.fabric.generate import clos
from clos.fabric.packet.fields import mac_text
from clos.fabric.topology import ROLES, SPINE, Switch, Topology


class _Commands(TyperGroup):
    """The commands of this module, and ``import``, whose readers of other tools' files load networkx: it is loaded
    when it is asked for."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.add_command(TyperCommand("import", rich_markup_mode=None))

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name == "import":
            from clos.controller.cli.commands.topology_import import app as foreign  # noqa: PLC0415 - see above

            return lighten(typer.main.get_command(foreign))
        return super().get_command(ctx, cmd_name)


app = typer.Typer(
    cls=_Commands,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    help="Generate, import, show and check topologies.",
)

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")
"""What a topology may be called, as the schema has it."""
MOST = 100_000
"""Hosts, or cables, of a generated fabric."""

File = Annotated[Path, typer.Argument(metavar="FILE", help="The topology.")]


@app.command()
@answering
def generate(
    spines: Annotated[int, typer.Option(min=1, metavar="N", help="Spines.")],
    leaves: Annotated[int, typer.Option(min=1, metavar="N", help="Leaves.")],
    borders: Annotated[int, typer.Option(min=0, metavar="N", help="Border leaves.")] = 0,
    hosts: Annotated[int, typer.Option(min=0, metavar="N", help="Access hosts on each leaf.")] = 0,
    trunks: Annotated[int, typer.Option(min=0, metavar="N", help="Trunk hosts on each leaf.")] = 0,
    border_hosts: Annotated[int, typer.Option(min=0, metavar="N", help="Access hosts on each border leaf.")] = 0,
    pairs: Annotated[bool, typer.Option("--pairs", help="Pair leaf1 with leaf2, leaf3 with leaf4, and so on.")] = False,
    dual_homed: Annotated[int, typer.Option(min=0, metavar="N", help="Dual-homed hosts on each pair.")] = 0,
    speed: Annotated[int, typer.Option(min=1, max=10**7, metavar="MBPS", help="Speed of each cable.")] = 10_000,
    name: Annotated[str, typer.Option(help="The fabric's name.")] = "clos",
) -> Answer:
    """Write a Clos fabric of any size as a topology document, on stdout."""
    _check_name(name)
    _check_size("hosts", leaves * (hosts + trunks) + borders * border_hosts + leaves // 2 * dual_homed)
    _check_size("cables", spines * (leaves + borders))
    try:
        made = clos(
            spines,
            leaves,
            borders=borders,
            hosts_per_leaf=hosts,
            trunks_per_leaf=trunks,
            hosts_per_border=border_hosts,
            pairs=pairs,
            dual_homed=dual_homed,
            speed=speed,
            name=name,
        )
    except ValueError as error:
        raise usage(str(error)) from None
    return Answer(_json(made), lambda: [dump(made).rstrip("\n")])


def _check_name(name: str) -> None:
    if not NAME.fullmatch(name):
        words = "1 to 63 letters, digits, dots, dashes and underscores, and start with a letter or digit"
        raise usage(f"--name {name!r}: names are {words}")


def _check_size(what: str, number: int) -> None:
    if number > MOST:
        raise usage(f"{number:,} {what}: a generated fabric has at most {MOST:,}")


@app.command()
@answering
def show(file: File) -> Answer:
    """Show a fabric's switches, where their cables lead and who is attached."""
    found = read_topology(file)
    return Answer(_json(found), lambda: _lines(found))


@app.command()
@answering
def check(file: File) -> Answer:
    """Check a topology; every problem is listed at once, and the exit code is then 1."""
    found = read_topology(file)
    return Answer({"valid": True, "counts": _counts(found)}, lambda: [f"Valid: {_sum(found)}."])


def _counts(t: Topology) -> dict[str, int]:
    roles = Counter(switch.role for switch in t.switches.values())
    return {
        **{role: roles[role] for role in ROLES},
        "pairs": len(t.pairs),
        "links": len(t.links),
        "hosts": len(t.hosts),
        "dual_homed": sum(host.dual_homed for host in t.hosts.values()),
    }


def _sum(t: Topology) -> str:
    plural = {"leaf": "leaves", "border": "borders", "spine": "spines"}
    counts = _counts(t)
    parts = [count(counts[role], role, plural[role]) for role in ROLES if counts[role]]
    parts += [count(counts["links"], "link"), count(counts["hosts"], "host")]
    return f"{t.name}, {', '.join(parts)}"


def _lines(t: Topology) -> Iterator[Text | str]:
    yield _sum(t)
    rows = [("switch", "role", "dpid", "tag", "pair", "cables", "hosts"), *(_row(t, s) for s in t.switches.values())]
    yield from columns(rows, right=(3,))


def _row(t: Topology, switch: Switch) -> tuple[str, ...]:
    pair = t.pair_of.get(switch.name)
    cables = t.downlinks[switch.name] if switch.role == SPINE else t.uplinks[switch.name]
    hosts = [f"{port.port}={name}" for port, name in t.host_at.items() if port.switch == switch.name]
    shown = [f"{port}={peer}" for port, peer in cables]
    tag = str(switch.tag) if switch.is_leaf else ""
    return switch.name, switch.role, f"{switch.dpid:#x}", tag, pair.name if pair else "", _few(shown), _few(hosts)


def _few(words: list[str]) -> str:
    return " ".join(words) if len(words) <= 8 else f"{' '.join(words[:7])} and {len(words) - 7} more"


def _json(t: Topology) -> Json:
    return {
        "name": t.name,
        "counts": _counts(t),
        "switches": [
            {"name": s.name, "role": s.role, "dpid": f"{s.dpid:#x}", "tag": s.tag or None, "site": s.site}
            for s in t.switches.values()
        ],
        "pairs": [{"name": p.name, "leaves": list(p.leaves), "tag": p.tag} for p in t.pairs.values()],
        "links": [
            {"a": str(link.a), "b": str(link.b), "speed_mbps": link.speed, "latency_us": link.latency}
            for link in t.links
        ],
        "hosts": [
            {
                "name": host.name,
                "mac": mac_text(host.mac),
                "ports": [str(port) for port in host.ports],
                "mode": host.mode,
                "speed_mbps": host.speed,
            }
            for host in t.hosts.values()
        ],
    }
