"""Topology documents as ``fabric.topology.Topology``.

Lives here: how recipe, written parts and default numbers come together, and at which line a fault of the fabric was
written. Must not know: tenants.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from controller.intent.model import Where
from controller.intent.notation import kind_of
from controller.intent.problem import Finding, Findings, Path, Problem, conclude
from controller.intent.schema import BAD
from controller.intent.source import Chunk, Source, Text, chunks
from controller.intent.topology_keys import KINDS, RECIPE_WORDS, TOPOLOGY
from controller.intent.topology_text import dump
from controller.intent.tree import Node, find, locate, tree
from fabric.generate import clos, dpids, host_mac, leaf_tags, pair_tags
from fabric.topology import (
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

__all__ = ["LoadedTopology", "dump", "load_topology"]
MAX_GENERATED = 100_000
"""Links and hosts that one recipe may make."""


class LoadedTopology(NamedTuple):
    """``topology``: None when there are problems."""

    topology: Topology | None
    problems: tuple[Problem, ...]


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
        words: dict[str, Any] = {RECIPE_WORDS.get(key, key): value for key, value in recipe.items()}
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
            for key, end in ((a, link.a), (b, link.b)):
                long = isinstance(find(self.root, ("spec", "links", i, key)).value, dict)
                yield (("links", i, key, "port") if long else ("links", i, key)), end.switch
        for name, pair in self.spec.get("pairs", {}).items():
            leaves = pair["leaves"] if isinstance(pair, dict) else pair
            way: Path = ("leaves",) if isinstance(pair, dict) else ()
            yield from ((("pairs", name, *way, i), leaf) for i, leaf in enumerate(leaves))
        for name, host in hosts.items():
            yield from ((self._port_way(name, i), port.switch) for i, port in enumerate(host.ports))

    def _port_way(self, host: str, i: int) -> Path:
        written = find(self.root, ("spec", "hosts", host)).value
        if isinstance(written, str):
            return "hosts", host
        return ("hosts", host, "ports", i) if "ports" in written else ("hosts", host, "port")

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
