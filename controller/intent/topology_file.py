"""Topology documents: YAML to ``fabric.topology.Topology`` and back.

Lives here: the keys of a Topology document, its defaults, and where its objects were written. Must not know: tenants.

``load_topology(Text("t", dump(topology)))`` gives back an equal topology.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Any, NamedTuple

from controller.intent import scalars
from controller.intent.documents import API_VERSION, MAC, NAME, NOTE, document, kind_of
from controller.intent.model import Where
from controller.intent.problem import Finding, Path, Problem, conclude
from controller.intent.schema import BAD, FLAG, Choice, Either, Key, ListOf, MapOf, Number, Record, Refused, Scalar
from controller.intent.source import Chunk, Findings, Node, Source, Text, chunks, locate, tree
from fabric.generate import clos, dpids, host_mac, leaf_tags, pair_tags
from fabric.topology import (
    ACCESS,
    MAX_NODE_TAG,
    ROLES,
    SPINE,
    TRUNK,
    Host,
    Link,
    Pair,
    PortRef,
    Switch,
    Topology,
    check,
)

MAX_GENERATED = 100_000
"""Links and hosts that one recipe may make."""


class LoadedTopology(NamedTuple):
    """``topology``: None when there are problems."""

    topology: Topology | None
    problems: tuple[Problem, ...]


PORT = Scalar("a port", lambda text: PortRef(*scalars.port(text)), r"[A-Za-z0-9][A-Za-z0-9_.-]*:[0-9]+", "leaf1:3")
SPEED = Scalar("a speed", scalars.speed, r"[0-9]+(?:\.[0-9]+)? ?(?:Mbps|Gbps|Tbps)", "40 Gbps")
LATENCY = Scalar("a latency", scalars.latency, r"[0-9]+(?:\.[0-9]+)? ?(?:us|ms|s)", "5 us")
SITE = Key("site", NAME, "The site it stands in.", default="`main`")

SWITCH = Record(
    "a switch",
    (
        Key("role", Choice({role: role for role in ROLES}), "What it is.", required=True),
        SITE,
        Key(
            "dpid",
            Number("a datapath id", 1, 2**64 - 1),
            "Its OpenFlow datapath id.",
            default="`0x10001`, `0x20001`, `0x30001` and up, for spines, leaves, borders, in order",
        ),
        Key(
            "tag", Number("a node tag", 1, MAX_NODE_TAG), "Its node tag; not for spines.", default="1 and up, in order"
        ),
    ),
)

END = Either(
    "a port, or a port with its speed",
    (
        PORT,
        Record(
            "a link end",
            (Key("port", PORT, "The switch port.", required=True), Key("speed", SPEED, "The speed of this end.")),
        ),
    ),
)


def _cable(_name: str, values: dict[str, Any], _where: Where) -> Link:
    ends = [_end(values[key]) for key in ("a", "b")]
    speeds = [speed for speed in {values.get("speed"), ends[0][1], ends[1][1]} if speed is not None]
    if len(speeds) > 1:
        raise Refused(
            "", f"the ends differ in speed ({' and '.join(f'{s} Mbps' for s in sorted(speeds))}): a link has one speed"
        )
    return Link(ends[0][0], ends[1][0], speeds[0] if speeds else 10_000, values.get("latency", 5))


def _end(value: PortRef | dict[str, Any]) -> tuple[PortRef, int | None]:
    return (value, None) if isinstance(value, PortRef) else (value["port"], value.get("speed"))


LINK = Either(
    "a link: [leaf1:1, spine1:1], or a mapping with a and b",
    (
        ListOf(PORT, least=2, most=2),
        Record(
            "a link",
            (
                Key("a", END, "One end.", required=True),
                Key("b", END, "The other end.", required=True),
                Key("speed", SPEED, "The speed of both ends.", default="`10 Gbps`"),
                Key("latency", LATENCY, "How long a bit travels.", default="`5 us`"),
            ),
            _cable,
        ),
    ),
)
PAIR = Either(
    "a pair: [leaf1, leaf2], or a mapping with leaves and tag",
    (
        ListOf(NAME, least=2, most=2),
        Record(
            "a pair",
            (
                Key("leaves", ListOf(NAME, least=2, most=2), "Its two leaves.", required=True),
                Key(
                    "tag",
                    Number("a node tag", 1, MAX_NODE_TAG),
                    "Its anycast node tag.",
                    default=f"{MAX_NODE_TAG} and down, in order",
                ),
            ),
        ),
    ),
)


def _host(name: str, values: dict[str, Any], _where: Where) -> Host:
    if ("port" in values) == ("ports" in values):
        raise Refused("ports", "write port, or ports for a dual-homed host")
    ports = tuple(values.get("ports") or [values["port"]])
    return Host(
        name, values.get("mac") or host_mac(name), ports, values.get("mode", ACCESS), values.get("speed", 10_000)
    )


HOST = Either(
    "a host: leaf1:3, or a mapping",
    (
        PORT,
        Record(
            "a host",
            (
                Key("port", PORT, "Its port.", default="`port` or `ports` must be there"),
                Key("ports", ListOf(PORT, least=2, most=2), "Its two ports, on the leaves of a pair."),
                Key("mac", MAC, "Its MAC address.", default="made from its name"),
                Key(
                    "mode",
                    Choice({ACCESS: ACCESS, TRUNK: TRUNK}),
                    "Untagged frames of one network, or a VLAN for each network.",
                    default="`access`",
                ),
                Key("speed", SPEED, "The speed of its ports.", default="`10 Gbps`"),
            ),
            _host,
        ),
    ),
)


def _count(name: str, doc: str, key: str = "", required: bool = False) -> Key:
    return Key(key or name, Number("a number", 1 if required else 0, 10_000), doc, required, "" if required else "0")


RECIPE = Record(
    "a recipe",
    (
        _count("spines", "Spines `spine1`, ...", required=True),
        _count("leaves", "Leaves `leaf1`, ...; port n leads to spine n.", required=True),
        _count("borders", "Border leaves `border1`, ..."),
        _count("hostsPerLeaf", "Access hosts `h<leaf>-<n>` on each leaf, from port 101."),
        _count("trunksPerLeaf", "Trunk hosts `t<leaf>-<n>` on each leaf, on the ports after those."),
        _count("hostsPerBorder", "Access hosts `b<border>-<n>` on each border leaf."),
        Key(
            "pairs",
            FLAG,
            "Pair leaves 1 and 2, 3 and 4, ... as `pair1`, ...; border leaves as `border-pair1`, ...",
            default="`false`",
        ),
        _count("dualHomed", "Access hosts `d<pair>-<n>` on each pair of leaves, on the ports after those."),
        Key("speed", SPEED, "The speed of links.", default="`10 Gbps`"),
        Key("latency", LATENCY, "The latency of links.", default="`5 us`"),
        SITE,
    ),
)
_RECIPE_WORDS: dict[str, str] = {
    "hostsPerLeaf": "hosts_per_leaf",
    "trunksPerLeaf": "trunks_per_leaf",
    "hostsPerBorder": "hosts_per_border",
    "dualHomed": "dual_homed",
}

SPEC = Record(
    "a topology's spec",
    (
        Key("generate", RECIPE, "A recipe for a regular fabric; the other keys add to it.", default="none"),
        Key("switches", MapOf(NAME, SWITCH), "Switches by name; their order gives default ids.", default="none"),
        Key("pairs", MapOf(NAME, PAIR), "Pairs of leaves that hosts may be dual-homed to.", default="none"),
        Key("links", ListOf(LINK), "Cables between leaves and spines.", default="none"),
        Key("hosts", MapOf(NAME, HOST, partial=True), "Hosts by name.", default="none"),
    ),
    partial=True,
)
METADATA = Record(
    "metadata",
    (Key("name", NAME, "The fabric's name.", required=True), Key("description", NOTE, "For people.", default="none")),
)
TOPOLOGY = document("Topology", METADATA, SPEC, "The switches, links and hosts of one fabric.")
KINDS = {"Topology": TOPOLOGY}


def load_topology(source: Source) -> LoadedTopology:
    """The topology that a file or text describes, or everything that is wrong with it."""
    found: list[Finding] = []
    documents = list(chunks(source, found))
    topology = _read(documents[0], found) if documents else None
    found += [Finding(Where(more.file, more.line, 1), (), _SECOND) for more in documents[1:]]
    if not documents and not found:
        name = source.name if isinstance(source, Text) else str(source)
        found.append(Finding(Where(name, 1, 1), (), "nothing is written here: expected a Topology document"))
    problems = conclude(found)
    return LoadedTopology(None if problems else topology, problems)


def _read(chunk: Chunk, found: list[Finding]) -> Topology | None:
    out = Findings(chunk.file, found)
    root = tree(chunk, out)
    if root is None or kind_of(root, KINDS, out) is None:
        return None
    values = TOPOLOGY.read(root, (), out)
    if "spec" not in values or "metadata" not in values:
        return None
    return _Assembly(values["metadata"]["name"], values["spec"], root, out).topology()


_SECOND = "a second document: a topology is one document"


class _Assembly:
    """A topology being put together: the recipe's part first, then what is written out."""

    def __init__(self, name: str, spec: dict[str, Any], root: Node, out: Findings) -> None:
        self.name, self.spec, self.root, self.out = name, spec, root, out
        self.base = self._generated()
        self.reported: set[str] = set()
        """Objects, named as ``fabric.topology.check`` does, about which a reference was already refused."""

    def topology(self) -> Topology:
        base, spec = self.base, self.spec
        hosts = {name: _host_of(name, host) for name, host in spec.get("hosts", {}).items() if host is not BAD}
        cables = tuple(link if isinstance(link, Link) else Link(*link) for link in spec.get("links", ()))
        made = Topology(
            self.name, self._switches(), base.links + cables, base.hosts | hosts, base.pairs | self._pairs()
        )
        self._names()
        self._references(cables, hosts)
        if all(section in spec for section in ("switches", "links", "pairs") if self._written(section)):
            self._checked(made)
        return made

    def _generated(self) -> Topology:
        recipe: dict[str, Any] = self.spec.get("generate") or {"spines": 0, "leaves": 0}
        words: dict[str, Any] = {_RECIPE_WORDS.get(key, key): value for key, value in recipe.items()}
        try:
            if _size(words) > MAX_GENERATED:
                raise ValueError(f"this makes more than {MAX_GENERATED:,} links and hosts")
            return clos(**words)
        except ValueError as error:
            self._say(("generate",), str(error))
            return clos(0, 0)

    def _switches(self) -> dict[str, Switch]:
        written, base = self.spec.get("switches", {}), self.base.switches
        taken = [s.tag for s in base.values()] + [values.get("tag", 0) for values in written.values()]
        taken += [
            pair["tag"] for pair in self.spec.get("pairs", {}).values() if isinstance(pair, dict) and "tag" in pair
        ]
        tags = leaf_tags(taken)
        ids = list(dpids([*(s.role for s in base.values()), *(values["role"] for values in written.values())]))
        found = dict(base)
        for dpid, (name, values) in zip(ids[len(base) :], written.items(), strict=True):
            role = values["role"]
            if role == SPINE and "tag" in values:
                self._say(("switches", name, "tag"), "spines have no node tag: leave it out")
            tag = 0 if role == SPINE else values.get("tag") or next(tags, MAX_NODE_TAG + 1)
            found[name] = Switch(name, role, values.get("dpid", dpid), tag, values.get("site", "main"))
        return found

    def _pairs(self) -> dict[str, Pair]:
        written = {
            name: pair if isinstance(pair, dict) else {"leaves": pair}
            for name, pair in self.spec.get("pairs", {}).items()
        }
        used = [pair["tag"] for pair in written.values() if "tag" in pair]
        used += [pair.tag for pair in self.base.pairs.values()]
        used += [values["tag"] for values in self.spec.get("switches", {}).values() if "tag" in values]
        tags = pair_tags(used)
        return {name: Pair(name, tuple(p["leaves"]), p.get("tag") or next(tags, 0)) for name, p in written.items()}

    def _written(self, section: str) -> Mapping[str, Node]:
        """What is written under a section, readable or not."""
        node = self.root.value["spec"] if isinstance(self.root.value, dict) else self.root
        entry = node.value.get(section) if isinstance(node.value, dict) else None
        if entry is None:
            return {}
        return entry.value if isinstance(entry.value, dict) else {"": entry}

    def _names(self) -> None:
        """Names the recipe already gives."""
        for section, made in (("switches", self.base.switches), ("pairs", self.base.pairs), ("hosts", self.base.hosts)):
            for name, node in self._written(section).items():
                if name in made:
                    place = (node.key_line, node.key_column)
                    message = f"the recipe already makes {name}: use another name"
                    self.out.say(*place, ("spec", section, name), message)

    def _references(self, cables: tuple[Link, ...], hosts: dict[str, Host]) -> None:
        """Ends of links, pairs and hosts on switches that are written nowhere."""
        known = {*self.base.switches, *self._written("switches")}
        for path, name in self._named(cables, hosts):
            if name not in known:
                self._say(path, f"unknown switch {name}", name, known)
                section, key = path[:2]
                first = len(self.base.links)
                self.reported.add(f"{section}[{first + key}]" if isinstance(key, int) else f"{section}.{key}")

    def _named(self, cables: tuple[Link, ...], hosts: dict[str, Host]) -> Iterator[tuple[Path, str]]:
        """Every switch named by the document, with the way to the word."""
        for i, (written, link) in enumerate(zip(self.spec.get("links", ()), cables, strict=True)):
            a, b = ("a", "b") if isinstance(written, Link) else (0, 1)
            yield from ((("links", i, a), link.a.switch), (("links", i, b), link.b.switch))
        for name, pair in self.spec.get("pairs", {}).items():
            leaves = pair["leaves"] if isinstance(pair, dict) else pair
            way: Path = ("leaves",) if isinstance(pair, dict) else ()
            yield from ((("pairs", name, *way, i), leaf) for i, leaf in enumerate(leaves))
        for name, host in hosts.items():
            yield from ((("hosts", name, "ports", i), port.switch) for i, port in enumerate(host.ports))

    def _checked(self, made: Topology) -> None:
        """What the fabric itself finds wrong, at the lines concerned."""
        for path, message in check(made):
            if path not in self.reported:
                way = self._way(path)
                self._say(way, f"{path}: {message}" if way == ("generate",) else message)

    def _way(self, path: str) -> Path:
        """The way to what ``fabric.topology.check`` calls ``path``, under ``spec``."""
        found = _CHECKED.fullmatch(path)
        if found is None:
            return (path,)
        section, index, name = found.groups()
        if index is not None:
            position = int(index) - len(self.base.links)
            return ("links", position) if position >= 0 else ("generate",)
        return (section, name) if name in self._written(section) else ("generate",)

    def _say(self, way: Path, message: str, *unknown: Any) -> None:
        path = ("spec", *way)
        self.out.say(*locate(self.root, path), path, message, *unknown)


_CHECKED = re.compile(r"(\w+)(?:\[(\d+)\]|\.(.+))")


def _host_of(name: str, host: Host | PortRef) -> Host:
    return host if isinstance(host, Host) else Host(name, host_mac(name), (host,))


def _size(recipe: Mapping[str, Any]) -> int:
    """How many links and hosts a recipe makes."""
    leaves, borders = int(recipe["leaves"]), int(recipe.get("borders", 0))
    links = int(recipe["spines"]) * (leaves + borders)
    each = sum(int(recipe.get(key, 0)) for key in ("hosts_per_leaf", "trunks_per_leaf", "dual_homed"))
    return links + leaves * each + borders * int(recipe.get("hosts_per_border", 0))


def dump(topology: Topology) -> str:
    """A topology as a document, everything written out, so that loading it gives the very same topology."""
    return (
        "\n".join(chain(*(part(topology) for part in (_head, _dump_switches, _dump_pairs, _dump_links, _dump_hosts))))
        + "\n"
    )


def _head(t: Topology) -> list[str]:
    spec = "spec:" if t.switches or t.links or t.hosts or t.pairs else "spec: {}"
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
    return f"- {{a: {link.a}, b: {link.b}, speed: {link.speed} Mbps, latency: {link.latency} us}}"


def _dump_hosts(t: Topology) -> list[str]:
    return _section("hosts", (_dumped_host(host) for host in t.hosts.values()))


def _dumped_host(host: Host) -> str:
    ports = f"ports: [{', '.join(map(str, host.ports))}]" if host.dual_homed else f"port: {host.ports[0]}"
    mode = f", mode: {host.mode}" if host.mode != ACCESS else ""
    speed = f", speed: {host.speed} Mbps" if host.speed != 10_000 else ""
    return f"{host.name}: {{{ports}, mac: '{scalars.mac_text(host.mac)}'{mode}{speed}}}"
