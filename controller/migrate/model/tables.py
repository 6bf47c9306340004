"""Rows of tables that complete the picture: addresses in brief, inventories, routing protocols, VRFs, HSRP's tables.

Must not know: how any of it was read.
"""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import NamedTuple


class AddressState(NamedTuple):
    """A row of ``show ip interface brief``. ``status``: ``up``, ``down``, ``administratively down``, ``deleted``."""

    interface: str
    address: IPv4Address | None
    method: str
    status: str
    up: bool
    """The line protocol's."""


class InventoryItem(NamedTuple):
    """An item of ``show inventory``: a chassis, module, supply or transceiver."""

    name: str
    description: str
    pid: str = ""
    vid: str = ""
    serial: str = ""


class ProtocolState(NamedTuple):
    """A section of ``show ip protocols``. ``name``: ``eigrp 100``, ``ospf 1``, ``bgp 65000``, ``application``."""

    name: str
    vrf: str | None = None
    router_id: IPv4Address | None = None
    k_values: tuple[int, ...] = ()
    networks: tuple[str, ...] = ()
    """As printed: a prefix, an address with its wildcard mask, an interface."""
    passive: tuple[str, ...] = ()
    redistributing: tuple[str, ...] = ()
    summaries: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    """Gateway, distance and age."""
    maximum_paths: int | None = None
    variance: int | None = None
    distance: tuple[int, ...] = ()
    """One for all routes, or internal and external ones as printed."""


class VpcChannel(NamedTuple):
    """A vPC, or the peer link, as ``show vpc`` has it. ``vlans``: as printed; ``consistent``: both peers agree."""

    number: int
    port: str
    status: str
    consistent: bool
    vlans: str


class VpcState(NamedTuple):
    """``show vpc`` of one of a pair, in its own words."""

    domain: int | None
    peer: str
    keepalive: str
    role: str
    consistency: str
    peer_link: VpcChannel | None
    channels: tuple[VpcChannel, ...] = ()


class VrfState(NamedTuple):
    """A row of ``show vrf``."""

    name: str
    protocols: tuple[str, ...] = ()
    interfaces: tuple[str, ...] = ()


class HsrpVirtual(NamedTuple):
    """A row of ``show standby internal``: a group's virtual address (v4 or v6, in text), or its virtual MAC address."""

    interface: str
    group: int
    address: str | None = None
    mac: int | None = None
