"""The keys of a network, and what their values make.

Lives here: one table of keys. Must not know: endpoints, other networks.
"""

from __future__ import annotations

from typing import Any

from clos.controller.intent.model import ROUTER_MAC, Network, Secondary, Where
from clos.controller.intent.schema.notation import GATEWAY_WORD, IPV4, MAC, NO_GATEWAY, SUBNET, VLAN
from clos.controller.intent.schema.shapes import FLAG, Either, Key, ListOf, Record, Refused


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
