"""Ports of legacy devices: what configurations say of them, and what tables show.

Lives here: physical ports, port-channels, SVIs, trunks. Must not know: how any of it was read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Interface
from typing import NamedTuple

from clos.controller.migrate.model.eigrp import EigrpInterface
from clos.controller.migrate.model.hsrp import HsrpGroup
from clos.controller.migrate.model.spanning_tree import StpPortConfig

ACCESS, TRUNK, ROUTED, DYNAMIC = "access", "trunk", "routed", "dynamic"
"""Modes of a port; DYNAMIC: whatever DTP negotiates."""


EVERY_VLAN = frozenset(range(1, 4095))


@dataclass(frozen=True, slots=True)
class Interface:
    """A physical port, port-channel, SVI, subinterface or loopback: its configuration, and its state where known."""

    name: str
    description: str = ""
    shutdown: bool = False
    up: bool | None = None
    mac: int | None = None
    speed_mbps: int | None = None
    bandwidth_kbps: int | None = None
    delay_tens_us: int | None = None
    mtu: int | None = None
    mode: str | None = None
    access_vlan: int = 1
    voice_vlan: int | None = None
    native_vlan: int = 1
    allowed: frozenset[int] | None = None
    """VLANs allowed on the trunk; None: not a trunk."""
    channel: int | None = None
    channel_mode: str | None = None
    vrf: str | None = None
    addresses: tuple[IPv4Interface, ...] = ()
    """The primary address first, then the secondary ones."""
    acl_in: str | None = None
    acl_out: str | None = None
    helpers: tuple[IPv4Address, ...] = ()
    encapsulation_vlan: int | None = None
    stp: StpPortConfig = field(default_factory=StpPortConfig)
    hsrp: tuple[HsrpGroup, ...] = ()
    eigrp: Mapping[int, EigrpInterface] = field(default_factory=dict)


class EtherChannel(NamedTuple):
    """A port-channel as ``show etherchannel summary`` has it; members with their flags (``P``, ``s``, ``D``)."""

    number: int
    name: str
    flags: str
    protocol: str | None
    members: tuple[tuple[str, str], ...]


class TrunkState(NamedTuple):
    """A port of ``show interfaces trunk``. ``status``: ``trunking``, ``not-trunking``, ``other``, ``trnk-bndl``."""

    name: str
    mode: str
    encapsulation: str
    status: str
    native_vlan: int
    allowed: frozenset[int] = frozenset()
    active: frozenset[int] = frozenset()
    """Allowed, and known to this device."""
    forwarding: frozenset[int] = frozenset()
    """In spanning tree forwarding state, and not pruned."""


class SwitchportState(NamedTuple):
    """A port of ``show interfaces switchport``; words as IOS has them."""

    name: str
    enabled: bool
    admin_mode: str = ""
    oper_mode: str = ""
    bundle: str | None = None
    """The port-channel that it is a member of."""
    access_vlan: int | None = None
    native_vlan: int | None = None
    voice_vlan: int | None = None
    allowed: frozenset[int] | None = None
    fields: tuple[tuple[str, str], ...] = ()
    """All of its lines, name and value."""


class PortState(NamedTuple):
    """A row of ``show interfaces status``. ``vlan``: a VLAN, ``trunk``, ``routed``, ``unassigned``."""

    name: str
    description: str
    status: str
    vlan: str
    duplex: str
    speed: str
    kind: str = ""


class VlanState(NamedTuple):
    """A row of ``show vlan``; ``ports``: those whose access VLAN it is."""

    vlan: int
    name: str
    status: str
    ports: tuple[str, ...] = ()


class InterfaceState(NamedTuple):
    """An interface of ``show interfaces``: what it runs with, defaults filled in by the device."""

    name: str
    admin_down: bool
    up: bool
    mac: int | None = None
    mtu: int | None = None
    bandwidth_kbps: int | None = None
    delay_us: int | None = None
