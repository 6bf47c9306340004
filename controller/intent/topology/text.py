"""A topology as the text of a document, everything written out.

Lives here: how a ``Topology`` document is written. ``load_topology`` of it gives the very same topology.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain

from clos.controller.intent.schema import scalars
from clos.controller.intent.schema.notation import API_VERSION
from clos.fabric.topology import ACCESS, Host, Link, Switch, Topology


def dump(topology: Topology) -> str:
    """A topology as a document, everything written out, so that loading it gives the very same topology."""
    parts = (_head, _dump_switches, _dump_pairs, _dump_links, _dump_hosts, _dump_use)
    return "\n".join(chain(*(part(topology) for part in parts))) + "\n"


def _head(t: Topology) -> list[str]:
    spec = "spec:" if t.switches or t.links or t.hosts or t.pairs or t.probes else "spec: {}"
    return [f"apiVersion: {API_VERSION}", "kind: Topology", f"metadata: {{name: {t.name}}}", spec]


def _section(name: str, rows: Iterable[str]) -> list[str]:
    lines = [f"    {row}" for row in rows]
    return [f"  {name}:", *lines] if lines else []


def _dump_switches(t: Topology) -> list[str]:
    return _section("switches", (_dumped_switch(s) for s in t.switches.values()))


def _dumped_switch(s: Switch) -> str:
    tag = f", tag: {s.tag}" if s.is_leaf else ""
    site = f", site: {s.site}" if s.site != "main" else ""
    return f"{s.name}: {{role: {s.role}, dpid: {s.dpid:#x}{tag}{site}}}"


def _dump_pairs(t: Topology) -> list[str]:
    rows = (f"{p.name}: {{leaves: [{p.leaves[0]}, {p.leaves[1]}], tag: {p.tag}}}" for p in t.pairs.values())
    return _section("pairs", rows)


def _dump_links(t: Topology) -> list[str]:
    return _section("links", (_dumped_link(link) for link in t.links))


def _dumped_link(link: Link) -> str:
    if (link.speed, link.latency) == (10_000, 5):
        return f"- [{link.a}, {link.b}]"
    speed = f", speed: {link.speed} Mbps" if link.speed != 10_000 else ""
    latency = f", latency: {link.latency} us" if link.latency != 5 else ""
    return f"- {{a: {link.a}, b: {link.b}{speed}{latency}}}"


def _dump_use(t: Topology) -> list[str]:
    """How cables are probed, and which are avoided."""
    avoid = [f"  avoid: [{', '.join(map(str, sorted(t.avoid)))}]"] if t.avoid else []
    return [*(["  probes: true"] if t.probes else []), *avoid]


def _dump_hosts(t: Topology) -> list[str]:
    return _section("hosts", (_dumped_host(host) for host in t.hosts.values()))


def _dumped_host(host: Host) -> str:
    ports = f"ports: [{', '.join(map(str, host.ports))}]" if host.dual_homed else f"port: {host.ports[0]}"
    mode = f", mode: {host.mode}" if host.mode != ACCESS else ""
    speed = f", speed: {host.speed} Mbps" if host.speed != 10_000 else ""
    return f"{host.name}: {{{ports}, mac: '{scalars.mac_text(host.mac)}'{mode}{speed}}}"
