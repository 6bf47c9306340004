"""The kinds of intent documents, ``Tenant`` and ``Share``: their keys, and how values become the model.

Lives here: one table of keys per kind. Must not know: files, topologies, what makes an intent consistent.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Any, NamedTuple

from controller.intent import scalars
from controller.intent.model import (
    ALLOW,
    DENY,
    Endpoint,
    Group,
    Import,
    Network,
    Policy,
    Rate,
    Share,
    Tenant,
    Where,
)
from controller.intent.problem import Finding
from controller.intent.schema import (
    BAD,
    FLAG,
    Choice,
    Either,
    Key,
    ListOf,
    MapOf,
    Number,
    Record,
    Refused,
    Scalar,
    text,
)
from controller.intent.source import Chunk, Findings, Node, tree

API_VERSION = "clos/v1"

NAME = text(
    "a name",
    "[A-Za-z0-9][A-Za-z0-9_.-]{0,62}",
    "names are 1 to 63 letters, digits, dots, dashes and underscores, and start with a letter or digit",
)
LABEL = text(
    "a label value",
    r"[^\n]{1,128}",
    "label values are at most 128 characters on one line",
    types=("string", "number", "boolean"),
)
NOTE = text("a text", r"[^\x00]{1,4096}", "at most 4,096 characters")
IPV4 = Scalar("an IPv4 address", scalars.ipv4, r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}", "10.1.0.5")
SUBNET = Scalar("a subnet", scalars.cidr, r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}/[0-9]{1,2}", "10.1.0.0/24")
MAC = Scalar("a MAC address", scalars.mac, "[0-9A-Fa-f]{2}(?:[:-][0-9A-Fa-f]{2}){5}", "02:00:00:00:00:01")
SERVICE = Scalar(
    "a service",
    scalars.service,
    r"any|icmp|(?:tcp|udp|sctp)(?:/[0-9]{1,5}(?:-[0-9]{1,5})?)?|ip/[0-9]{1,3}",
    "tcp/443",
)
RATE_WORD = Scalar("a rate", scalars.rate, r"[0-9]+(?:\.[0-9]+)? ?(?:kbps|Mbps|Gbps|Tbps)", "500 Mbps")
BURST = Scalar("a burst", scalars.burst, r"[0-9]+(?:\.[0-9]+)? ?(?:kb|Mb|Gb)", "10 Mb")
ON_HOST = Scalar("an address on a host", scalars.address_on_host, r"[0-9.]+ on \S+", "10.1.0.5 on web1")
VLAN = Number("a VLAN id", 1, 4094)


def _rate(_name: str, values: dict[str, Any], _where: Where) -> Rate:
    return Rate(values["rate"].kbps, values.get("burst", 0))


RATE = Either(
    "a rate",
    (
        RATE_WORD,
        Record(
            "a rate with a burst",
            (
                Key("rate", RATE_WORD, "The limit.", required=True),
                Key("burst", BURST, "How much may pass at once above it.", default="the switch's own"),
            ),
            _rate,
        ),
    ),
)


def _network(name: str, values: dict[str, Any], where: Where) -> Network:
    base, _ = subnet = values["subnet"]
    return Network(
        name, subnet, values.get("gateway", base + 1), values.get("vlan"), values.get("broadcast", False), where
    )


NETWORK = Record(
    "a network",
    (
        Key("subnet", SUBNET, "The network's IPv4 addresses.", required=True),
        Key("gateway", IPV4, "The anycast gateway, present on every leaf.", default="first address of `subnet`"),
        Key("vlan", VLAN, "The VLAN id that trunk hosts use for this network.", default="none: access hosts only"),
        Key("broadcast", FLAG, "Deliver broadcast and multicast inside the network.", default="`false`: dropped"),
    ),
    _network,
)


ENDPOINT = Either(
    "an endpoint",
    (
        ON_HOST,
        Record(
            "an endpoint",
            (
                Key("host", NAME, "The host of the topology it lives on.", required=True),
                Key("ip", IPV4, "Its address; it can send from no other.", required=True),
                Key("network", NAME, "Its network.", default="the one whose subnet holds `ip`"),
                Key("mac", MAC, "Its MAC address; it can send from no other.", default="the host's"),
                Key("labels", MapOf(NAME, LABEL), "Words to select it by: `user`, `region`, `resource`, ..."),
            ),
        ),
    ),
)

ONE_OR_MORE_LABELS = Either("a label value or a list of them", (LABEL, ListOf(LABEL, least=1)))


def _group(name: str, values: dict[str, Any], where: Where) -> Group:
    if not any(values.values()):
        raise Refused("", "a group selects by at least one of endpoints, networks, labels")
    wanted = {key: value if type(value) is list else [value] for key, value in values.get("labels", {}).items()}
    labels = tuple((key, tuple(wanted[key])) for key in sorted(wanted))
    return Group(name, tuple(values.get("endpoints", ())), tuple(values.get("networks", ())), labels, where)


GROUP = Record(
    "a group",
    (
        Key("endpoints", ListOf(NAME, least=1), "Only these endpoints.", default="any"),
        Key("networks", ListOf(NAME, least=1), "Only endpoints of these networks.", default="any"),
        Key(
            "labels",
            MapOf(NAME, ONE_OR_MORE_LABELS, least=1),
            "Only endpoints with one of these values for each label.",
            default="any",
        ),
    ),
    _group,
)


def _policy(_name: str, values: dict[str, Any], where: Where) -> Policy:
    source, target = values["from"], values["to"]
    return Policy(
        values.get("name", f"{source}-to-{target}"),
        source,
        target,
        tuple(values["services"]),
        values.get("action", ALLOW),
        values.get("rateLimit"),
        where,
    )


SERVICES = ListOf(SERVICE, least=1)
POLICY = Record(
    "a policy",
    (
        Key("name", NAME, "What plans and traces call it.", default="`FROM-to-TO`"),
        Key("from", NAME, "The group that opens the conversation.", required=True),
        Key("to", NAME, "The group that answers.", required=True),
        Key("services", SERVICES, "What it may reach there.", required=True),
        Key("action", Choice({ALLOW: ALLOW, DENY: DENY}), "What happens to it.", default="`allow`"),
        Key("rateLimit", RATE, "A limit on what this policy allows, at each ingress leaf.", default="none"),
    ),
    _policy,
)


def _import(_name: str, values: dict[str, Any], where: Where) -> Import:
    return Import(values["tenant"], values["share"], tuple(values["groups"]), where)


IMPORT = Record(
    "an import",
    (
        Key("tenant", NAME, "The tenant that exports.", required=True),
        Key("share", NAME, "Its share.", required=True),
        Key("groups", ListOf(NAME, least=1), "The groups of this tenant that may use it.", required=True),
    ),
    _import,
)

TENANT_SPEC = Record(
    "a tenant's spec",
    (
        Key("networks", MapOf(NAME, NETWORK, least=1, partial=True), "Its networks, by name.", required=True),
        Key("endpoints", MapOf(NAME, ENDPOINT, partial=True), "Its endpoints, by name.", default="none"),
        Key("groups", MapOf(NAME, GROUP, partial=True), "Selections of endpoints, by name.", default="none"),
        Key(
            "policies",
            ListOf(POLICY, partial=True),
            "Who may reach whom; the first that matches decides.",
            default="none: nothing passes",
        ),
        Key("imports", ListOf(IMPORT, partial=True), "Shares of other tenants that it uses.", default="none"),
        Key("rateLimit", RATE, "A limit on all that this tenant sends, at each ingress leaf.", default="none"),
    ),
    partial=True,
)
TENANT_METADATA = Record(
    "metadata",
    (
        Key("name", NAME, "The tenant's name.", required=True),
        Key("description", NOTE, "For people.", default="none"),
    ),
)
SHARE_METADATA = Record(
    "metadata",
    (
        Key("name", NAME, "The share's name; unique within its tenant.", required=True),
        Key("tenant", NAME, "The tenant that exports it.", required=True),
        Key("description", NOTE, "For people.", default="none"),
    ),
)
SHARE_SPEC = Record(
    "a share's spec",
    (
        Key("group", NAME, "The group of the exporting tenant that serves it.", required=True),
        Key("services", SERVICES, "What may be reached there.", required=True),
        Key("to", ListOf(NAME, least=1), "The tenants that may import it.", required=True),
        Key("rateLimit", RATE, "A limit on what it allows, at each ingress leaf.", default="none"),
    ),
)


def document(kind: str, metadata: Record, spec: Record, doc: str) -> Record:
    """The shape of a whole document of one kind."""
    keys = (
        Key("apiVersion", Choice({API_VERSION: API_VERSION}), "The version of this notation.", required=True),
        Key("kind", Choice({kind: kind}), "What this document describes.", required=True),
        Key("metadata", metadata, "What it is called.", required=True),
        Key("spec", spec, "What is wanted.", required=True),
    )
    return Record(f"a {kind} document", keys, partial=True, doc=doc)


TENANT = document("Tenant", TENANT_METADATA, TENANT_SPEC, "One owner's networks, endpoints, groups and policies.")
SHARE = document("Share", SHARE_METADATA, SHARE_SPEC, "A service that a tenant opens to others that import it.")
KINDS = {"Tenant": TENANT, "Share": SHARE}


Hidden = frozenset[tuple[str, str]]
"""What is written but could not be read, as (section, name); the name ``*`` stands for the whole
section, and in a list the position is the name."""
SECTIONS = ("networks", "endpoints", "groups")


class Reading(NamedTuple):
    """What a document says, as far as it could be read.

    ``value``: None when not even its name is known; a tenant's endpoints without a MAC address of their own have 0.
    ``hidden``: so that nobody is told that these do not exist.
    """

    value: Tenant | Share | None
    findings: tuple[Finding, ...]
    hidden: Hidden = frozenset()


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
        return Reading(_share(values, where), tuple(out.found))
    value, hidden = _tenant(values, where, root, out)
    return Reading(value, tuple(out.found), hidden)


def kind_of(root: Node, kinds: Mapping[str, Record], out: Findings) -> str | None:
    """Which of ``kinds`` the document says it is; None, and a finding, when it does not say."""
    entries = root.value
    if not isinstance(entries, dict):
        out.say(root.line, root.column, (), "expected a document with apiVersion, kind, metadata and spec")
        return None
    if "kind" not in entries:
        out.say(root.line, root.column, (), f"the key kind is missing: write {' or '.join(kinds)}")
        return None
    kind: str = Choice({name: name for name in kinds}).read(entries["kind"], ("kind",), out)
    return None if kind is BAD else kind


def _share(values: dict[str, Any], where: Where) -> Share | None:
    metadata, spec = values.get("metadata"), values.get("spec")
    if metadata is None or spec is None:
        return None
    services, to = tuple(spec["services"]), tuple(spec["to"])
    return Share(metadata["tenant"], metadata["name"], spec["group"], services, to, spec.get("rateLimit"), where)


def _tenant(values: dict[str, Any], where: Where, root: Node, out: Findings) -> tuple[Tenant | None, Hidden]:
    if "metadata" not in values:
        return None, frozenset()
    spec = values.get("spec", {})
    hidden = _hidden(spec, _child(root, "spec"))
    networks: dict[str, Network] = _readable(spec.get("networks", {}))
    endpoints = _endpoints(_readable(spec.get("endpoints", {})), networks, hidden, root, out)
    hidden |= {("endpoints", name) for name in spec.get("endpoints", {}) if name not in endpoints}
    tenant = Tenant(
        values["metadata"]["name"],
        networks,
        endpoints,
        _readable(spec.get("groups", {})),
        tuple(policy for policy in spec.get("policies", ()) if policy is not BAD),
        tuple(wish for wish in spec.get("imports", ()) if wish is not BAD),
        spec.get("rateLimit"),
        where,
    )
    return tenant, frozenset(hidden)


def _readable(section: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in section.items() if value is not BAD}


def _hidden(spec: dict[str, Any], node: Node | None) -> set[tuple[str, str]]:
    written = node.value if node is not None and isinstance(node.value, dict) else SECTIONS
    hidden = {(section, "*") for section in SECTIONS if section in written and section not in spec}
    hidden |= {(s, name) for s in SECTIONS for name, value in spec.get(s, {}).items() if value is BAD}
    hidden |= {(s, str(i)) for s in ("policies", "imports") for i, value in enumerate(spec.get(s, ())) if value is BAD}
    return hidden if "networks" in spec else hidden | {("networks", "*")}


def _endpoints(
    drafts: dict[str, dict[str, Any]],
    networks: dict[str, Network],
    hidden: Set[tuple[str, str]],
    root: Node,
    out: Findings,
) -> dict[str, Endpoint]:
    """Endpoints from the values read; those that name no network are placed by their address."""
    nodes = _child(_child(root, "spec"), "endpoints")
    sure = not any(section == "networks" for section, _ in hidden)
    found: dict[str, Endpoint] = {}
    for name, values in drafts.items():
        node = _child(nodes, name) or root
        network = values.get("network") or _home(networks, values["ip"])
        if network is not None:
            where = Where(out.file, node.key_line, node.key_column)
            labels = tuple(sorted(values.get("labels", {}).items()))
            found[name] = Endpoint(name, network, values["host"], values.get("mac", 0), values["ip"], labels, where)
        elif sure:
            place = _child(node, "ip") or node
            message = f"{scalars.ipv4_text(values['ip'])} is in none of the networks {', '.join(networks)}"
            out.say(place.line, place.column, ("spec", "endpoints", name, "ip"), message)
    return found


def _home(networks: dict[str, Network], ip: int) -> str | None:
    """The network whose subnet holds an address."""
    for network in networks.values():
        base, bits = network.subnet
        if (ip ^ base) >> (32 - bits) == 0:
            return network.name
    return None


def _child(node: Node | None, key: str) -> Node | None:
    return node.value.get(key) if node is not None and isinstance(node.value, dict) else None
