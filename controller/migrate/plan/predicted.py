"""What the legacy network will be after a step: trees, gateways, routes; from its configurations alone.

Lives here: predictions of ``controller.migrate.predict`` for configurations after lines, with the fabric as one more
EIGRP router. Must not know: how steps are made.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from ipaddress import IPv4Network

from clos.controller.intent.schema.scalars import mac_text
from clos.controller.migrate.discover.config.device import read_config
from clos.controller.migrate.model import (
    BLOCKING,
    BROKEN,
    ROUTED,
    Device,
    EigrpProcess,
    Interface,
    Network,
    Redistribution,
    StaticRoute,
)
from clos.controller.migrate.plan.fabric_state import gateway_mac
from clos.controller.migrate.plan.ground import Ground, interface_of
from clos.controller.migrate.plan.model import GatewayOwner, Prediction, RouteTo
from clos.controller.migrate.predict.eigrp import predict_eigrp
from clos.controller.migrate.predict.gateway import Gateway, predict_gateways
from clos.controller.migrate.predict.spanning_tree import predict

FABRIC = "fabric"
Routes = Mapping[tuple[str, IPv4Network], tuple[str, ...]]


def configured(network: Network, configs: Mapping[str, str], changed: Iterable[str]) -> Network:
    """The network with the changed devices as these configurations say; what tables held stays as it was seen."""
    devices = dict(network.devices)
    for name in changed:
        device = read_config(name, configs[name])[0]
        old = devices[name]
        kept = {field: getattr(old, field) for field in ("platform", "version", "serial", "base_mac", "state")}
        interfaces = {port: _with_state(value, old.interfaces.get(port)) for port, value in device.interfaces.items()}
        devices[name] = replace(device, interfaces=interfaces, **kept)
    return replace(network, devices=devices)


def _with_state(port: Interface, old: Interface | None) -> Interface:
    """The port as configured, with what was seen of it; one that was down and is open now may be up."""
    if old is None:
        return port
    up = False if port.shutdown and not old.shutdown else None if old.shutdown and not port.shutdown else old.up
    seen = {name: getattr(old, name) for name in ("mac", "speed_mbps", "mtu") if getattr(port, name) is None}
    return replace(port, up=up, **seen)


class Predictor:
    """Predictions of one network after another; EIGRP is worked out again only where something of it changed."""

    def __init__(self, ground: Ground) -> None:
        self.ground = ground
        self._asked: object = None
        self._routes: Routes = {}
        self._problems: tuple[str, ...] = ()

    def predict(self, network: Network, routed: frozenset[int], coexists: bool) -> tuple[Prediction, Routes]:
        """The prediction, without routes, and all routes."""
        roots, blocked, unknown = _trees(network)
        self._eigrp(_with_fabric(self.ground, network, routed) if coexists else network)
        owners = tuple(_owners(self.ground, predict_gateways(network), routed))
        said = tuple(dict.fromkeys((*unknown, *self._problems)))
        return Prediction(roots, blocked, owners, (), said), self._routes

    def _eigrp(self, network: Network) -> None:
        asked = [
            (
                device.name, device.eigrp, device.static_routes, device.route_maps, device.prefix_lists,
                device.access_lists, [port for port in device.interfaces.values() if port.addresses],
            )
            for device in network.devices.values()
            if device.eigrp
        ]  # fmt: skip
        if asked == self._asked:
            return
        eigrp = predict_eigrp(network)
        routes: dict[tuple[str, IPv4Network], tuple[str, ...]] = {}
        for route in eigrp.routes:
            if route.device != FABRIC:
                by = tuple(sorted(f"{via} {interface}" for via, interface, _ in route.paths if via is not None))
                routes[route.device, route.prefix] = by or ("connected",)
        self._asked, self._routes, self._problems = asked, routes, eigrp.problems


Ports = dict[int, tuple[str, ...]]


def _trees(network: Network) -> tuple[Ports, Ports, list[str]]:
    """Roots and blocked ports by VLAN; where nothing can be predicted, those that were seen: no step moves a cable."""
    roots: Ports = {}
    blocked: Ports = {}
    unknown: list[str] = []
    for tree in predict(network).values():
        if not tree.unknown:
            roots[tree.vlan] = tree.roots
            blocked[tree.vlan] = tuple(f"{d} {p}" for d, p in sorted(tree.blocked))
            continue
        seen = _seen(network, tree.vlan)
        if seen is not None:
            roots[tree.vlan], blocked[tree.vlan] = seen
        what = "roots and blocked ports are those that were seen" if seen else "nothing is said of its tree"
        unknown += (f"VLAN {tree.vlan}: {why}; {what}" for why in tree.unknown)
    return roots, blocked, unknown


def _seen(network: Network, vlan: int) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
    """The roots and blocked ports that devices showed; None: none showed the VLAN's tree."""
    trees = [(d.name, t) for d in network.devices.values() for t in d.state.trees or () if t.vlan == vlan]
    roots = tuple(name for name, tree in trees if tree.is_root)
    ports = (f"{name} {p.name}" for name, t in trees for p in t.ports if p.state in (BLOCKING, BROKEN))
    return (roots, tuple(sorted(ports))) if roots else None


def changed_routes(before: Routes, now: Routes) -> tuple[RouteTo, ...]:
    """Routes that differ; ``by`` empty: there is none any more."""
    keys = sorted(before.keys() | now.keys())
    return tuple(RouteTo(d, p, now.get((d, p), ())) for d, p in keys if before.get((d, p)) != now.get((d, p)))


def _owners(ground: Ground, gateways: Iterable[Gateway], routed: frozenset[int]) -> Iterable[GatewayOwner]:
    by_subnet = {gateway.subnet: gateway for gateway in gateways}
    for vlan in ground.movable:
        gateway = by_subnet.get(vlan.subnets[0])
        legacy = [m.device for m in (gateway.active, gateway.standby, *gateway.others) if m] if gateway else []
        owners = ((FABRIC,) if vlan.number in routed else ()) + tuple(legacy)
        yield GatewayOwner(vlan.number, vlan.gateways[0], owners, mac_text(gateway_mac(vlan)))


def _with_fabric(ground: Ground, network: Network, routed: frozenset[int]) -> Network:
    """The network with our EIGRP router at the transit VLAN, which redistributes what the fabric routes."""
    transit = ground.transit
    assert transit is not None
    far = network.devices[ground.border.device].interfaces.get(f"Vlan{transit.vlan}")
    settings = dict(far.eigrp) if far else {}
    port = Interface(
        "Vlan0",
        mode=ROUTED,
        addresses=(interface_of(transit.ours, transit.subnet),),
        bandwidth_kbps=1_000_000,
        delay_tens_us=1,
        eigrp=settings,
    )
    statics = tuple(StaticRoute(net, None, "Null0") for net in advertised(ground, routed))
    process = EigrpProcess(
        transit.asn,
        router_id=transit.ours,
        networks=(transit.subnet,),
        redistribute=(Redistribution("static", METRIC),),
    )
    fabric = Device(FABRIC, interfaces={"Vlan0": port}, eigrp=(process,), static_routes=statics)
    return replace(network, devices={**network.devices, FABRIC: fabric})


METRIC = (1_000_000, 10, 255, 1, 1500)
"""Of external routes: bandwidth kbit/s, delay tens of us, reliability, load, MTU."""


def advertised(ground: Ground, routed: frozenset[int]) -> tuple[IPv4Network, ...]:
    """The prefixes that the fabric tells of: each subnet that it routes, and its halves, which win over the SVIs'."""
    found: list[IPv4Network] = []
    for vlan in ground.segmentation.vlans:
        if vlan.number in routed:
            for net in vlan.subnets:
                found += (*(net.subnets() if net.prefixlen < 31 else ()), net)
    return tuple(sorted(set(found)))
