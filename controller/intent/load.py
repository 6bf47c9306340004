"""From YAML to an intent, or to everything that is wrong with it.

Lives here: which documents make an intent, and what is remembered between two loads. Must not know: keys of documents.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import NamedTuple

from controller.intent.check import Unread, common_findings
from controller.intent.check_tenant import mention_findings, tenant_findings
from controller.intent.model import Endpoint, Intent, Share, Tenant
from controller.intent.problem import Finding, Findings, Problem, conclude
from controller.intent.reading import Hidden, Reading, read
from controller.intent.source import Chunk, Source, Text, chunk_at, chunks
from controller.intent.tree import locate, tree
from fabric.topology import Topology


class Loaded(NamedTuple):
    """``intent``: None when there are problems."""

    intent: Intent | None
    problems: tuple[Problem, ...]


def load_intent(sources: Source | Iterable[Source], topology: Topology) -> Loaded:
    """The intent that files, directories or texts describe for a topology, or all that is wrong with it."""
    return Loader().load(sources, topology)


class Loader:
    """Loads intents again and again; a document that did not change gives the very same ``Tenant`` or ``Share``.

    "Did not change": same file, same first line, same text; and, for a tenant, the same MAC addresses of its hosts.
    """

    def __init__(self) -> None:
        self._known: dict[Chunk, _Document] = {}

    def load(self, sources: Source | Iterable[Source], topology: Topology) -> Loaded:
        """As ``load_intent``; remembers what it read until the next call."""
        found: list[Finding] = []
        listed = (sources,) if isinstance(sources, str | Text) or not isinstance(sources, Iterable) else sources
        read_now = {chunk: self._document(chunk) for source in listed for chunk in chunks(source, found)}
        self._known = read_now
        unreadable = bool(found)
        for document in read_now.values():
            found += document.reading.findings
            unreadable = unreadable or document.reading.value is None
        wrong: list[Finding] = []
        intent, hidden = _assembled(read_now, topology, wrong)
        wrong += common_findings(intent, topology, Unread(hidden, unreadable))
        for document in read_now.values():
            wrong += document.checked(topology)
        found += _pinpointed(wrong, sorted(read_now))
        problems = conclude(found)
        return Loaded(None if problems else intent, problems)

    def _document(self, chunk: Chunk) -> _Document:
        return self._known.get(chunk) or _Document(read(chunk))


class _Document:
    """A document read, and its value for the topology it was last wanted for."""

    __slots__ = ("_bound", "_checked", "_found", "_macs", "borrowed", "reading")

    def __init__(self, reading: Reading) -> None:
        self.reading = reading
        value = reading.value
        endpoints = value.endpoints.values() if isinstance(value, Tenant) else ()
        self.borrowed = tuple(endpoint.host for endpoint in endpoints if not endpoint.mac)
        self._macs: tuple[int, ...] = ()
        self._bound = value
        self._checked: Topology | None = None
        self._found: tuple[Finding, ...] = ()

    def bound(self, topology: Topology) -> Tenant | Share | None:
        """The value, with the topology's MAC addresses where the document gives none."""
        value, hosts = self.reading.value, topology.hosts
        macs = tuple(hosts[name].mac if name in hosts else 0 for name in self.borrowed)
        if isinstance(value, Tenant) and macs != self._macs:
            lent = dict(zip(self.borrowed, macs, strict=True))
            endpoints = {e.name: e if e.mac else _with_mac(e, lent[e.host]) for e in value.endpoints.values()}
            self._bound, self._macs = replace(value, endpoints=endpoints), macs
        return self._bound

    def checked(self, topology: Topology) -> tuple[Finding, ...]:
        """What is wrong with a tenant by itself; looked for once per topology."""
        value = self.bound(topology)
        if isinstance(value, Tenant) and self._checked is not topology:
            own = tenant_findings(value, topology, self.reading.hidden)
            self._found = (*own, *mention_findings(value, topology, self.reading))
            self._checked = topology
        return self._found


def _with_mac(e: Endpoint, mac: int) -> Endpoint:
    return Endpoint(e.name, e.network, e.host, mac, e.ip, e.labels, e.where)


def _assembled(
    documents: dict[Chunk, _Document], topology: Topology, wrong: list[Finding]
) -> tuple[Intent, dict[str, Hidden]]:
    """All documents as one intent; a second tenant or share of the same name is a finding."""
    intent = Intent()
    hidden: dict[str, Hidden] = {}
    for document in documents.values():
        value = document.bound(topology)
        if isinstance(value, Tenant):
            first: Tenant | Share = intent.tenants.setdefault(value.name, value)
            hidden.setdefault(value.name, document.reading.hidden)
            name = f"tenant {value.name}"
        elif isinstance(value, Share):
            first = intent.shares.setdefault((value.tenant, value.name), value)
            name = f"share {value.name} of tenant {value.tenant}"
        else:
            continue
        if first is not value:
            message = f"{name} is already defined in {first.where.file}, line {first.where.line}"
            wrong.append(Finding(value.where, ("metadata", "name"), message))
    return intent, hidden


def _pinpointed(wrong: list[Finding], ordered: list[Chunk]) -> list[Finding]:
    """Findings moved from the object concerned to the very word: their documents are read once more for it."""
    trees = {}
    exact = []
    for finding in wrong:
        chunk = chunk_at(ordered, finding.where)
        if chunk is not None and chunk not in trees:
            trees[chunk] = tree(chunk, Findings(chunk.file, []))
        root = trees.get(chunk) if chunk else None
        if root is None:
            exact.append(finding)
        else:
            line, column = locate(root, finding.path)
            exact.append(finding._replace(where=finding.where._replace(line=line, column=column)))
    return exact
