"""A legacy network as values: devices, ports, VLANs, spanning trees, HSRP, EIGRP, access lists, and what tables held.

Lives here: what discovery gives, and what predictions and plans start from. Must not know: how any of it was read,
parsers, sessions. Interfaces go by their full IOS names (``GigabitEthernet1/0/1``, ``Port-channel3``, ``Vlan10``);
MAC addresses are 48-bit integers, IPv4 addresses and networks are those of ``ipaddress``.

What a device was not asked, or did not say, is None; an empty tuple means that it said there is none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from typing import NamedTuple

ACCESS, TRUNK, ROUTED, DYNAMIC = "access", "trunk", "routed", "dynamic"
"""Modes of a port; DYNAMIC: whatever DTP negotiates."""

PVST, RAPID_PVST, MST, IEEE = "pvst", "rapid-pvst", "mst", "ieee"
"""Spanning-tree modes; IEEE: one plain 802.1D tree."""

ROOT, DESIGNATED, ALTERNATE, BACKUP, MASTER, DISABLED = (
    "root",
    "designated",
    "alternate",
    "backup",
    "master",
    "disabled",
)
"""Roles of a port in a spanning tree (IEEE 802.1D-2004 §17.7); MASTER: an MST boundary's."""

FORWARDING, LEARNING, LISTENING, BLOCKING, BROKEN = "forwarding", "learning", "listening", "blocking", "broken"
"""States of a port in a spanning tree; BROKEN: held by a guard (IOS prints ``BKN*``)."""

EVERY_VLAN = frozenset(range(1, 4095))


class Source(NamedTuple):
    """Where a value was read: device, command (or file) and line, counted from 1; 0: the whole output."""

    device: str
    command: str
    line: int = 0

    def __str__(self) -> str:
        return f"{self.device}: {self.command}" + (f": line {self.line}" if self.line else "")


@dataclass(frozen=True, slots=True)
class StpPortConfig:
    """What a port's configuration says of spanning trees; by VLAN where IOS has it by VLAN (key 0: all VLANs)."""

    costs: Mapping[int, int] = field(default_factory=dict)
    priorities: Mapping[int, int] = field(default_factory=dict)
    portfast: str | None = None
    """``edge``, ``trunk``, ``network``, ``disable``; None: as the device's default says."""
    bpdu_guard: bool | None = None
    bpdu_filter: bool | None = None
    guard: str | None = None
    """``root``, ``loop``, ``none``; None: as the device's default says."""
    link_type: str | None = None


@dataclass(frozen=True, slots=True)
class HsrpGroup:
    """One HSRP group of an interface, as configured (RFC 2281; version 2: Cisco)."""

    interface: str
    group: int
    version: int = 1
    address: IPv4Address | None = None
    secondaries: tuple[IPv4Address, ...] = ()
    priority: int = 100
    preempt: bool = False
    preempt_delay: int = 0
    hello_ms: int = 3000
    hold_ms: int = 10000
    authentication: str | None = None
    """``text KEY`` or ``md5 ...``; secrets replaced by ``<removed>``."""
    tracks: tuple[tuple[str, int], ...] = ()
    """Tracked objects or interfaces, each with the decrement of the priority."""
    name: str | None = None
    virtual_mac: int | None = None
    """Configured (``standby mac-address``); None: the one that the group number gives."""
    use_bia: bool = False
    """The port's own MAC address serves as the virtual one."""


@dataclass(frozen=True, slots=True)
class HsrpState:
    """One HSRP group as ``show standby`` has it."""

    interface: str
    group: int
    state: str
    """``Active``, ``Standby``, ``Listen``, ``Speak``, ``Learn``, ``Init``."""
    address: IPv4Address | None
    active: str | None
    """``local``, an address in text, or None where unknown."""
    standby: str | None
    priority: int | None = None
    virtual_mac: int | None = None
    version: int | None = None
    preempt: bool | None = None
    secondaries: tuple[IPv4Address, ...] = ()
    hello_ms: int | None = None
    hold_ms: int | None = None


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


@dataclass(frozen=True, slots=True)
class EigrpInterface:
    """What an interface's configuration says of an EIGRP process (by its number), in classic or named mode."""

    hello_s: int | None = None
    hold_s: int | None = None
    passive: bool | None = None
    split_horizon: bool = True
    bandwidth_percent: int | None = None
    summaries: tuple[IPv4Network, ...] = ()
    authentication: str | None = None


@dataclass(frozen=True, slots=True)
class Redistribution:
    """``redistribute SOURCE [metric ...] [route-map ...]`` of an EIGRP process."""

    source: str
    """``connected``, ``static``, ``ospf 1``, ``bgp 65000``, ``eigrp 20``, ``rip``."""
    metric: tuple[int, int, int, int, int] | None = None
    """bandwidth kbit/s, delay tens of us, reliability, load, MTU."""
    route_map: str | None = None


@dataclass(frozen=True, slots=True)
class EigrpProcess:
    """One EIGRP autonomous system of a device and VRF, classic (``router eigrp AS``) or named mode."""

    asn: int
    vrf: str | None = None
    name: str | None = None
    """The name in named mode; None: classic."""
    router_id: IPv4Address | None = None
    networks: tuple[IPv4Network, ...] = ()
    passive_default: bool = False
    passive: frozenset[str] = frozenset()
    active: frozenset[str] = frozenset()
    """Interfaces that ``no passive-interface`` names."""
    k_values: tuple[int, ...] = (1, 0, 1, 0, 0)
    wide_metrics: bool = False
    rib_scale: int = 128
    auto_summary: bool = False
    stub: frozenset[str] | None = None
    """``connected``, ``summary``, ``static``, ``redistributed``, ``receive-only``; None: no stub."""
    variance: int = 1
    maximum_paths: int = 4
    distance: tuple[int, int] = (90, 170)
    default_metric: tuple[int, int, int, int, int] | None = None
    redistribute: tuple[Redistribution, ...] = ()
    distribute_lists: tuple[tuple[str, str, str | None], ...] = ()
    """(list, ``in`` or ``out``, interface)."""
    neighbors: tuple[tuple[IPv4Address, str], ...] = ()


class EigrpNeighbor(NamedTuple):
    """A row of ``show ip eigrp neighbors``; ``asn`` 0 where old layouts have no heading that names it."""

    asn: int
    vrf: str | None
    address: IPv4Address
    interface: str
    hold_s: int | None = None
    uptime: str | None = None
    name: str | None = None
    """Of the process, in named mode."""
    srtt_ms: int | None = None
    rto_ms: int | None = None
    queue: int | None = None
    sequence: int | None = None


class EigrpPath(NamedTuple):
    """One way to a prefix in ``show ip eigrp topology``; ``via`` None: connected, summary or redistributed."""

    via: IPv4Address | None
    interface: str | None
    distance: int
    reported: int


class EigrpTopologyEntry(NamedTuple):
    """A prefix of ``show ip eigrp topology``. ``state``: ``P`` passive, ``A`` active."""

    asn: int
    vrf: str | None
    prefix: IPv4Network
    state: str
    successors: int
    feasible_distance: int
    paths: tuple[EigrpPath, ...]


class Route(NamedTuple):
    """A route of ``show ip route``; ``code`` as IOS prints it (``C``, ``L``, ``S*``, ``D``, ``D EX``)."""

    code: str
    prefix: IPv4Network
    via: IPv4Address | None
    interface: str | None
    distance: int | None = None
    metric: int | None = None
    vrf: str | None = None


class StaticRoute(NamedTuple):
    """``ip route`` of a configuration."""

    prefix: IPv4Network
    via: IPv4Address | None
    interface: str | None
    distance: int = 1
    vrf: str | None = None
    name: str | None = None
    tag: int | None = None
    track: str | None = None
    """The object that it depends on."""


class AclLine(NamedTuple):
    """A line of an access list, in words; what it means for packets is worked out by ``controller.migrate.acl``."""

    sequence: int
    text: str
    source: Source | None = None


@dataclass(frozen=True, slots=True)
class AccessList:
    """A standard or extended IPv4 access list, numbered or named."""

    name: str
    extended: bool
    lines: tuple[AclLine, ...]
    family: str = "ipv4"
    """``ipv4``; only in a device's tables also ``ipv6`` and ``role-based``."""


class StpPort(NamedTuple):
    """A port of one tree as ``show spanning-tree`` has it. ``inconsistent``: the guard's words, ``Root_Inc``."""

    name: str
    role: str
    state: str
    cost: int
    priority: int
    number: int
    link_type: str = ""
    edge: bool = False
    inconsistent: str | None = None


@dataclass(frozen=True, slots=True)
class StpTree:
    """One tree as a device sees it: of a VLAN (PVST+), or of an MST instance."""

    vlan: int
    """The VLAN; with MST the instance."""
    protocol: str
    """``ieee`` (PVST+), ``rstp`` (rapid PVST+), ``mstp``."""
    root_priority: int
    """With the VLAN in it (system id extension), as IOS prints it."""
    root_mac: int
    bridge_priority: int
    bridge_mac: int
    root_cost: int = 0
    root_port: str | None = None
    """None: this bridge is the root."""
    ports: tuple[StpPort, ...] = ()

    @property
    def is_root(self) -> bool:
        return (self.root_priority, self.root_mac) == (self.bridge_priority, self.bridge_mac)


@dataclass(frozen=True, slots=True)
class StpConfig:
    """What a configuration says of spanning trees beyond single ports."""

    mode: str = PVST
    long_costs: bool = False
    priorities: Mapping[int, int] = field(default_factory=dict)
    """By VLAN (MST: instance), without the system id extension; what is not named has 32768."""
    portfast_default: bool = False
    bpdu_guard_default: bool = False
    bpdu_filter_default: bool = False
    loop_guard_default: bool = False
    disabled: frozenset[int] = frozenset()
    """VLANs without a tree (``no spanning-tree vlan``)."""
    mst_instances: Mapping[int, frozenset[int]] = field(default_factory=dict)
    mst_name: str = ""
    mst_revision: int = 0


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


class EigrpInterfaceState(NamedTuple):
    """A row of ``show ip eigrp interfaces``; the timers only with ``detail``."""

    asn: int
    vrf: str | None
    interface: str
    peers: int
    srtt_ms: int = 0
    multicast_flow_timer: int = 0
    pending_routes: int = 0
    hello_s: int | None = None
    hold_s: int | None = None
    split_horizon: bool | None = None


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


class Unparsed(NamedTuple):
    """A line that no reader took: never dropped, always named."""

    source: Source
    text: str


class Contradiction(NamedTuple):
    """Two sources that cannot both be right, or a setting at one end only."""

    kind: str
    """``cdp-lldp``, ``mac-arp``, ``config-state``, ``trunk-one-end``, ``hsrp-no-standby``, ``duplicate-address``,
    ``native-vlan``, ``eigrp-asymmetric``."""
    text: str
    sources: tuple[Source, ...] = ()


@dataclass(frozen=True, slots=True)
class Network:
    """A legacy network as it was discovered. ``missing``: outputs that were not there, by device."""

    devices: Mapping[str, Device]
    cables: tuple[Cable, ...] = ()
    unparsed: tuple[Unparsed, ...] = ()
    contradictions: tuple[Contradiction, ...] = ()
    missing: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
