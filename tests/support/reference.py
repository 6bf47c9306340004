"""What intents mean, said without a compiler: the reference that compiled rules are held against.

``meaning`` looks at a packet as a person with the YAML in hand would: who may have sent it, whom it is for,
and which policy speaks of the two. It knows no tables, tags or groups, and shares no code with the compiler.
"""

from __future__ import annotations

from dataclasses import replace
from fnmatch import fnmatchcase
from typing import NamedTuple

from clos.controller.intent.model import (
    ALLOW,
    Endpoint,
    External,
    Group,
    Import,
    Intent,
    Network,
    Policy,
    Service,
    Share,
    Tenant,
)
from clos.fabric.packet.build import Packet
from clos.fabric.topology import PortRef, Topology

MULTICAST = 1 << 40


class Arrival(NamedTuple):
    """A frame as a host gets it."""

    host: str
    packet: Packet


class Sender(NamedTuple):
    """A frame's sender: its endpoint, and the frame without the tag a trunk host puts on.

    ``behind``: whose address a waypoint's frame bears, when it is not the waypoint's own.
    """

    tenant: Tenant
    endpoint: Endpoint
    network: Network
    frame: Packet
    headers: dict[str, int]
    behind: Endpoint | None = None


def meaning(intent: Intent, topology: Topology, at: PortRef, packet: Packet) -> tuple[Arrival, ...]:
    """Every frame that hosts must receive when ``packet`` comes in at the host port ``at``; sorted."""
    host = topology.host_at.get(at)
    sender = _sender(intent, topology, host, packet) if host else None
    if sender is None or host is None or to_controller(intent, topology, at, packet):
        return ()
    if sender.headers["eth_type"] == 0x0806:
        found = [_to(topology, sender.network, host, reply) for reply in _arp_replies(topology, sender)]
    elif sender.headers["eth_dst"] & MULTICAST:
        found = [] if sender.behind else _broadcast(topology, sender, host)
    elif sender.network.gateway is not None and sender.headers["eth_dst"] == sender.network.gateway_mac:
        found = _routed(intent, topology, sender, host)
    else:
        found = _bridged(intent, topology, sender)
    return tuple(sorted(found, key=lambda arrival: (arrival.host, arrival.packet.to_bytes())))


def to_controller(intent: Intent, topology: Topology, at: PortRef, packet: Packet) -> Packet | None:
    """What the controller gets of a frame that switches and routers of a legacy network send one another, or to it."""
    host = topology.hosts[topology.host_at[at]]
    seen = packet.headers()
    if host.mode != "legacy":
        return None
    if seen["eth_dst"] in (0x0180C2000000, 0x01000CCCCCCD):
        return packet
    behind = {
        tenant.networks[endpoint.network]
        for tenant in intent.tenants.values()
        for endpoint in tenant.endpoints.values()
        if endpoint.host == host.name
    }
    for network in behind:
        if seen["vlan_vid"] == (0x1000 | (network.vlan or 0)):
            frame = packet.pop_vlan()
            if frame.headers()["vlan_vid"] == 0 and _is_control(network, frame.headers()):
                return _to(topology, network, host.name, frame).packet
    return None


def _is_control(network: Network, frame: dict[str, int]) -> bool:
    ends = frame["eth_dst"], frame.get("ipv4_dst", frame.get("arp_tpa"))
    own = ends[0] == network.gateway_mac and ends[1] in _gateways(network)
    if frame["eth_type"] == 0x0806:
        return own and frame["arp_op"] == 2
    if frame.get("ip_proto") == 17:
        hsrp = ((0x01005E000002, 0xE0000002), (0x01005E000066, 0xE0000066))
        return ends in hsrp and frame.get("udp_dst") == 1985
    if frame.get("ip_proto") == 88:
        return own or ends == (0x01005E00000A, 0xE000000A)
    return own and frame.get("icmpv4_type") == 0


def _gateways(network: Network) -> list[int]:
    every = [network.gateway, *(each.gateway for each in network.secondary)]
    return [gateway for gateway in every if gateway is not None and network.gateway is not None]


def owner(intent: Intent, tenant: Tenant, ip: int) -> Endpoint | Network | External | None:
    """Whose prefix an address is in, the longest one: an endpoint's that has it behind it, a network's, a way's out of
    the fabric, or nobody's.

    The networks are the tenant's own and those of tenants that it shares with.
    """
    claims: list[tuple[int, int, Endpoint | Network | External]] = []
    for way in tenant.external.values():
        claims += [(length, base, way) for base, length in way.prefixes]
    for endpoint in tenant.endpoints.values():
        claims += [(length, base, endpoint) for base, length in endpoint.routes]
    friends = [tenant.name, *(x for s, _, i in intent.agreed for x in (s.tenant, i) if tenant.name in (s.tenant, i))]
    for name in friends:
        for network in intent.tenants[name].networks.values():
            held = [network.subnet, *(each.subnet for each in network.secondary)]
            claims += [(length, base, network) for base, length in held if network.gateway is not None]
    mine = [row for row in claims if ip >> (32 - row[0]) == row[1] >> (32 - row[0])]
    return max(mine, key=lambda row: row[0])[2] if mine else None


def outside(intent: Intent, tenant: Tenant, ip: int) -> Endpoint | None:
    """What an address outside is, if it is one that the tenant reaches: its router with another address and groups."""
    way = owner(intent, tenant, ip)
    if not isinstance(way, External):
        return None
    rows = []
    for group in tenant.groups.values():
        if not any(ip >> (32 - length) == base >> (32 - length) for base, length in group.cut):
            lengths = [length for base, length in group.cidr if ip >> (32 - length) == base >> (32 - length)]
            rows += [(max(lengths), group.name)] if lengths else []
    groups = tuple(sorted(name for length, name in rows if length == max(rows)[0]))
    return replace(tenant.endpoints[way.router], name=way.name, ip=ip, ips=(), routes=(), labels=(), outside=groups)


def _has(intent: Intent, tenant: Tenant, endpoint: Endpoint, ip: int | None) -> bool:
    """Whether an address is the endpoint's, or behind it."""
    if ip is None:
        return False
    if endpoint.outside is not None:
        there = outside(intent, tenant, ip)
        return there is not None and (there.name, there.outside) == (endpoint.name, endpoint.outside)
    if ip in (endpoint.ip, *endpoint.ips):
        return True
    return bool(endpoint.routes) and owner(intent, tenant, ip) is endpoint


def to_itself(intent: Intent, topology: Topology, at: PortRef, packet: Packet) -> bool:
    """Whether an endpoint addressed itself: no fabric's business, so ``meaning`` is not asked."""
    host = topology.host_at.get(at)
    sender = _sender(intent, topology, host, packet) if host else None
    if sender is None or sender.behind:
        return False
    if sender.headers["eth_dst"] == sender.endpoint.mac:
        return True
    return _has(intent, sender.tenant, sender.endpoint, sender.headers.get("ipv4_dst"))


def _sender(intent: Intent, topology: Topology, host: str, packet: Packet) -> Sender | None:
    """The endpoint of this host whose addresses the frame bears, if there is one."""
    trunk = topology.hosts[host].tagged
    for tenant in intent.tenants.values():
        for endpoint in tenant.endpoints.values():
            if endpoint.host != host:
                continue
            network = tenant.networks[endpoint.network]
            vid = packet.headers()["vlan_vid"]
            if vid != (0x1000 | (network.vlan or 0) if trunk else 0):
                continue
            frame = packet.pop_vlan() if trunk else packet
            headers = frame.headers()
            if headers["vlan_vid"] == 0 and _bears(intent, tenant, endpoint, headers):
                return Sender(tenant, endpoint, network, frame, headers)
            if headers["vlan_vid"] == 0 and headers["eth_src"] == endpoint.mac and headers["eth_type"] == 0x0800:
                world = outside(intent, tenant, headers.get("ipv4_src", -1)) if tenant.external else None
                if world is not None and tenant.external[world.name].router == endpoint.name:
                    return Sender(tenant, world, network, frame, headers)
                for other in _behind(tenant, endpoint):
                    if headers.get("ipv4_src") in (other.ip, *other.ips):
                        return Sender(tenant, endpoint, network, frame, headers, other)
    return None


def _behind(tenant: Tenant, waypoint: Endpoint) -> list[Endpoint]:
    """Everybody whose packets policies of the tenant send to this endpoint first."""
    groups = [name for p in tenant.policies if p.via == waypoint.name for name in (p.source, p.target)]
    return [e for e in tenant.endpoints.values() if any(holds(tenant, name, e) for name in groups)]


def holds(tenant: Tenant, name: str, endpoint: Endpoint) -> bool:
    """Whether an endpoint is in a group, by what is written: groups within it are looked up by name."""
    if "+" in name:
        return any(holds(tenant, each, endpoint) for each in name.split("+"))
    group = tenant.groups.get(name)
    if group is None:
        return name == "everyone" and endpoint.outside is None
    return _selects(tenant, group, endpoint)


def _selects(tenant: Tenant, group: Group, endpoint: Endpoint) -> bool:
    if group.cidr or endpoint.outside is not None:
        less = any(holds(tenant, each.name, endpoint) for each in group.without if each.name)
        own = group.name in (endpoint.outside or ())
        alone = not (group.endpoints or group.networks or group.labels or group.cidr)
        return not less and (own or (alone and any(holds(tenant, each.name, endpoint) for each in group.groups)))
    labels = dict(endpoint.labels)
    for key, wanted in group.labels:
        if key not in labels or not any(fnmatchcase(labels[key], each) for each in wanted):
            return False
    inner = [each.name for each in group.groups]
    return (
        endpoint.name in (group.endpoints or [endpoint.name])
        and endpoint.network in (group.networks or [endpoint.network])
        and (not inner or any(holds(tenant, each, endpoint) for each in inner))
        and not any(
            holds(tenant, each.name, endpoint) if each.name else _selects(tenant, each, endpoint)
            for each in group.without
        )
    )


def _bears(intent: Intent, tenant: Tenant, endpoint: Endpoint, headers: dict[str, int]) -> bool:
    if headers["eth_src"] != endpoint.mac:
        return False
    if headers.get("eth_type") == 0x0800:
        return _has(intent, tenant, endpoint, headers.get("ipv4_src"))
    own = headers.get("arp_sha") == endpoint.mac and headers.get("arp_spa") in (endpoint.ip, *endpoint.ips)
    return headers.get("eth_type") == 0x0806 and own


def _to(topology: Topology, network: Network, host: str, frame: Packet) -> Arrival:
    """The frame as this host gets it: tagged on trunks."""
    if topology.hosts[host].tagged:
        frame = frame.push_vlan(0x8100).set("vlan_vid", 0x1000 | (network.vlan or 0))
    return Arrival(host, frame)


def _arp_replies(topology: Topology, sender: Sender) -> list[Packet]:
    asked, headers = sender.headers.get("arp_tpa"), sender.headers
    near = (e for e in sender.tenant.endpoints.values() if e.network == sender.network.name)
    known = {ip: e.mac for e in near if not _beyond(topology, sender, e) for ip in (e.ip, *e.ips)}
    known |= dict.fromkeys(_gateways(sender.network), sender.network.gateway_mac)
    if headers.get("arp_op") != 1 or asked not in known or asked == headers["arp_spa"]:
        return []
    changes = {
        "eth_dst": headers["eth_src"], "eth_src": known[asked], "arp_op": 2, "arp_spa": asked,
        "arp_sha": known[asked], "arp_tha": headers["arp_sha"], "arp_tpa": headers["arp_spa"],
    }  # fmt: skip
    return [_changed(sender.frame, changes)]


def _beyond(topology: Topology, sender: Sender, other: Endpoint) -> bool:
    """Whether the two reach one another in the legacy network behind their port."""
    return other.host == sender.endpoint.host and topology.hosts[other.host].mode == "legacy"


def _changed(frame: Packet, changes: dict[str, int]) -> Packet:
    for field, value in changes.items():
        frame = frame.set(field, value)
    return frame


def _broadcast(topology: Topology, sender: Sender, host: str) -> list[Arrival]:
    """Every other host of the network, once, where the network asks for it."""
    if not sender.network.broadcast:
        return []
    hosts = {e.host for e in sender.tenant.endpoints.values() if e.network == sender.network.name}
    return [_to(topology, sender.network, other, sender.frame) for other in hosts - {host}]


def _bridged(intent: Intent, topology: Topology, sender: Sender) -> list[Arrival]:
    for target in sender.tenant.endpoints.values():
        near = target.network == sender.network.name and not _beyond(topology, sender, target)
        if target.name in [way.router for way in sender.tenant.external.values()]:
            near = near and sender.headers.get("ipv4_dst") in (target.ip, *target.ips)
        if near and target.mac == sender.headers["eth_dst"]:
            first = next_stop(intent, sender, sender.tenant, target)
            if first is not None:
                frame = sender.frame.set("eth_dst", first.mac)
                return [_to(topology, sender.tenant.networks[first.network], first.host, frame)]
    return []


def _routed(intent: Intent, topology: Topology, sender: Sender, host: str) -> list[Arrival]:
    asked = sender.headers["ipv4_dst"]
    if any(asked in _gateways(network) for network in sender.tenant.networks.values()):
        if sender.headers.get("icmpv4_type") != 8 or sender.behind:
            return []
        swap = {
            "eth_dst": sender.endpoint.mac, "eth_src": sender.network.gateway_mac,
            "ipv4_dst": sender.headers["ipv4_src"], "ipv4_src": asked, "icmpv4_type": 0,
        }  # fmt: skip
        return [_to(topology, sender.network, host, _changed(sender.frame, swap))]
    ttl = sender.frame.get("nw_ttl") or 0
    for tenant in intent.tenants.values():
        for target in tenant.endpoints.values():
            home = tenant.networks[target.network]
            if home.gateway is None:
                continue
            own = asked in (target.ip, *target.ips)
            behind = tenant is sender.tenant and bool(target.routes) and owner(intent, tenant, asked) is target
            first = next_stop(intent, sender, tenant, target) if (own or behind) and ttl > 1 else None
            if first is not None:
                rewrite = {"eth_src": home.gateway_mac, "eth_dst": first.mac, "nw_ttl": ttl - 1}
                frame = _changed(sender.frame, rewrite)
                return [_to(topology, tenant.networks[first.network], first.host, frame)]
    return _sent_out(intent, topology, sender, asked, ttl)


def _sent_out(intent: Intent, topology: Topology, sender: Sender, asked: int, ttl: int) -> list[Arrival]:
    world = outside(intent, sender.tenant, asked) if sender.tenant.external and ttl > 1 else None
    first = next_stop(intent, sender, sender.tenant, world) if world is not None else None
    if world is None or first is None:
        return []
    home = sender.tenant.networks[world.network]
    frame = _changed(sender.frame, {"eth_src": home.gateway_mac, "eth_dst": first.mac, "nw_ttl": ttl - 1})
    return [_to(topology, sender.tenant.networks[first.network], first.host, frame)]


def next_stop(intent: Intent, sender: Sender, other: Tenant, target: Endpoint) -> Endpoint | None:
    """Who gets the sender's packet for the target: the target, a waypoint before it, or (None) nobody.

    The first policy that speaks of it decides. What a waypoint passes on goes to the target if that very policy had
    sent it to this waypoint, and nowhere else.
    """
    if other.name != sender.tenant.name:
        if sender.behind:
            return None
        denied = any(_agreed(intent, each, sender, other, target, each[1].deny) for each in intent.agreed)
        asked = any(_agreed(intent, each, sender, other, target, each[0].services) for each in intent.agreed)
        return target if asked and not denied else None
    policy = _deciding(sender, target)
    if policy is None or policy.action != ALLOW:
        return None
    if sender.behind:
        return target if policy.via == sender.endpoint.name else None
    return other.endpoints[policy.via] if policy.via else target


def _deciding(sender: Sender, target: Endpoint) -> Policy | None:
    """The first policy that speaks of the packet: of its services, or of their replies."""
    own, source = sender.tenant, sender.behind or sender.endpoint
    for policy in own.policies:
        forward = holds(own, policy.source, source) and holds(own, policy.target, target)
        reply = holds(own, policy.source, target) and holds(own, policy.target, source)
        for service in policy.services:
            if (forward and _serves(service, sender.headers, "dst")) or (
                reply and _serves(service, sender.headers, "src")
            ):
                return policy
    return None


def _agreed(
    intent: Intent,
    agreed: tuple[Share, Import, str],
    sender: Sender,
    other: Tenant,
    target: Endpoint,
    services: tuple[Service, ...],
) -> bool:
    """Whether one agreement between two tenants speaks of the packet: these services of it, asked for or answered."""
    share, wish, importer = agreed
    exporter, using = intent.tenants[share.tenant], intent.tenants[importer]
    if (sender.tenant, other) == (using, exporter):
        asker, owner, side = sender.endpoint, target, "dst"
    elif (sender.tenant, other) == (exporter, using):
        asker, owner, side = target, sender.endpoint, "src"
    else:
        return False
    between = holds(exporter, share.group, owner) and any(holds(using, name, asker) for name in wish.groups)
    return between and any(_serves(service, sender.headers, side) for service in services)


def _serves(service: Service, headers: dict[str, int], side: str) -> bool:
    """Whether the packet is of the service, its port looked for on this side ("dst" asks, "src" answers)."""
    if service.proto is None:
        return True
    if headers.get("ip_proto") != service.proto:
        return False
    if service.first is None or service.last is None:
        return True
    name = {6: "tcp", 17: "udp", 132: "sctp"}[service.proto]
    port = headers.get(f"{name}_{side}")
    return port is not None and service.first <= port <= service.last
