"""From YAML to an intent, or to everything that is wrong with it.

Lives here: which documents make an intent, and what is remembered between two loads. Must not know: keys of documents.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import chain
from typing import NamedTuple

from clos.controller.intent.check import Unread, common_findings
from clos.controller.intent.check_tenant import Claims, claims_of, mention_findings, tenant_findings
from clos.controller.intent.check_via import via_findings
from clos.controller.intent.model import EVERYONE, Endpoint, Group, Intent, Share, Tenant, Where
from clos.controller.intent.problem import Finding, Findings, Problem, conclude
from clos.controller.intent.reading import Reading, read
from clos.controller.intent.resolving import unnamed
from clos.controller.intent.schema.scalars import PROTOCOLS
from clos.controller.intent.schema.service_keys import spelled
from clos.controller.intent.source import Chunk, Cut, Source, Text, chunk_at, cut, texts
from clos.controller.intent.tree import locate, tree
from clos.fabric.topology import Topology


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
        self._cut: dict[Text, Cut] = {}

    def load(self, sources: Source | Iterable[Source], topology: Topology) -> Loaded:
        """As ``load_intent``; remembers what it read until the next call."""
        listed = (sources,) if isinstance(sources, str | Text) or not isinstance(sources, Iterable) else sources
        found: list[Finding] = []
        documents = self._documents(listed, topology, found)
        unreadable = bool(found) or any(document.reading.value is None for document in documents.values())
        for document in documents.values():
            found += document.reading.findings
        wrong: list[Finding] = []
        owned = {d.value.name: d.reading for d in documents.values() if isinstance(d.value, Tenant)}
        shares = [document.value for document in documents.values() if isinstance(document.value, Share)]
        for document in documents.values():
            document.offer(shares)
            wrong += document.spell(owned)
        intent, owners = _assembled(documents.values(), wrong)
        claims = {name: document.claims for name, document in owners.items()}
        unread = Unread({name: document.reading.hidden for name, document in owners.items()}, unreadable)
        wrong += common_findings(intent, claims, unread)
        for document in documents.values():
            wrong += document.findings
        found += _pinpointed(wrong, sorted(documents))
        problems = conclude(found)
        return Loaded(None if problems else intent, problems)

    def _documents(self, sources: Iterable[Source], topology: Topology, found: list[Finding]) -> dict[Chunk, _Document]:
        """The documents of all sources, those already known as they were, bound to the topology."""
        cuts = {text: self._cut.get(text) or cut(text) for source in sources for text in texts(source, found)}
        found += [
            Finding(Where(text.name, 1, 1), (), "no document is in this file: expected kind: Tenant or Share")
            for text, part in cuts.items()
            if not part.chunks and not part.findings
        ]
        chunks = [chunk for part in cuts.values() for chunk in part.chunks]
        known = {chunk: self._known.get(chunk) or _Document(read(chunk)) for chunk in chunks}
        for part in cuts.values():
            found += part.findings
        for document in known.values():
            document.bind(topology)
        self._cut, self._known = cuts, known
        return known


class _Document:
    """A document read, its value for one topology, and what follows from these two.

    ``findings``: what is wrong with a tenant by itself. ``claims``: what it claims of hosts.
    """

    __slots__ = ("_borrowed", "_macs", "_topology", "claims", "findings", "reading", "value")

    def __init__(self, reading: Reading) -> None:
        self.reading = reading
        self.value = value = reading.value
        endpoints = value.endpoints.values() if isinstance(value, Tenant) else ()
        self._borrowed = tuple(endpoint.host for endpoint in endpoints if not endpoint.mac)
        self._macs: tuple[int, ...] = ()
        self._topology: Topology | None = None
        self.findings: tuple[Finding, ...] = ()
        self.claims: Claims = {}

    def bind(self, topology: Topology) -> None:
        """Make ``value``, ``findings`` and ``claims`` those for this topology."""
        if self._topology is topology:
            return
        self._topology = topology
        self._lend(topology)
        if isinstance(self.value, Tenant):
            own = tenant_findings(self.value, topology, self.reading.hidden)
            own = chain(own, via_findings(self.value, topology, self.reading.hidden))
            self.findings = (*own, *mention_findings(self.value, topology, self.reading))
            self.claims = claims_of(self.value, topology)

    def offer(self, shares: Iterable[Share]) -> None:
        """Give a tenant the group of everyone, where it has none and one of its shares opens it."""
        tenant, written = self.value, self.reading.value
        if not isinstance(tenant, Tenant) or not isinstance(written, Tenant):
            return
        own, hidden = written.groups, self.reading.hidden.get("groups", frozenset())
        opened = {share.group: share.where for share in shares if share.tenant == tenant.name}
        made = {word: Group(word, where=opened[word]) for word in EVERYONE if word in opened}
        made = {word: group for word, group in made.items() if word not in own and word not in hidden}
        if own.keys() | made.keys() != tenant.groups.keys():
            self.value = replace(tenant, groups={**own, **made})

    def spell(self, owners: Mapping[str, Reading]) -> Iterator[Finding]:
        """Give a share the services that its tenant's names stand for. ``owners``: the tenants' documents, by name."""
        share, owner = self.value, owners.get(self.value.tenant) if isinstance(self.value, Share) else None
        if not isinstance(share, Share) or owner is None or not isinstance(owner.value, Tenant):
            return
        services, known = self.reading.services, owner.value.services
        if spelled(services, known) != share.services:
            self.value = replace(share, services=spelled(services, known))
        hidden = owner.hidden.get("services", frozenset())
        for path, message, name in unnamed(services, known, ("spec", "services")):
            if name not in hidden and "*" not in hidden:
                yield Finding(share.where, path, message, name, (*known, *PROTOCOLS))

    def _lend(self, topology: Topology) -> None:
        """Give endpoints without a MAC address their hosts'; a value stays the same as long as these do."""
        written, hosts = self.reading.value, topology.hosts
        macs = tuple(hosts[name].mac if name in hosts else 0 for name in self._borrowed)
        if isinstance(written, Tenant) and macs != self._macs:
            lent = dict(zip(self._borrowed, macs, strict=True))
            endpoints = {e.name: e if e.mac else _with_mac(e, lent[e.host]) for e in written.endpoints.values()}
            self.value, self._macs = replace(written, endpoints=endpoints), macs


def _with_mac(e: Endpoint, mac: int) -> Endpoint:
    return Endpoint(e.name, e.network, e.host, mac, e.ip, e.labels, e.where, e.ips, e.routes)


def _assembled(documents: Iterable[_Document], wrong: list[Finding]) -> tuple[Intent, dict[str, _Document]]:
    """All documents as one intent, and the tenants' by name; a second document of the same name is a finding."""
    intent = Intent()
    owners: dict[str, _Document] = {}
    for document in documents:
        value = document.value
        if isinstance(value, Tenant):
            first: Tenant | Share = intent.tenants.setdefault(value.name, value)
            owners.setdefault(value.name, document)
            name = f"tenant {value.name}"
        elif isinstance(value, Share):
            first = intent.shares.setdefault((value.tenant, value.name), value)
            name = f"share {value.name} of tenant {value.tenant}"
        else:
            continue
        if first is not value:
            message = f"{name} is already defined in {first.where.file}, line {first.where.line}"
            wrong.append(Finding(value.where, ("metadata", "name"), message))
    return intent, owners


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
