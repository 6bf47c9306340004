"""Intents as YAML text, for programs that make them and for people who want to see one.

Lives here: how documents are written. ``load_intent`` of what is written gives back an equal intent.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from clos.controller.intent.model import (
    ALLOW,
    EVERYONE,
    JOINED,
    ROUTER_MAC,
    Endpoint,
    External,
    Group,
    Import,
    Intent,
    Network,
    Policy,
    Prefix,
    Rate,
    Secondary,
    Share,
    Tenant,
)
from clos.controller.intent.schema.notation import ALL, API_VERSION, NO_GATEWAY
from clos.controller.intent.schema.scalars import ipv4_text, mac_text


def write_intent(intent: Intent) -> str:
    """All documents of an intent: tenants first, then shares."""
    documents = [*map(write_tenant, intent.tenants.values()), *map(write_share, intent.shares.values())]
    return "---\n".join(documents)


def write_tenant(tenant: Tenant) -> str:
    lines = [f"apiVersion: {API_VERSION}", "kind: Tenant", f"metadata: {{name: {tenant.name}}}", "spec:"]
    if tenant.rate is not None:
        lines.append(f"  rateLimit: {_rate(tenant.rate)}")
    lines += _mapping("networks", map(_network, tenant.networks.values()))
    lines += _mapping("endpoints", map(_endpoint, tenant.endpoints.values()))
    lines += _mapping("external", map(_external, tenant.external.values()))
    lines += _mapping("groups", map(_group, filter(_is_written, tenant.groups.values())))
    lines += _mapping("policies", (f"- {_policy(policy)}" for policy in tenant.policies))
    lines += _mapping("imports", (f"- {_import(wish)}" for wish in tenant.imports))
    return "\n".join(lines) + "\n"


def write_share(share: Share) -> str:
    spec = [("group", share.group), ("services", _list(map(str, share.services))), ("to", _some(share.to) or ALL)]
    spec += [("except", _list(share.without))] if share.without else []
    spec += [("rateLimit", _rate(share.rate))] if share.rate is not None else []
    spec += [("enabled", "false")] if not share.enabled else []
    spec += [(key, word) for key, word in _notes(share) if word]
    head = [f"apiVersion: {API_VERSION}", "kind: Share", f"metadata: {{name: {share.name}, tenant: {share.tenant}}}"]
    return "\n".join([*head, "spec:", *(f"  {key}: {value}" for key, value in spec)]) + "\n"


def _mapping(name: str, rows: Iterable[str]) -> Iterator[str]:
    lines = [f"    {row}" for row in rows]
    return iter([f"  {name}:", *lines] if lines else [])


def _list(words: Iterable[str]) -> str:
    return f"[{', '.join(words)}]"


def _some(words: Iterable[str]) -> str:
    """A list; nothing where it is empty."""
    found = tuple(words)
    return _list(found) if found else ""


def _flow(*entries: tuple[str, str]) -> str:
    return f"{{{', '.join(f'{key}: {value}' for key, value in entries if value)}}}"


def _quoted(word: str) -> str:
    """A word of any characters, as a single-quoted YAML scalar."""
    return "'" + word.replace("'", "''") + "'"


def _rate(rate: Rate) -> str:
    return f"{rate.kbps} kbps" if not rate.burst else f"{{rate: {rate.kbps} kbps, burst: {rate.burst} kb}}"


def _network(network: Network) -> str:
    vlan = str(network.vlan) if network.vlan is not None else ""
    broadcast = "true" if network.broadcast else ""
    return f"{network.name}: " + _flow(
        ("subnet", _prefix(network.subnet)),
        ("gateway", _gateway(network)),
        ("secondary", _some(map(_secondary, network.secondary))),
        ("vlan", vlan),
        ("broadcast", broadcast),
    )


def _secondary(one: Secondary) -> str:
    usual = one.gateway is None or one.gateway == one.subnet[0] + 1
    return _flow(("subnet", _prefix(one.subnet)), ("gateway", "" if usual else ipv4_text(one.gateway or 0)))


def _prefix(prefix: Prefix) -> str:
    return f"{ipv4_text(prefix[0])}/{prefix[1]}"


def _gateway(network: Network) -> str:
    """The gateway's value; nothing where it is what it would be anyway."""
    if network.gateway is None:
        return NO_GATEWAY
    if network.gateway_mac != ROUTER_MAC:
        return _flow(("ip", ipv4_text(network.gateway)), ("mac", _quoted(mac_text(network.gateway_mac))))
    return ipv4_text(network.gateway) if network.gateway != network.subnet[0] + 1 else ""


def _endpoint(endpoint: Endpoint) -> str:
    labels = _flow(*((key, _quoted(value)) for key, value in endpoint.labels)) if endpoint.labels else ""
    return f"{endpoint.name}: " + _flow(
        ("host", endpoint.host),
        ("network", endpoint.network),
        ("ip", ipv4_text(endpoint.ip)),
        ("mac", _quoted(mac_text(endpoint.mac)) if endpoint.mac else ""),
        ("ips", _some(map(ipv4_text, endpoint.ips))),
        ("routes", _some(map(_prefix, endpoint.routes))),
        ("labels", labels),
    )


def _is_written(group: Group) -> bool:
    """Whether a tenant writes the group; it does not write those that stand for a list or for everybody."""
    return JOINED not in group.name and not (group.name in EVERYONE and group == Group(group.name))


def _group(group: Group) -> str:
    return f"{group.name}: {_flow(*_selectors(group))}"


def _selectors(group: Group) -> Iterator[tuple[str, str]]:
    yield "endpoints", _some(group.endpoints)
    yield "networks", _some(group.networks)
    yield "labels", _flow(*((key, _list(map(_quoted, values))) for key, values in group.labels)) if group.labels else ""
    yield "groups", _some(each.name for each in group.groups)
    for less in (each for each in group.without if not each.name):
        yield "except", _flow(*_selectors(less))
    yield "cidr", _some(map(_prefix, group.cidr))
    yield "except", _some([*(each.name for each in group.without if each.name), *map(_prefix, group.cut)])


def _ends(name: str) -> str:
    """A group, or the list that it stands for."""
    return _list(name.split(JOINED)) if JOINED in name else name


def _external(way: External) -> str:
    return f"{way.name}: " + _flow(("router", way.router), ("prefixes", _list(map(_prefix, way.prefixes))))


def _policy(policy: Policy) -> str:
    return _flow(
        ("name", policy.name if policy.name != f"{policy.source}-to-{policy.target}" else ""),
        ("from", _ends(policy.source)),
        ("to", _ends(policy.target)),
        ("services", _list(map(str, policy.services))),
        ("action", policy.action if policy.action != ALLOW else ""),
        ("rateLimit", _rate(policy.rate) if policy.rate is not None else ""),
        ("via", policy.via or ""),
        *_notes(policy),
    )


def _notes(one: Policy | Share) -> Iterator[tuple[str, str]]:
    for key, word in (("description", one.description), ("ticket", one.ticket)):
        yield key, json.dumps(word) if word else ""


def _import(wish: Import) -> str:
    return _flow(
        ("tenant", wish.tenant),
        ("share", wish.share),
        ("groups", _list(wish.groups)),
        ("deny", _some(map(str, wish.deny))),
        ("enabled", "" if wish.enabled else "false"),
    )
