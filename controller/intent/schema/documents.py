"""The kinds of intent documents, ``Tenant`` and ``Share``: their keys, and what each key's values make.

Lives here: one table of keys per kind. Must not know: files, topologies, what makes an intent consistent.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from clos.controller.intent.model import (
    ALLOW,
    DENY,
    JOINED,
    Import,
    Policy,
    Rate,
    Service,
    Where,
)
from clos.controller.intent.schema.external_keys import EXTERNAL
from clos.controller.intent.schema.group_keys import GROUP, ONE_OR_MORE_NAMES
from clos.controller.intent.schema.network_keys import NETWORK
from clos.controller.intent.schema.notation import (
    ALL,
    BURST,
    IPV4,
    LABEL,
    MAC,
    NAME,
    NOTE,
    ON_HOST,
    PREFIX,
    RATE_WORD,
    TICKET,
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


class ImportDraft(NamedTuple):
    """An import as it is written; the services that it denies may be names."""

    wish: Import
    deny: list[Service | Named]


def _import(_name: str, values: dict[str, Any], where: Where) -> ImportDraft:
    wish = Import(values["tenant"], values["share"], tuple(values["groups"]), where, values.get("enabled", True))
    return ImportDraft(wish, values.get("deny", []))


IMPORT = Record(
    "an import",
    (
        Key("tenant", NAME, "The tenant that exports.", required=True),
        Key("share", NAME, "Its share.", required=True),
        Key("groups", ListOf(NAME, least=1), "The groups of this tenant that may use it.", required=True),
        Key("deny", SERVICES, "Services that no share permits between these groups and its group.", default="none"),
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
        Key("external", EXTERNAL, "Its ways out of the fabric, by name.", default="none: it reaches nothing outside"),
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
TENANTS = Either("a list of tenants, or all", (Choice({ALL: ()}), ListOf(NAME, least=1, most=4_000)))


def _share_spec(_name: str, values: dict[str, Any], _where: Where) -> dict[str, Any]:
    if values["to"] and "except" in values:
        raise Refused("except", "only to: all has exceptions: leave them out of to instead")
    return values


SHARE_SPEC = Record(
    "a share's spec",
    (
        Key("group", NAME, "The group of the exporting tenant that serves it.", required=True),
        Key("services", SERVICES, "What may be reached there.", required=True),
        Key("to", TENANTS, "The tenants that may import it; `all`: whoever does.", required=True),
        Key("except", ListOf(NAME, least=1, most=4_000), "With `to: all`: tenants that may not.", default="none"),
        Key("rateLimit", RATE, "A limit on what it allows, at each ingress leaf.", default="none"),
        ENABLED,
        *NOTES,
    ),
    _share_spec,
)


TENANT = document("Tenant", TENANT_METADATA, TENANT_SPEC, "One owner's networks, endpoints, groups and policies.")
SHARE = document("Share", SHARE_METADATA, SHARE_SPEC, "A service that a tenant opens to others that import it.")
KINDS = {"Tenant": TENANT, "Share": SHARE}
