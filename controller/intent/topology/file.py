"""Topology documents as ``fabric.topology.Topology``.

Lives here: how recipe, written parts and default numbers come together, and at which line a fault of the fabric was
written. Must not know: tenants.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from itertools import islice
from typing import Any, NamedTuple, TypeVar

from clos.controller.intent.model import Where
from clos.controller.intent.problem import Finding, Findings, Path, Problem, conclude
from clos.controller.intent.schema import scalars
from clos.controller.intent.schema.notation import kind_of
from clos.controller.intent.schema.shapes import BAD
from clos.controller.intent.schema.topology_keys import KINDS, RECIPE_WORDS, TOPOLOGY
from clos.controller.intent.source import Chunk, Source, Text, cut, texts
from clos.controller.intent.topology.avoided import AVOIDED
from clos.controller.intent.topology.identity import (
    DPID,
    IDENTITIES,
    NOBODY,
    TAG,
    Identities,
    identities_of,
    keeping,
    read_identities,
    with_identities,
)
from clos.controller.intent.topology.text import dump
from clos.controller.intent.tree import Node, find, locate, tree, words
from clos.fabric.generate import clos, dpids, host_mac, leaf_tags, pair_tags
from clos.fabric.topology import (
    MAX_NODE_TAG,
    SPINE,
    Host,
    Link,
    Pair,
    PortRef,
    Switch,
    Topology,
    check,
)

__all__ = ["LoadedTopology", "dump", "keep_identities", "load_topology"]
MAX_GENERATED = 100_000
"""Links and hosts that one recipe may make."""


class LoadedTopology(NamedTuple):
    """``topology``: None when there are problems."""

    topology: Topology | None
    problems: tuple[Problem, ...]


def load_topology(source: Source, known: Identities = NOBODY) -> LoadedTopology:
    """The topology that a file or text describes, or everything that is wrong with it.

    ``known``: numbers that switches and pairs had before, kept where none are written.
    """
    found: list[Finding] = []
    cuts = [cut(text) for text in texts(source, found)]
    documents = [chunk for part in cuts for chunk in part.chunks]
    found += [finding for part in cuts for finding in part.findings]
    avoided: frozenset[PortRef] = frozenset()
    for chunk in documents[1:]:
        identities, ports = _kept(chunk, found)
        known, avoided = identities.over(known), avoided | ports
    topology = _read(documents[0], known, found) if documents else None
    if topology is not None and avoided:
        topology = replace(topology, avoid=topology.avoid | _leaf_ends(topology, avoided))
    if not documents and not found:
        name = source.name if isinstance(source, Text) else str(source)
        found.append(Finding(Where(name, 1, 1), (), "nothing is written here: expected a Topology document"))
    problems = conclude(found)
    return LoadedTopology(None if problems else topology, problems)


def keep_identities(text: Text, before: Topology) -> Text:
    """The document, and with it the identities that names of the topology ``before`` had where it would change them.

    A document with problems is given back as it is.
    """
    alone, kept = load_topology(text).topology, load_topology(text, identities_of(before)).topology
    if kept is None or alone == kept:
        return text
    return Text(text.name, with_identities(text.text, kept))


def _read(chunk: Chunk, known: Identities, found: list[Finding]) -> Topology | None:
    out = Findings(chunk.file, found)
    root = tree(chunk, out)
    if root is None or kind_of(root, KINDS, out) is None:
        return None
    values = TOPOLOGY.read(root, (), out)
    if "spec" not in values or "metadata" not in values:
        return None
    return _Assembly(values["metadata"]["name"], values["spec"], root, known, out).topology()


def _kept(chunk: Chunk, found: list[Finding]) -> tuple[Identities, frozenset[PortRef]]:
    """What Clos keeps in a document behind the topology's; no other kind stands there."""
    out, nothing = Findings(chunk.file, found), frozenset[PortRef]()
    root = tree(chunk, out)
    if root is None:
        return NOBODY, nothing
    kind = root.value.get("kind") if isinstance(root.value, dict) else None
    if kind is not None and kind.value == "Avoided":
        spec = AVOIDED.read(root, (), out).get("spec", BAD)
        return NOBODY, nothing if spec is BAD else frozenset(spec["ports"])
    if kind is None or kind.value != "Identities":
        found.append(Finding(Where(chunk.file, chunk.line, 1), (), _SECOND))
        return NOBODY, nothing
    spec = IDENTITIES.read(root, (), out).get("spec", BAD)
    return NOBODY if spec is BAD else read_identities(spec), nothing


def _leaf_ends(topology: Topology, ports: Iterable[PortRef]) -> frozenset[PortRef]:
    """The cables of these ports, by their leaves' ports; those that are no cables are left out."""
    ends = ((port, topology.peers[port]) for port in ports if port in topology.peers)
    return frozenset(end for both in ends for end in both if topology.switches[end.switch].is_leaf)


_SECOND = "a second document: a topology is one document"


class _Assembly:
    """A topology being put together: the recipe's part first, then what is written out.

    ``switches``, ``pairs``, ``links`` and ``hosts`` are what could be read; links by their position.
    """

    def __init__(self, name: str, spec: dict[str, Any], root: Node, known: Identities, out: Findings) -> None:
        self.name, self.root, self.known, self.out = name, root, known, out
        self.base = self._generated(spec.get("generate", {"spines": 0, "leaves": 0}))
        self.switches: dict[str, dict[str, Any]] = _readable(spec.get("switches", {}))
        self.pairs = {name: _pair_of(pair) for name, pair in _readable(spec.get("pairs", {})).items()}
        self.links = {i: _link_of(link) for i, link in _readable(dict(enumerate(spec.get("links", ())))).items()}
        self.hosts = {name: _host_of(name, host) for name, host in _readable(spec.get("hosts", {})).items()}
        self.probes: bool = spec.get("probes", False) is True
        self.avoid: tuple[PortRef, ...] = tuple(port for port in spec.get("avoid", ()) if port is not BAD)
        sections = (("switches", self.switches), ("pairs", self.pairs), ("links", self.links))
        self.whole = all(len(self._written(section)) == len(read) for section, read in sections)
        """Whether all that makes up the fabric could be read; unreadable hosts are only left out."""
        self.recipe_lost = self._find("generate") is not None and "generate" not in spec
        self.reported: set[str] = set()
        """Objects, named as ``fabric.topology.check`` does, about which a reference was already refused."""

    def topology(self) -> Topology | None:
        """The topology, and findings about it; None when parts of it could not be read."""
        self._names()
        if self.recipe_lost:
            return None
        self._references()
        if not self.whole:
            return None
        base, links = self.base, tuple(self.links.values())
        switches, pairs = base.switches | self._numbered_switches(), base.pairs | self._numbered_pairs()
        counted = Topology(self.name, switches, base.links + links, base.hosts | self.hosts, pairs, self.probes)
        made = keeping(counted, self._numbers(), self.known)
        for index, port in enumerate(self.avoid):
            if port not in made.peers:
                self._say(("avoid", index), f"no cable is at {port}: name a port of one of the links")
        made = replace(made, avoid=_leaf_ends(made, self.avoid)) if self.avoid else made
        self._checked(made)
        return made

    def _generated(self, recipe: dict[str, Any]) -> Topology:
        words = {RECIPE_WORDS.get(key, key): value for key, value in recipe.items()}
        try:
            if _size(words) > MAX_GENERATED:
                raise ValueError(f"this makes more than {MAX_GENERATED:,} links and hosts")
            return clos(**words)
        except ValueError as error:
            self._say(("generate",), str(error))
            return clos(0, 0)

    def _tags(self) -> list[int]:
        """Node tags that are spoken for."""
        written = [values["tag"] for values in (*self.switches.values(), *self.pairs.values()) if "tag" in values]
        return [*self.base.nodes.values(), *written]

    def _numbers(self) -> Identities:
        """Those that are written out."""
        tagged = (*self.switches.items(), *self.pairs.items())
        return Identities(
            {name: values[DPID] for name, values in self.switches.items() if DPID in values},
            {name: values[TAG] for name, values in tagged if TAG in values},
        )

    def _numbered_switches(self) -> dict[str, Switch]:
        roles = [*(s.role for s in self.base.switches.values()), *(values["role"] for values in self.switches.values())]
        ids = islice(dpids(roles), len(self.base.switches), None)
        tags = leaf_tags(self._tags())
        found = {}
        for dpid, (name, values) in zip(ids, self.switches.items(), strict=True):
            tag = 0 if values["role"] == SPINE else values.get("tag") or next(tags, MAX_NODE_TAG + 1)
            found[name] = Switch(name, values["role"], values.get("dpid", dpid), tag, values.get("site", "main"))
        return found

    def _numbered_pairs(self) -> dict[str, Pair]:
        tags = pair_tags(self._tags())
        return {name: Pair(name, p["leaves"], p.get("tag") or next(tags, 0)) for name, p in self.pairs.items()}

    def _find(self, *path: str | int) -> Node | None:
        """What is written at exactly this place of the spec."""
        above = find(self.root, ("spec", *path[:-1])).value
        if isinstance(above, dict):
            return above.get(str(path[-1]))
        return above[path[-1]] if isinstance(above, list) and isinstance(path[-1], int) else None

    def _written(self, section: str) -> dict[str | int, Node]:
        """The members of a section by name or position, readable or not; an unreadable section is one member."""
        node = self._find(section)
        if node is None or isinstance(node.value, str):
            return {} if node is None else {"": node}
        return dict(node.value.items() if isinstance(node.value, dict) else enumerate(node.value))

    def _names(self) -> None:
        """Names that the recipe already gives."""
        for section, made in (("switches", self.base.switches), ("pairs", self.base.pairs), ("hosts", self.base.hosts)):
            for name, node in self._written(section).items():
                if name in made:
                    message = f"the recipe already makes {name}: use another name"
                    self.out.say(node.key_line, node.key_column, ("spec", section, name), message)

    def _references(self) -> None:
        """Ends of links, leaves of pairs and ports of hosts on switches that are written nowhere."""
        known = {*self.base.switches, *map(str, self._written("switches"))}
        first = len(self.base.links)
        for path, name in self._named():
            if name not in known:
                self._say(path, f"unknown switch {name}", name, known)
                section, key = path[:2]
                self.reported.add(f"{section}[{first + key}]" if isinstance(key, int) else f"{section}.{key}")

    def _named(self) -> Iterator[tuple[Path, str]]:
        """Every switch named by the document, with the way to the word, even where the rest could not be read."""
        for section in ("links", "hosts"):
            for key, node in self._written(section).items():
                for way, word in words(node, (section, key)):
                    with suppress(ValueError):
                        yield way, scalars.port(word)[0]
        for name, pair in self.pairs.items():
            written = self._find("pairs", name)
            place: Path = ("leaves",) if written is not None and isinstance(written.value, dict) else ()
            yield from ((("pairs", name, *place, i), leaf) for i, leaf in enumerate(pair["leaves"]))

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
        return (section, name) if self._find(section, name) is not None else ("generate",)

    def _say(self, way: Path, message: str, *unknown: Any) -> None:
        path = ("spec", *way)
        self.out.say(*locate(self.root, path), path, message, *unknown)


_CHECKED = re.compile(r"(\w+)(?:\[(\d+)\]|\.(.+))")
_Key = TypeVar("_Key", str, int)


def _readable(members: dict[_Key, Any]) -> dict[_Key, Any]:
    return {key: value for key, value in members.items() if value is not BAD}


def _pair_of(pair: dict[str, Any] | list[str]) -> dict[str, Any]:
    values = pair if isinstance(pair, dict) else {"leaves": pair}
    return values | {"leaves": tuple(values["leaves"])}


def _link_of(link: Link | list[PortRef]) -> Link:
    return link if isinstance(link, Link) else Link(link[0], link[1])


def _host_of(name: str, host: Host | PortRef) -> Host:
    return host if isinstance(host, Host) else Host(name, host_mac(name), (host,))


def _size(recipe: Mapping[str, Any]) -> int:
    """How many links and hosts a recipe makes."""
    leaves, borders = int(recipe["leaves"]), int(recipe.get("borders", 0))
    links = int(recipe["spines"]) * (leaves + borders)
    each = sum(int(recipe.get(key, 0)) for key in ("hosts_per_leaf", "trunks_per_leaf", "dual_homed"))
    return links + leaves * each + borders * int(recipe.get("hosts_per_border", 0))
