"""One intent document as a ``Tenant`` or a ``Share``, as far as it can be read.

Lives here: how the parts of a document come together. Must not know: files, topologies, other documents.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from itertools import islice
from types import MappingProxyType
from typing import Any, NamedTuple

from clos.controller.intent.grouping import Grouping
from clos.controller.intent.model import Endpoint, Network, Prefix, Service, Share, Tenant, Where
from clos.controller.intent.problem import Finding, Findings, Path
from clos.controller.intent.resolving import Known, imported, resolve, unnamed
from clos.controller.intent.schema import scalars
from clos.controller.intent.schema.documents import KINDS
from clos.controller.intent.schema.group_keys import Written
from clos.controller.intent.schema.notation import NAME, kind_of
from clos.controller.intent.schema.service_keys import Named, spelled
from clos.controller.intent.schema.shapes import BAD
from clos.controller.intent.source import Chunk
from clos.controller.intent.tree import Node, find, tree, words

Hidden = Mapping[str, Set[str]]
"""Names of what is written but could not be read, by section. ``*``: the whole section; in lists, positions."""
NOTHING_HIDDEN: Hidden = MappingProxyType({})
SPEC = "spec"
_MAPPINGS = ("networks", "endpoints", "external", "groups", "services")
_LISTS = ("policies", "imports")


class Mention(NamedTuple):
    """A name in something that could not be read; it must still be the name of ``what``: host, network, ..."""

    what: str
    name: str
    where: Where
    path: Path


_MENTIONS = {
    "endpoints": {"host": "host", "network": "network"},
    "external": {"router": "endpoint"},
    "groups": {"endpoints": "endpoint", "networks": "network", "groups": "group", "except": "group"},
    "policies": {"from": "group", "to": "group", "via": "endpoint"},
    "imports": {"groups": "group"},
}
"""What a tenant's objects name, by section and key."""


class Reading(NamedTuple):
    """What a document says, as far as it could be read.

    ``value``: None when not even its name is known; a tenant's endpoints without a MAC address of their own have 0.
    ``hidden``: so that nobody is told that these do not exist. ``services``: a share's, as written: its tenant's names
    for them are in another document.
    """

    value: Tenant | Share | None
    findings: tuple[Finding, ...]
    hidden: Hidden = NOTHING_HIDDEN
    mentions: tuple[Mention, ...] = ()
    services: tuple[Service | Named, ...] = ()


def read(chunk: Chunk) -> Reading:
    """What a document says, with everything that is wrong with it in itself."""
    out = Findings(chunk.file, [])
    root = tree(chunk, out)
    kind = root and kind_of(root, KINDS, out)
    if root is None or not kind:
        return Reading(None, tuple(out.found))
    values = KINDS[kind].read(root, (), out)
    where = Where(out.file, root.line, root.column)
    if kind == "Share":
        services = values.get("spec", {}).get("services", ())
        return Reading(_share(values, where), tuple(out.found), services=tuple(services))
    return _tenant(values, where, root, out)


def _share(values: dict[str, Any], where: Where) -> Share | None:
    metadata, spec = values.get("metadata", {}), values.get("spec")
    if spec is None or not {"name", "tenant"} <= metadata.keys():
        return None
    services, to = spelled(spec["services"], {}), tuple(spec["to"])
    name, notes = (metadata["tenant"], metadata["name"]), (spec.get("description", ""), spec.get("ticket", ""))
    rate, enabled, without = spec.get("rateLimit"), spec.get("enabled", True), tuple(spec.get("except", ()))
    return Share(*name, spec["group"], services, to, rate, where, enabled, *notes, without)


def _tenant(values: dict[str, Any], where: Where, root: Node, out: Findings) -> Reading:
    if "name" not in values.get("metadata", {}):
        return Reading(None, tuple(out.found))
    spec = values.get("spec", {})
    hidden = _hidden(spec, _child(root, "spec"))
    networks: dict[str, Network] = _readable(spec.get("networks", {}))
    endpoints = _endpoints(_readable(spec.get("endpoints", {})), networks, bool(hidden["networks"]), root, out)
    hidden["endpoints"] |= spec.get("endpoints", {}).keys() - endpoints.keys()
    grouping = _grouping(_readable(spec.get("groups", {})), hidden["groups"], root, out)
    services = {name: tuple(held) for name, held in _readable(spec.get("services", {})).items()}
    drafts = [None if draft is BAD else draft for draft in spec.get("policies", ())]
    said = [draft.services if draft else () for draft in drafts]
    _say_unnamed(("policies", "services"), said, services, hidden["services"], root, out)
    policies = resolve(drafts, grouping, services)
    hidden["policies"] |= policies.lost
    wishes = [None if draft is BAD else draft for draft in spec.get("imports", ())]
    denied = [draft.deny if draft else () for draft in wishes]
    _say_unnamed(("imports", "deny"), denied, services, hidden["services"], root, out)
    imports, lost = imported(wishes, services)
    hidden["imports"] |= lost
    for wish in imports:
        for word in wish.groups:
            grouping.named(word, wish.where)
    tenant = Tenant(
        values["metadata"]["name"],
        networks,
        endpoints,
        grouping.found,
        policies.policies,
        tuple(imports),
        spec.get("rateLimit"),
        where,
        services,
        policies.disabled,
        _readable(spec.get("external", {})),
    )
    if not any(hidden.values()):
        return Reading(tenant, tuple(out.found))
    return Reading(tenant, tuple(out.found), hidden, tuple(_mentions(hidden, root, out.file)))


def _grouping(written: dict[str, Written], hidden: set[str], root: Node, out: Findings) -> Grouping:
    """The groups that can be joined; what can not is said, and hidden: of unknown names the mentions tell."""
    grouping = Grouping(written)
    nodes = _child(_child(root, "spec"), "groups")
    for name, reason in grouping.wrong.items():
        place = _child(nodes, name) or root
        out.say(place.key_line, place.key_column, (SPEC, "groups", name), reason)
    hidden |= written.keys() - grouping.found.keys()
    return grouping


def _say_unnamed(
    place: tuple[str, str],
    lists: Iterable[Sequence[Service | Named]],
    known: Known,
    lost: Set[str],
    root: Node,
    out: Findings,
) -> None:
    """Names of services that stand for nothing, if what they stand for could be read. ``place``: section and key."""
    for i, services in enumerate(lists):
        for path, message, name in unnamed(services, known, (SPEC, place[0], i, place[1])):
            if name not in lost and "*" not in lost:
                at = find(root, path)
                out.say(at.line, at.column, path, message, name, (*known, *scalars.PROTOCOLS))


def _readable(section: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in section.items() if value is not BAD}


def _hidden(spec: dict[str, Any], node: Node | None) -> dict[str, set[str]]:
    """What is written in a spec but is not among what was read of it."""
    written = node.value if node is not None and isinstance(node.value, dict) else _MAPPINGS
    hidden: dict[str, set[str]] = {}
    for section in _MAPPINGS:
        lost = section not in spec and (section in written or section == "networks")
        names = {name for name, value in spec.get(section, {}).items() if value is BAD}
        hidden[section] = {"*"} if lost else names
    for section in _LISTS:
        hidden[section] = {str(i) for i, value in enumerate(spec.get(section, ())) if value is BAD}
    return hidden


def _endpoints(
    drafts: dict[str, dict[str, Any]], networks: dict[str, Network], unsure: bool, root: Node, out: Findings
) -> dict[str, Endpoint]:
    """Endpoints from the values read; those that name no network are placed by their address.

    ``unsure``: some network could not be read, so an address may belong there.
    """
    nodes = _child(_child(root, "spec"), "endpoints")
    found: dict[str, Endpoint] = {}
    for name, values in drafts.items():
        node = _child(nodes, name) or root
        network = values.get("network") or _home(networks, values["ip"])
        if network is not None:
            where = Where(out.file, node.key_line, node.key_column)
            labels = tuple(sorted(values.get("labels", {}).items()))
            own = name, network, values["host"], values.get("mac", 0), values["ip"]
            found[name] = Endpoint(*own, labels, where, *_further(values))
        elif not unsure:
            place = _child(node, "ip") or node
            message = f"{scalars.ipv4_text(values['ip'])} is in no network of this tenant: {_listed(networks)}"
            out.say(place.line, place.column, ("spec", "endpoints", name, "ip"), message)
    return found


def _further(values: dict[str, Any]) -> tuple[tuple[int, ...], tuple[Prefix, ...]]:
    return tuple(values.get("ips", ())), tuple(sorted(values.get("routes", ())))


def _listed(networks: dict[str, Network]) -> str:
    shown = (f"{n.name} is {scalars.ipv4_text(n.subnet[0])}/{n.subnet[1]}" for n in networks.values())
    return ", ".join([*islice(shown, 5), *(["..."] if len(networks) > 5 else [])])


def _home(networks: dict[str, Network], ip: int) -> str | None:
    """The network whose subnet holds an address."""
    for network in networks.values():
        for base, bits in network.subnets:
            if (ip ^ base) >> (32 - bits) == 0:
                return network.name
    return None


def _mentions(hidden: Hidden, root: Node, file: str) -> Iterator[Mention]:
    """The names that unreadable objects mention."""
    for section, keys in _MENTIONS.items():
        lost = hidden[section]
        for i, (name, node) in enumerate(_members(_child(_child(root, "spec"), section))):
            written = node.value if name in lost and isinstance(node.value, dict) else {}
            place = (SPEC, section, i if section in _LISTS else name)
            for key in keys.keys() & written.keys():
                if key == "except" and isinstance(written[key].value, dict):
                    continue  # a selection, which names no groups
                for path, word in words(written[key], (*place, key)):
                    if NAME.fits(word):
                        at = find(root, path)
                        yield Mention(keys[key], word, Where(file, at.line, at.column), path)


def _members(node: Node | None) -> Iterator[tuple[str, Node]]:
    """The members of a section by name, or by position."""
    if node is None or isinstance(node.value, str):
        return iter(())
    return iter(node.value.items()) if isinstance(node.value, dict) else ((str(i), n) for i, n in enumerate(node.value))


def _child(node: Node | None, key: str) -> Node | None:
    return node.value.get(key) if node is not None and isinstance(node.value, dict) else None
