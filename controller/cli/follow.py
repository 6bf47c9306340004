"""``trace``: one packet walked through the compiled rules, table by table."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated, NamedTuple

import typer
from rich.text import Text

from controller.cli.answer import FAILED, OK, Answer, Json, answering, usage
from controller.cli.names import Names, names_of
from controller.cli.probe import Probe, between_ends, find_end, find_flow, find_ports, raw
from controller.cli.sources import IntentPaths, TopologyPath, Wanted, read
from controller.cli.text import table_name
from controller.compile import Compiled, Origin
from controller.intent.model import NOWHERE
from controller.plan import rule_json
from fabric.outcome import Hop
from fabric.switch import SwitchModel
from fabric.topology import PortRef
from fabric.walk import Visit, Walk, walk

From = Annotated[str, typer.Option("--from", metavar="ENDPOINT", help="Who sends: tenant/name, name or address.")]
To = Annotated[str, typer.Option("--to", metavar="ENDPOINT", help="To whom.")]
ServiceWord = Annotated[str, typer.Option("--service", "-s", metavar="SERVICE", help="tcp/1433, udp/53, icmp, ip/47.")]
LinksDown = Annotated[list[str], typer.Option("--link-down", metavar="LEAF:PORT", help="Cut this cable; repeatable.")]
Via = Annotated[str, typer.Option("--via", metavar="LEAF", help="The leaf a dual-homed host sends by.")]


class Expected(StrEnum):
    DELIVERED, DROPPED = "delivered", "dropped"


class Followed(NamedTuple):
    """A packet's walk, with everything needed to read it."""

    probe: Probe
    walk: Walk
    names: Names
    down: frozenset[PortRef]

    @property
    def outcome(self) -> Expected:
        return Expected.DELIVERED if self.walk.deliveries else Expected.DROPPED


@answering
def trace(
    intents: IntentPaths,
    topology: TopologyPath,
    source: From = "",
    target: To = "",
    service: ServiceWord = "icmp",
    via: Via = "",
    at: Annotated[str, typer.Option("--in", metavar="LEAF:PORT", help="Where a raw --packet enters.")] = "",
    packet: Annotated[str, typer.Option(metavar="HEX", help="A raw Ethernet frame, instead of --from and --to.")] = "",
    link_down: LinksDown = [],  # noqa: B006 - typer reads the default, nobody changes it
    expect: Annotated[Expected | None, typer.Option(help="Exit with 4 when it ends otherwise.")] = None,
) -> Answer:
    """Walk one packet and name table, rule and intent line at each hop."""
    wanted = read(topology, intents)
    if bool(source and target) == bool(at and packet):
        raise usage("say --from and --to, or --in and --packet")
    if source:
        ends = find_end(wanted.intent, source), find_end(wanted.intent, target)
        probe = between_ends(wanted, *ends, find_flow(service), via or None)
    else:
        probe = raw(at, packet, wanted.topology)
    done = follow(wanted, probe, find_ports(link_down, wanted.topology))
    code = FAILED if expect not in (None, done.outcome) else OK
    return Answer(_json(done), lambda: lines(done), code)


def follow(wanted: Wanted, probe: Probe, down: frozenset[PortRef] = frozenset()) -> Followed:
    """The probe walked over the rules that these intents compile to."""
    compiled = wanted.compiled()
    done = walk(models(compiled), wanted.topology, probe.at, probe.packet, down=down)
    return Followed(probe, done, names_of(compiled), down)


def models(compiled: Compiled) -> dict[str, SwitchModel]:
    """Every switch as it is when the rules are installed."""
    ports = compiled.topology.ports
    return {name: SwitchModel.of(compiled.ruleset.state(name), ports[name]) for name in compiled.ruleset.switches}


def lines(done: Followed) -> Iterator[Text | str]:
    """The walk for people: each switch, each table there, and how it ended."""
    topology = done.names.topology
    for port in sorted(done.down):
        yield Text(f"{port} to {topology.peers.get(port, 'a host')} is down", "yellow")
    for visit in done.walk.hops:
        peer = topology.peers.get(visit.at) or topology.host_at.get(visit.at, "nobody")
        yield Text.assemble((visit.switch, "bold"), f" from {peer} at port {visit.in_port}: {visit.packet}")
        for hop in visit.step.trail:
            yield from _table(visit, hop, done.names)
        for number, _ in visit.step.emissions:
            out = PortRef(visit.switch, number)
            yield f"  out of port {number} to {topology.peers.get(out) or topology.host_at.get(out, 'nobody')}"
    for delivery in done.walk.deliveries:
        host = topology.host_at[delivery.port]
        yield Text.assemble(("delivered", "bold green"), f" to {host} at {delivery.port}: {delivery.packet}")
    yield from (Text.assemble(("dropped", "bold red"), f" at {drop}") for drop in done.walk.drops)
    yield from (Text.assemble(("loop", "bold red"), f": {' -> '.join(path)}") for path in done.walk.loops)


def _table(visit: Visit, hop: Hop, names: Names) -> Iterator[Text]:
    place = f"  {hop.table} {table_name(names.topology, visit.switch, hop.table):8}"
    if hop.rule is None:
        yield Text.assemble(place, (" no rule matches", "red"))
        return
    yield Text.assemble(place, f" #{hop.rule.priority} {names.match(hop.rule.match)}")
    yield Text(f"      -> {'; '.join((names.instructions(hop.rule.instructions, visit.switch), *hop.notes))}")
    yield Text(f"      {names.origin(hop.rule) or f'cookie {hop.rule.cookie:#x}, nothing in these intents'}", "dim")


def _json(done: Followed) -> Json:
    topology = done.names.topology
    return {
        "outcome": str(done.outcome),
        "packet": {"at": str(done.probe.at), "text": str(done.probe.packet), "hex": done.probe.packet.to_bytes().hex()},
        "links_down": sorted(map(str, done.down)),
        "hops": [_hop_json(visit, done.names) for visit in done.walk.hops],
        "deliveries": [
            {"host": topology.host_at[port], "port": str(port), "text": str(packet), "hex": packet.to_bytes().hex()}
            for port, packet in done.walk.deliveries
        ],
        "drops": [{"switch": drop.switch, "hop": drop.visit, "reason": drop.reason} for drop in done.walk.drops],
        "loops": [list(path) for path in done.walk.loops],
    }


def _hop_json(visit: Visit, names: Names) -> Json:
    return {
        "switch": visit.switch,
        "in_port": visit.in_port,
        "parent": visit.parent,
        "packet": str(visit.packet),
        "tables": [
            {
                "table": hop.table,
                "name": table_name(names.topology, visit.switch, hop.table),
                "rule": rule_json(hop.rule) if hop.rule else None,
                "origin": origin_json(names.origin(hop.rule)) if hop.rule else None,
                "notes": list(hop.notes),
            }
            for hop in visit.step.trail
        ],
        "out": [port for port, _ in visit.step.emissions],
    }


def origin_json(origin: Origin | None) -> Json | None:
    """``{"path", "file", "line", "column"}``; the place is null for what the topology causes."""
    if origin is None:
        return None
    placed = origin.where if origin.where != NOWHERE else (None, None, None)
    return {"path": origin.path, **dict(zip(("file", "line", "column"), placed, strict=True))}
