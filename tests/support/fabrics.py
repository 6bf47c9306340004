"""Random fabrics, intents and packets for the laws."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import assume
from hypothesis import strategies as st

from clos.controller.intent.model import (
    Endpoint,
    Group,
    Import,
    Intent,
    Network,
    Policy,
    Rate,
    Secondary,
    Service,
    Share,
    Tenant,
)
from clos.fabric.packet import build
from clos.fabric.packet.build import Packet
from clos.fabric.topology import (
    ACCESS,
    LEAF,
    LEGACY,
    SPINE,
    TRUNK,
    Host,
    Link,
    Pair,
    PortRef,
    Switch,
    Topology,
)
from tests.support.outside import may_be_routers, opened, sound_outside, with_external
from tests.support.reference import to_itself

ROUTER = 0x02C105000001
BORDER = "border"
"""Begins the names of legacy hosts."""
OWN_ROUTERS = (0x00000C07AC0A, 0x00005E000101)
"""MAC addresses that a gateway may have instead: of HSRP's group 10, of VRRP's group 1."""
BROADCAST = (1 << 48) - 1
SERVICES = (
    Service(), Service(1), Service(6), Service(6, 80, 80), Service(6, 8000, 8005), Service(17, 53, 53),
    Service(17, 1, 65535), Service(6, 0, 1023), Service(47),
)  # fmt: skip
PORTS = (0, 53, 79, 80, 81, 1023, 1024, 7999, 8000, 8005, 8006, 65535)


@st.composite
def topologies(draw: st.DrawFn) -> Topology:
    """Small Clos fabrics, some leaves paired, hosts single- and dual-homed, access and trunk."""
    spines, leaves = draw(st.integers(1, 3)), draw(st.integers(1, 4))
    switches = {f"s{i}": Switch(f"s{i}", SPINE, 100 + i) for i in range(spines)}
    switches |= {f"l{i}": Switch(f"l{i}", LEAF, 1 + i, 1 + i) for i in range(leaves)}
    links = tuple(
        Link(PortRef(f"l{leaf}", spine + 1), PortRef(f"s{spine}", leaf + 1), draw(st.sampled_from([10_000, 40_000])))
        for leaf in range(leaves)
        for spine in range(spines)
    )
    pairs = {"p0": Pair("p0", ("l0", "l1"), 50)} if leaves > 1 and draw(st.booleans()) else {}
    next_port = dict.fromkeys(switches, 10)
    hosts = {}
    for i in range(draw(st.integers(2, 7))):
        where = ["l0", "l1"] if pairs and draw(st.booleans()) else [f"l{draw(st.integers(0, leaves - 1))}"]
        for leaf in where:
            next_port[leaf] += 1
        ports = tuple(PortRef(leaf, next_port[leaf]) for leaf in where)
        mode = draw(st.sampled_from([ACCESS, ACCESS, TRUNK] if len(where) > 1 else [ACCESS, ACCESS, TRUNK, LEGACY]))
        name = f"{BORDER if mode == LEGACY else 'h'}{i}"
        hosts[name] = Host(name, 0x020000000000 + i, ports, mode)
    return Topology("random", switches, links, hosts, pairs)


@st.composite
def intents(draw: st.DrawFn, topology: Topology) -> Intent:
    """One to three tenants on the topology; access hosts have one network, trunk hosts any."""
    if sum(host.mode != LEGACY for host in topology.hosts.values()) > 2 and draw(st.sampled_from([False, True, False])):
        return draw(with_external(draw(detoured(topology))))
    names = [f"t{i}" for i in range(draw(st.integers(1, 3)))]
    owners: dict[str, list[tuple[str, str]]] = {name: [] for name in names}
    networks = {name: [f"n{j}" for j in range(draw(st.integers(1, 2)))] for name in names}
    taken: set[tuple[str, str]] = set()
    for host in topology.hosts.values():
        every = [(name, net) for name in names for net in networks[name]]
        every = [one for one in every if host.mode != LEGACY or one not in taken]
        count = min(len(every), draw(st.sampled_from([1, 1, 1, 0] if host.mode == ACCESS else [2, 3, 1, 0])))
        chosen = st.lists(st.sampled_from(every or [("", "")]), min_size=count, max_size=count, unique=True)
        for name, net in draw(chosen):
            taken |= {(name, net)} if host.mode == LEGACY else set()
            crowd = draw(st.sampled_from([1, 2, 3] if host.mode == LEGACY else [1, 1, 1, 2]))
            owners[name] += [(host.name, net)] * crowd
    tenants = {name: draw(_tenants(name, i, networks[name], owners[name], topology)) for i, name in enumerate(names)}
    shared = draw(_sharing({name: draw(_with_waypoints(tenant, tenants)) for name, tenant in tenants.items()}))
    return draw(with_external(draw(_with_routes(shared))))


@st.composite
def detoured(draw: st.DrawFn, topology: Topology) -> Intent:
    """One tenant with an endpoint on every host, of which the first or the first two are waypoints of policies."""
    hosts = draw(st.permutations([host.name for host in topology.hosts.values() if host.mode != LEGACY]))
    assume(len(hosts) > 2)
    borders = [host.name for host in topology.hosts.values() if host.mode == LEGACY]
    homes = [(host, draw(st.sampled_from(["n0", "n1"]))) for host in hosts]
    homes += [(host, net) for host, net in zip(borders, ["n0", "n1"], strict=False) for _ in range(2)]
    drawn = draw(_tenants("t0", 0, ["n0", "n1"], homes, topology))
    passers = ["e0", "e1"][: draw(st.integers(1, len(hosts) - 2 or 1))]
    out = {name: replace(drawn.endpoints[name], labels=(("tier", "fw"),)) for name in passers}
    groups = {**drawn.groups, "first": Group("first", endpoints=(f"e{len(passers)}",))}
    policies = []
    for policy in drawn.policies:
        ends = [_narrow(draw, end) for end in (policy.source, policy.target)]
        via = draw(st.sampled_from([*passers, *passers, None])) if policy.action == "allow" else None
        policies.append(replace(policy, source=ends[0], target=ends[1], via=via))
    endpoints = {**drawn.endpoints, **out}
    return Intent({"t0": replace(drawn, endpoints=endpoints, groups=groups, policies=tuple(policies))})


@st.composite
def abroad(draw: st.DrawFn, topology: Topology) -> Intent:
    """One tenant with an endpoint on every host, and with ways out of the fabric."""
    homes = [
        (host.name, draw(st.sampled_from(["n0", "n1"]))) for host in topology.hosts.values() if host.mode != LEGACY
    ]
    tenant = draw(_tenants("t0", 0, ["n0", "n1"], homes, topology))
    assume(may_be_routers(tenant))
    return Intent({"t0": draw(opened(tenant, Intent({"t0": tenant})))})


PREFIXES = (
    *((0, 0), (10 << 24, 8), (10 << 24, 9), (0xAC100000, 12)),
    *((0xAC100500, 24), (0xAC100509, 32), (0xAC1005F0, 28)),
)


@st.composite
def _with_routes(draw: st.DrawFn, intent: Intent) -> Intent:
    """The intent, sometimes with endpoints that have prefixes behind them, where they may."""
    tenants = dict(intent.tenants)
    for name, tenant in intent.tenants.items():
        fit = may_have_routes(tenant, intent)
        if not fit or draw(st.integers(0, 2)):
            continue
        outside = [net.subnet for net in tenant.networks.values() if net.gateway is None]
        pool = draw(st.lists(st.sampled_from([*PREFIXES, *outside]), min_size=1, max_size=5, unique=True))
        chosen = draw(st.lists(st.sampled_from(fit), min_size=1, max_size=2, unique=True))
        endpoints = dict(tenant.endpoints)
        for i, one in enumerate(chosen):
            endpoints[one] = replace(endpoints[one], routes=tuple(sorted(pool[i :: len(chosen)])))
        tenants[name] = replace(tenant, endpoints=endpoints)
    return Intent(tenants, intent.shares)


def may_have_routes(tenant: Tenant, intent: Intent) -> list[str]:
    """The endpoints of a tenant that may have prefixes behind them."""
    if any(policy.via is not None for policy in tenant.policies):
        return []
    shared = {
        group
        for share, wish, importer in intent.agreed
        for owner, groups in ((share.tenant, (share.group,)), (importer, wish.groups))
        if owner == tenant.name
        for group in groups
    }
    return [
        endpoint.name
        for endpoint in tenant.endpoints.values()
        if tenant.networks[endpoint.network].gateway is not None
        and not any(tenant.groups[group].holds(endpoint) for group in shared)
    ]


def some_address(draw: st.DrawFn, endpoint: Endpoint) -> int:
    """An address of an endpoint, or behind it."""
    behind = [base | draw(st.integers(0, (1 << 32 - length) - 1)) for base, length in endpoint.routes]
    near = [base | 9 for base, length in endpoint.routes if length <= 28]
    return draw(st.sampled_from([endpoint.ip, *endpoint.addresses, *behind, *near]))


def alone(tenant: Tenant, tenants: dict[str, Tenant]) -> list[str]:
    """The tenant's endpoints that have their host for themselves."""
    hosts = [endpoint.host for each in tenants.values() for endpoint in each.endpoints.values()]
    own = [e for e in tenant.endpoints.values() if hosts.count(e.host) == 1 and not e.host.startswith(BORDER)]
    return [endpoint.name for endpoint in own]


def may_be_via(tenant: Tenant, policy: Policy, tenants: dict[str, Tenant]) -> list[str]:
    """The endpoints that a policy may send packets by."""
    ends = tenant.groups[policy.source], tenant.groups[policy.target]
    names = alone(tenant, tenants) if policy.action == "allow" else []
    return [name for name in names if not any(group.holds(tenant.endpoints[name]) for group in ends)]


def sound(intent: Intent) -> Intent:
    """The intent without waypoints that cannot be: what an edit leaves behind."""
    tenants = {
        name: replace(
            tenant,
            policies=tuple(
                p if p.via is None or p.via in may_be_via(tenant, p, intent.tenants) else replace(p, via=None)
                for p in tenant.policies
            ),
        )
        for name, tenant in intent.tenants.items()
        if any(p.via is not None for p in tenant.policies)
    }
    kept = Intent({**intent.tenants, **tenants}, intent.shares) if tenants else intent
    kept = _routed_soundly(kept) if kept.routed else kept
    return Intent({name: sound_outside(tenant, kept) for name, tenant in kept.tenants.items()}, kept.shares)


def _routed_soundly(intent: Intent) -> Intent:
    """The intent without routes that cannot be."""
    tenants = {}
    for name, tenant in intent.tenants.items():
        fit = may_have_routes(tenant, intent)
        known: set[tuple[int, int]] = set()
        endpoints = {}
        for endpoint in tenant.endpoints.values():
            kept = [p for p in endpoint.routes if endpoint.name in fit and p not in known and _outside(p, tenant)]
            known |= {*kept}
            endpoints[endpoint.name] = replace(endpoint, routes=tuple(kept)) if endpoint.routes else endpoint
        tenants[name] = replace(tenant, endpoints=endpoints)
    return Intent(tenants, intent.shares)


def _outside(prefix: tuple[int, int], tenant: Tenant) -> bool:
    """Whether a prefix is not within a subnet that the fabric routes."""
    held = [subnet for network in tenant.networks.values() if network.gateway is not None for subnet in network.subnets]
    return not any(s[1] <= prefix[1] and (prefix[0] ^ s[0]) >> (32 - s[1]) == 0 for s in held)


@st.composite
def _with_waypoints(draw: st.DrawFn, tenant: Tenant, tenants: dict[str, Tenant]) -> Tenant:
    """The tenant, sometimes with one or two endpoints that some of its policies send packets by."""
    fit = alone(tenant, tenants)
    if len(tenant.endpoints) < 3 or not fit or draw(st.integers(0, 2)) == 0:
        return tenant
    chosen = draw(st.lists(st.sampled_from(fit), min_size=1, max_size=2, unique=True))
    for name in chosen:
        out = replace(tenant.endpoints[name], labels=(("tier", "fw"),))
        tenant = replace(tenant, endpoints={**tenant.endpoints, name: out})
    policies = []
    for policy in tenant.policies:
        if draw(st.booleans()):
            policy = replace(policy, source=_narrow(draw, policy.source), target=_narrow(draw, policy.target))
        fit = [name for name in may_be_via(tenant, policy, tenants) if name in chosen]
        policies.append(replace(policy, via=draw(st.sampled_from([*fit, *fit, None]))))
    return replace(tenant, policies=tuple(policies))


def _narrow(draw: st.DrawFn, group: str) -> str:
    """A group that waypoints are not in, where it would be everybody."""
    return draw(st.sampled_from(["web", "db"])) if group not in ("web", "db", "first") else group


@st.composite
def _tenants(
    draw: st.DrawFn, name: str, index: int, networks: list[str], homes: list[tuple[str, str]], topology: Topology
) -> Tenant:
    base = (10 << 24) + (index << 16)
    nets = {
        net: gated(draw, Network(net, (base + (j << 8), 24), None, 10 * index + j + 1, draw(st.booleans())))
        for j, net in enumerate(networks)
    }
    endpoints = {}
    for i, (host, net) in enumerate(homes):
        subnet = nets[net].subnet[0]
        label = draw(st.sampled_from(["web", "db"]))
        mac = 0x020000000000 + (index << 16) + i
        held = draw(st.sampled_from(nets[net].subnets))[0]
        ips = draw(st.sampled_from([(), (), (), (subnet + 100 + i,), (subnet + 100 + i, subnet + 150 + i)]))
        endpoints[f"e{i}"] = Endpoint(f"e{i}", net, host, mac, held + 10 + i, (("tier", label),), ips=ips)
    groups = {g: Group(g, labels=(("tier", (g,)),)) for g in ("web", "db")}
    groups["all"] = Group("all", networks=tuple(networks))
    groups["first"] = Group("first", endpoints=("e0",))
    for group in draw(st.lists(st.sampled_from(_groups_of(groups)), max_size=2, unique=True)):
        groups |= {each.name: each for each in (*group.groups, *group.without, group) if each.name}
    policies = draw(st.lists(_policies(tuple(groups)), min_size=1, max_size=4))
    return Tenant(
        name, nets, endpoints, groups, tuple(replace(p, name=f"p{i}") for i, p in enumerate(policies)),
        rate=draw(st.sampled_from([None, Rate(1_000_000)])),
    )  # fmt: skip


def _groups_of(groups: dict[str, Group]) -> list[Group]:
    """Groups made of other groups, and by what is not in them."""
    web, db, first = groups["web"], groups["db"], groups["first"]
    both = Group("both", groups=(web, first))
    return [
        Group("everyone"),
        Group("db+first", groups=(db, first)),
        both,
        Group("rest", without=(both,)),
        Group("like", labels=(("tier", ("w*", "x")),), without=(Group("", endpoints=("e1",)),)),
        Group("mixed", networks=("n0",), groups=(Group("everyone"), both), without=(db,)),
    ]


def renamed(group: Group, *, endpoint: tuple[str, str] = ("", ""), network: tuple[str, str] = ("", "")) -> Group:
    """The group with an endpoint or a network called otherwise, in groups within it, too; each is (old, new)."""
    return replace(
        group,
        endpoints=tuple(endpoint[1] if name == endpoint[0] else name for name in group.endpoints),
        networks=tuple(network[1] if name == network[0] else name for name in group.networks),
        groups=tuple(renamed(each, endpoint=endpoint, network=network) for each in group.groups),
        without=tuple(renamed(each, endpoint=endpoint, network=network) for each in group.without),
    )


def gated(draw: st.DrawFn, network: Network) -> Network:
    """The network with a gateway, as most have; or with one that has a MAC address of its own, or with none."""
    own = draw(st.sampled_from([ROUTER, ROUTER, ROUTER, ROUTER, ROUTER, *OWN_ROUTERS, None]))
    second = network.subnet[0] + (128 << 8)
    secondary = draw(st.sampled_from([(), (), (), (Secondary((second, 25), None if own is None else second + 1),)]))
    if own is None:
        return replace(network, gateway=None, secondary=secondary)
    return replace(network, gateway=network.subnet[0] + 1, gateway_mac=own, secondary=secondary)


@st.composite
def _policies(draw: st.DrawFn, groups: tuple[str, ...]) -> Policy:
    services = draw(st.lists(st.sampled_from(SERVICES), min_size=1, max_size=2))
    action = draw(st.sampled_from(["allow", "allow", "deny"]))
    rate = draw(st.sampled_from([None, None, Rate(50_000)])) if action == "allow" else None
    return Policy("p", draw(st.sampled_from(groups)), draw(st.sampled_from(groups)), tuple(services), action, rate)


@st.composite
def _sharing(draw: st.DrawFn, tenants: dict[str, Tenant]) -> Intent:
    shares = {}
    for name in tenants:
        others = tuple(other for other in tenants if other != name)
        if others and draw(st.booleans()):
            to = tuple(draw(st.lists(st.sampled_from(others), min_size=1, unique=True)))
            to, without = draw(st.sampled_from([(to, ()), (to, ()), ((), to), ((), ())]))
            group, services = draw(st.sampled_from(["web", "all"])), (draw(st.sampled_from(SERVICES)),)
            rate = draw(st.sampled_from([None, Rate(9_000)]))
            shares[name, "s"] = Share(name, "s", group, services, to, rate, without=without)
    asked = {
        name: replace(
            tenant,
            imports=tuple(
                Import(
                    share.tenant,
                    share.name,
                    (draw(st.sampled_from(["web", "db", "all"])),),
                    enabled=draw(st.integers(0, 9)) < 9,
                    deny=draw(st.sampled_from([(), (), (draw(st.sampled_from(SERVICES)),)])),
                )
                for share in shares.values()
                if share.offers_to(name) and draw(st.integers(0, 3))
            ),
        )
        for name, tenant in tenants.items()
    }
    return Intent(asked, shares)


@st.composite
def packets(draw: st.DrawFn, topology: Topology, intent: Intent) -> tuple[PortRef, Packet]:
    """A packet at a host port: mostly what an endpoint might send, sometimes forged, misaddressed or mistagged."""
    every = [(t, e) for t in intent.tenants.values() for e in t.everyone.values()]
    ports = sorted(topology.host_at)
    if not every:
        return draw(st.sampled_from(ports)), build.arp_request(2, 1, 3)
    wanted = _wanted(intent)
    detours = _wanted(intent, detours=True)
    if wanted and draw(st.integers(0, 9)) < 7:
        abroad = [row for row in wanted if row[1].outside is not None or row[2].outside is not None]
        chosen = detours if detours and draw(st.booleans()) else wanted
        chosen = abroad if abroad and draw(st.booleans()) else chosen
        tenant, source, target, service, side = draw(st.sampled_from(chosen))
    else:
        tenant, source = draw(st.sampled_from(every))
        _, target = draw(st.sampled_from([pair for pair in every if pair[1] is not source] or every))
        service, side = draw(st.sampled_from(SERVICES)), 1
    passer = draw(st.sampled_from(_passers(tenant)))
    source, target = (replace(one, ip=some_address(draw, one)) for one in (source, target))
    if passer is not None:
        source = replace(passer, ip=source.ip)
    host = topology.hosts[source.host]
    at = draw(st.sampled_from(ports)) if draw(st.integers(0, 9)) == 0 else draw(st.sampled_from(host.ports))
    network = tenant.networks[source.network]
    vlan = network.vlan if host.tagged else None
    if draw(st.integers(0, 9)) == 0:
        vlan = draw(st.sampled_from([None, 1, 2, 11, 12, 50]))
    frame = draw(_frames(tenant, source, target, vlan, service, side))
    if draw(st.integers(0, 1 if host.mode == LEGACY else 19)) == 0:
        frame = draw(_control_frames(network, source, vlan))
    if draw(st.integers(0, 5)) == 0:
        frame = draw(_forged(frame, every))
    if draw(st.integers(0, 14)) == 0:
        frame = frame.push_vlan(draw(st.sampled_from([0x8100, 0x88A8]))).set(
            "vlan_vid", 0x1000 | draw(st.integers(1, 60))
        )
    assume(not to_itself(intent, topology, at, frame))
    return at, frame


def _passers(tenant: Tenant) -> list[Endpoint | None]:
    """Who may pass a packet of the tenant on: nobody, twice as often a waypoint where there is any."""
    names = dict.fromkeys(policy.via for policy in tenant.policies if policy.via is not None)
    return [None, *(tenant.endpoints[name] for name in names for _ in range(2))]


Wanted = tuple[Tenant, Endpoint, Endpoint, Service, int]


def _wanted(intent: Intent, detours: bool = False) -> list[Wanted]:
    """Conversations some policy or share speaks of: (tenant, sender, receiver, service, 1 = asks, 0 = answers).

    ``detours``: only those by a waypoint.
    """
    found: list[Wanted] = []
    for tenant in intent.tenants.values():
        for policy in tenant.policies:
            if detours and policy.via is None:
                continue
            found += _between(tenant, (policy.source,), tenant, (policy.target,), policy.services)
    for share, wish, importer in () if detours else intent.agreed:
        found += _between(
            intent.tenants[importer], wish.groups, intent.tenants[share.tenant], (share.group,), share.services
        )
    return found


def _between(
    asker: Tenant, asking: tuple[str, ...], owner: Tenant, asked: tuple[str, ...], services: tuple[Service, ...]
) -> list[Wanted]:
    sources = [e for e in asker.everyone.values() if any(asker.groups[g].holds(e) for g in asking)]
    targets = [e for e in owner.everyone.values() if any(owner.groups[g].holds(e) for g in asked)]
    pairs = [(a, b, service) for a in sources for b in targets if a is not b for service in services]
    return [(asker, a, b, service, 1) for a, b, service in pairs] + [(owner, b, a, s, 0) for a, b, s in pairs]


@st.composite
def _frames(
    draw: st.DrawFn, tenant: Tenant, source: Endpoint, target: Endpoint, vlan: int | None, service: Service, side: int
) -> Packet:
    gateways = [gateway for network in tenant.networks.values() for gateway in network.gateways]
    router = draw(st.sampled_from([tenant.networks[source.network].gateway_mac] * 5 + [ROUTER, *OWN_ROUTERS]))
    if draw(st.integers(0, 9)) == 0:
        return build.arp_request(source.mac, source.ip, draw(st.sampled_from([target.ip, source.ip, *gateways])), vlan)
    near = [target.mac] * 4 if source.network == target.network and target.outside is None else [router] * 4
    to = draw(st.sampled_from([*near, router, router, router, target.mac, BROADCAST, 0x01005E000001]))
    ip = draw(st.sampled_from([target.ip] * 7 + gateways))
    ends = {"eth_src": source.mac, "eth_dst": to, "ipv4_src": source.ip, "ipv4_dst": ip, "vlan": vlan}
    ttl = draw(st.sampled_from([64, 64, 64, 2, 1]))
    protos = [service.proto] * 4 if service.proto is not None else [6, 17, 1]
    proto = draw(st.sampled_from([*protos, 6, 17, 1, 47]))
    known = [service.first, service.last] * 3 if service.first is not None else []
    ports = [draw(st.sampled_from(PORTS)), draw(st.sampled_from(PORTS))]
    ports[side] = draw(st.sampled_from([*known, *PORTS]))
    if proto == 6:
        return build.tcp(**ends, tcp_src=ports[0], tcp_dst=ports[1], ttl=ttl)
    if proto == 17:
        return build.udp(**ends, udp_src=ports[0], udp_dst=ports[1], ttl=ttl)
    if proto == 1:
        return build.icmp_echo(**ends, reply=draw(st.booleans()), ttl=ttl)
    return build.ipv4(**ends, ip_proto=47, ttl=ttl, payload=bytes(8))


@st.composite
def _control_frames(draw: st.DrawFn, network: Network, source: Endpoint, vlan: int | None) -> Packet:
    """What switches and routers of a legacy network send; sometimes with one thing amiss."""
    gateway = draw(st.sampled_from(network.gateways or (network.subnet[0] + 1,)))
    sender = draw(st.sampled_from([source.mac, 0x00000C123456]))
    ends = {"eth_src": sender, "ipv4_src": draw(st.sampled_from([source.ip, source.ip + 90])), "vlan": vlan}
    group = draw(st.sampled_from([0x0180C2000000, 0x01000CCCCCCD, 0x0180C200000E, 0x01000CCCCCCC]))
    own = {"eth_dst": network.gateway_mac, "ipv4_dst": gateway}
    hsrp = draw(st.sampled_from([0xE0000002, 0xE0000066, 0xE0000005]))
    multicast = {"eth_dst": 0x01005E000000 | hsrp & 0xFFFF, "ipv4_dst": hsrp, "udp_src": 1985}
    eigrp = {"eth_dst": 0x01005E00000A, "ipv4_dst": 0xE000000A}
    return draw(
        st.sampled_from(
            [
                build.ethernet(eth_dst=group, eth_src=sender, eth_type=0x0027, payload=bytes(46), vlan=vlan),
                build.udp(**ends, **multicast, udp_dst=1985),
                build.udp(**ends, **multicast, udp_dst=1986),
                build.ipv4(**ends, **eigrp, ip_proto=88, payload=bytes(20)),
                build.ipv4(**ends, **eigrp, ip_proto=89, payload=bytes(20)),
                build.ipv4(**ends, **own, ip_proto=88, payload=bytes(20)),
                build.icmp_echo(**ends, **own, reply=True),
                build.arp_reply(sender, ends["ipv4_src"], network.gateway_mac, gateway, vlan),
            ]
        )
    )


@st.composite
def _forged(draw: st.DrawFn, frame: Packet, every: list[tuple[Tenant, Endpoint]]) -> Packet:
    """One address of the frame replaced by somebody else's."""
    _, other = draw(st.sampled_from(every))
    changes = {"eth_src": other.mac, "ipv4_src": other.ip, "arp_spa": other.ip, "arp_sha": other.mac, "arp_op": 2}
    field = draw(st.sampled_from([name for name in changes if name in frame.headers()]))
    return frame.set(field, changes[field])
