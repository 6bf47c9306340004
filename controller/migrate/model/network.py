"""Devices and the network that they are. What a device was not asked, or did not say, is None; an empty tuple
means that it said there is none. Must not know: how any of it was read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from typing import NamedTuple

from clos.controller.migrate.model.eigrp import EigrpInterfaceState, EigrpNeighbor, EigrpProcess, EigrpTopologyEntry
from clos.controller.migrate.model.hsrp import HsrpState
from clos.controller.migrate.model.ports import (
    EtherChannel,
    Interface,
    InterfaceState,
    PortState,
    SwitchportState,
    TrunkState,
    VlanState,
)
from clos.controller.migrate.model.routing import AccessList, Route, StaticRoute
from clos.controller.migrate.model.sources import Contradiction, Unparsed
from clos.controller.migrate.model.spanning_tree import StpConfig, StpTree
from clos.controller.migrate.model.tables import (
    AddressState,
    HsrpVirtual,
    InventoryItem,
    ProtocolState,
    VpcState,
    VrfState,
)


class MacEntry(NamedTuple):
    """A row of the MAC address table; ``vlan`` None: of all VLANs. ``kind``: ``dynamic``, ``static``."""

    vlan: int | None
    mac: int
    kind: str
    ports: tuple[str, ...]


class ArpEntry(NamedTuple):
    """A row of the ARP table; ``mac`` None: incomplete. ``age_min`` None: the device's own address."""

    address: IPv4Address
    mac: int | None
    interface: str | None
    age_min: int | None = None
    vrf: str | None = None


class Neighbor(NamedTuple):
    """What CDP or LLDP heard at a port."""

    protocol: str
    """``cdp`` or ``lldp``."""
    interface: str
    device: str
    port: str
    platform: str = ""
    address: IPv4Address | None = None
    native_vlan: int | None = None
    capabilities: tuple[str, ...] = ()
    version: str = ""
    duplex: str | None = None
    vtp_domain: str | None = None


@dataclass(frozen=True, slots=True)
class State:
    """What a device's tables held; None: that table was not read."""

    trees: tuple[StpTree, ...] | None = None
    hsrp: tuple[HsrpState, ...] | None = None
    macs: tuple[MacEntry, ...] | None = None
    arp: tuple[ArpEntry, ...] | None = None
    routes: tuple[Route, ...] | None = None
    eigrp_neighbors: tuple[EigrpNeighbor, ...] | None = None
    eigrp_topology: tuple[EigrpTopologyEntry, ...] | None = None
    channels: tuple[EtherChannel, ...] | None = None
    neighbors: tuple[Neighbor, ...] | None = None
    vlans: Mapping[int, str] | None = None
    vlan_table: tuple[VlanState, ...] | None = None
    trunks: tuple[TrunkState, ...] | None = None
    switchports: tuple[SwitchportState, ...] | None = None
    ports: tuple[PortState, ...] | None = None
    interfaces: tuple[InterfaceState, ...] | None = None
    eigrp_interfaces: tuple[EigrpInterfaceState, ...] | None = None
    addresses: tuple[AddressState, ...] | None = None
    protocols: tuple[ProtocolState, ...] | None = None
    inventory: tuple[InventoryItem, ...] | None = None
    vrfs: tuple[VrfState, ...] | None = None
    vpc: VpcState | None = None
    hsrp_virtual: tuple[HsrpVirtual, ...] | None = None
    access_lists: tuple[AccessList, ...] | None = None
    """As the device shows them, with their sequence numbers; IPv6 and role-based ones by ``family`` too."""
    stp_mode: str | None = None
    stp_root_for: tuple[str, ...] | None = None
    """Trees that ``show spanning-tree summary`` names."""
    stp_counts: tuple[tuple[str, tuple[int, ...]], ...] | None = None
    """By tree: ports blocking, listening, learning, forwarding, and all of them."""
    facts: Mapping[str, str] = field(default_factory=dict)
    """Single words of ``show version`` and ``show vtp status``: ``version``, ``serial``, ``vtp_mode``, ..."""


@dataclass(frozen=True, slots=True)
class Device:
    """A switch or router: what its configuration says, and what its tables held."""

    name: str
    platform: str = "ios"
    """``ios``, ``iosxe`` or ``nxos``."""
    version: str | None = None
    serial: str | None = None
    interfaces: Mapping[str, Interface] = field(default_factory=dict)
    vlans: Mapping[int, str] = field(default_factory=dict)
    stp: StpConfig = field(default_factory=StpConfig)
    eigrp: tuple[EigrpProcess, ...] = ()
    static_routes: tuple[StaticRoute, ...] = ()
    access_lists: Mapping[str, AccessList] = field(default_factory=dict)
    prefix_lists: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    route_maps: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    object_groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    vrfs: tuple[str, ...] = ()
    vtp_mode: str | None = None
    tracks: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Tracked objects: the words of each."""
    hostname: str | None = None
    """What it calls itself, where its name here is another."""
    base_mac: int | None = None
    """The switch's own address, which is in its bridge identifiers, where ``show version`` says it."""
    state: State = field(default_factory=State)


class Cable(NamedTuple):
    """A link between two ports: (device, interface) twice, the lesser end first."""

    a: tuple[str, str]
    b: tuple[str, str]


class Inferred(NamedTuple):
    """A cable that no neighbor protocol and no description names, and what it is inferred from."""

    cable: Cable
    reason: str


@dataclass(frozen=True, slots=True)
class Network:
    """A legacy network as it was discovered. ``missing``: outputs that were not there, by device.

    ``inferred``: those of the cables that are inferred, each with its reason.
    """

    devices: Mapping[str, Device]
    cables: tuple[Cable, ...] = ()
    unparsed: tuple[Unparsed, ...] = ()
    contradictions: tuple[Contradiction, ...] = ()
    missing: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    inferred: tuple[Inferred, ...] = ()
