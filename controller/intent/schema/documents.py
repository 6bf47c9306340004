"""The kinds of intent documents, ``Tenant`` and ``Share``: their keys, and what each key's values make.

Lives here: one table of keys per kind. Must not know: files, topologies, what makes an intent consistent.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from clos.controller.intent.model import (
    ALLOW,
    DENY,
    JOINED,
    ROUTER_MAC,
    Import,
    Network,
    Policy,
    Rate,
    Secondary,
    Service,
    Where,
)
from clos.controller.intent.schema.group_keys import GROUP, ONE_OR_MORE_NAMES
from clos.controller.intent.schema.notation import (
    BURST,
    GATEWAY_WORD,
    IPV4,
    LABEL,
    MAC,
    NAME,
    NO_GATEWAY,
    NOTE,
    ON_HOST,
    PREFIX,
    RATE_WORD,
    SUBNET,
    TICKET,
    VLAN,
    document,
)
from clos.controller.intent.schema.service_keys import NAMED_SERVICES, SERVICES, Named
from clos.controller.intent.schema.shapes import FLAG, Choice, Either, Key, ListOf, MapOf, Record, Refused


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
    gateway = values.get("gateway", base + 1)
    address, mac = (gateway["ip"], gateway.get("mac", ROUTER_MAC)) if type(gateway) is dict else (gateway, ROUTER_MAC)
    address = None if address == NO_GATEWAY else address
    secondary = tuple(_secondary(each, address is not None) for each in values.get("secondary", ()))
    return Network(name, subnet, address, values.get("vlan"), values.get("broadcast", False), where, mac, secondary)


def _secondary(values: dict[str, Any], gated: bool) -> Secondary:
    if "gateway" in values and not gated:
        raise Refused("secondary", "the network has no gateway (gateway: none), so none in this subnet either")
    base, _ = values["subnet"]
    return Secondary(values["subnet"], values.get("gateway", base + 1) if gated else None)


GATEWAY = Either(
    "a gateway: an address, none, or a mapping with ip and mac",
    (
        GATEWAY_WORD,
        Record(
            "a gateway",
            (
                Key("ip", IPV4, "Its address.", required=True),
                Key("mac", MAC, "Its MAC address, such as that of a router it replaces.", default="the fabric's own"),
            ),
        ),
    ),
)


SECONDARY = Record(
    "a secondary subnet",
    (
        Key("subnet", SUBNET, "Its IPv4 addresses.", required=True),
        Key("gateway", IPV4, "The gateway's address there.", default="first address of `subnet`"),
    ),
)


NETWORK = Record(
    "a network",
    (
        Key("subnet", SUBNET, "The network's IPv4 addresses.", required=True),
        Key(
            "gateway",
            GATEWAY,
            "The anycast gateway, present on every leaf; `none`: an endpoint routes, the fabric does not.",
            default="first address of `subnet`",
        ),
        Key(
            "secondary",
            ListOf(SECONDARY, least=1, most=255),
            "Further subnets of the same segment; the gateway has an address in each.",
            default="none",
        ),
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
                Key("ips", ListOf(IPV4, least=1, most=256), "Further addresses of it.", default="none"),
                Key(
                    "routes",
                    ListOf(PREFIX, least=1, most=4_000),
                    "Prefixes behind it: it routes there, and sends from there.",
                    default="none",
                ),
                Key("labels", MapOf(NAME, LABEL), "Words to select it by: `user`, `region`, `resource`, ..."),
            ),
        ),
    ),
)


def _ends(written: str | list[str]) -> str:
    """The name of the group that stands for a group or a list of them."""
    return written if isinstance(written, str) else JOINED.join(sorted(set(written)))


def _policy(_name: str, values: dict[str, Any], where: Where) -> PolicyDraft:
    source, target = (_ends(values[key]) for key in ("from", "to"))
    policy = Policy(
        values.get("name", f"{source}-to-{target}"),
        source,
        target,
        (),
        values.get("action", ALLOW),
        values.get("rateLimit"),
        values.get("via"),
        where,
        values.get("description", ""),
        values.get("ticket", ""),
    )
    return PolicyDraft(policy, values["services"], values.get("enabled", True))


class PolicyDraft(NamedTuple):
    """A policy as it is written, whose services may be names."""

    policy: Policy
    services: list[Service | Named]
    enabled: bool


NOTES = (
    Key("description", NOTE, "For people.", default="none"),
    Key("ticket", TICKET, "The request behind it; shown wherever it is named.", default="none"),
)


ENABLED = Key("enabled", FLAG, "`false`: it is checked, and has no effect.", default="`true`")


POLICY = Record(
    "a policy",
    (
        Key("name", NAME, "What plans and traces call it.", default="`FROM-to-TO`"),
        Key("from", ONE_OR_MORE_NAMES, "The group that opens the conversation, or several.", required=True),
        Key("to", ONE_OR_MORE_NAMES, "The group that answers, or several.", required=True),
        Key("services", SERVICES, "What it may reach there.", required=True),
        Key("action", Choice({ALLOW: ALLOW, DENY: DENY}), "What happens to it.", default="`allow`"),
        Key("rateLimit", RATE, "A limit on what this policy allows, at each ingress leaf.", default="none"),
        Key(
            "via",
            NAME,
            "An endpoint that gets it first, and its replies: only what that sends on arrives.",
            default="none: straight",
        ),
        ENABLED,
        *NOTES,
    ),
    _policy,
)


def _import(_name: str, values: dict[str, Any], where: Where) -> Import:
    return Import(values["tenant"], values["share"], tuple(values["groups"]), where, values.get("enabled", True))


IMPORT = Record(
    "an import",
    (
        Key("tenant", NAME, "The tenant that exports.", required=True),
        Key("share", NAME, "Its share.", required=True),
        Key("groups", ListOf(NAME, least=1), "The groups of this tenant that may use it.", required=True),
        ENABLED,
    ),
    _import,
)

TENANT_SPEC = Record(
    "a tenant's spec",
    (
        Key("networks", MapOf(NAME, NETWORK, least=1, partial=True), "Its networks, by name.", required=True),
        Key("endpoints", MapOf(NAME, ENDPOINT, partial=True), "Its endpoints, by name.", default="none"),
        Key("services", NAMED_SERVICES, "Services by names of your own, for policies and shares.", default="none"),
        Key("groups", MapOf(NAME, GROUP, partial=True), "Selections of endpoints, by name.", default="none"),
        Key(
            "policies",
            ListOf(POLICY, partial=True),
            "Who may reach whom; the first that matches decides.",
            default="none: nothing passes",
        ),
        Key(
            "imports", ListOf(IMPORT, most=4_000, partial=True), "Shares of other tenants that it uses.", default="none"
        ),
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
    partial=True,
)
SHARE_METADATA = Record(
    "metadata",
    (
        Key("name", NAME, "The share's name; unique within its tenant.", required=True),
        Key("tenant", NAME, "The tenant that exports it.", required=True),
        Key("description", NOTE, "For people.", default="none"),
    ),
    partial=True,
)
SHARE_SPEC = Record(
    "a share's spec",
    (
        Key("group", NAME, "The group of the exporting tenant that serves it.", required=True),
        Key("services", SERVICES, "What may be reached there.", required=True),
        Key("to", ListOf(NAME, least=1, most=4_000), "The tenants that may import it.", required=True),
        Key("rateLimit", RATE, "A limit on what it allows, at each ingress leaf.", default="none"),
        ENABLED,
        *NOTES,
    ),
)


TENANT = document("Tenant", TENANT_METADATA, TENANT_SPEC, "One owner's networks, endpoints, groups and policies.")
SHARE = document("Share", SHARE_METADATA, SHARE_SPEC, "A service that a tenant opens to others that import it.")
KINDS = {"Tenant": TENANT, "Share": SHARE}
