"""Random legacy networks that speak EIGRP: stubs, summaries, variance, redistributed statics, filters."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from random import Random

from clos.controller.migrate.model import (
    Device,
    EigrpInterface,
    EigrpProcess,
    Interface,
    Network,
    Redistribution,
    StaticRoute,
)

ASN = 100
BANDWIDTHS = (10_000, 100_000, 1_000_000, 10_000_000)
DELAYS = (1, 1, 1, 10, 100)


def network(rng: Random, plain: bool = False) -> Network:
    """``plain``: routers, links and loopbacks only, one bandwidth, so that the shortest way is what sums say."""
    size = rng.randint(2, 8)
    names = [f"r{n}" for n in range(size)]
    ports: dict[str, list[Interface]] = {name: [] for name in names}
    segments = [[names[n], names[rng.randrange(n)]] for n in range(1, size)]
    segments += [rng.sample(names, min(size, rng.choice((2, 2, 2, 3, 4)))) for _ in range(rng.randint(0, size))]
    for number, members in enumerate(segments):
        for at, name in enumerate(members):
            address = IPv4Interface(f"10.{number // 250}.{number % 250}.{at + 1}/29")
            bandwidth = 1_000_000 if plain else rng.choice(BANDWIDTHS)
            ports[name].append(_port(f"GigabitEthernet0/{number}", address, bandwidth, rng.choice(DELAYS)))
    wide = rng.choice((False, False, True))
    devices = {}
    for number, name in enumerate(names):
        for loop in range(rng.randint(1, 3)):
            address = IPv4Interface(f"172.16.{4 * number + loop}.1/24")
            ports[name].append(_port(f"Loopback{loop}", address, 8_000_000, 500))
        devices[name] = _device(rng, name, number, ports[name], wide, plain)
    return Network(devices)


def _port(name: str, address: IPv4Interface, bandwidth: int, delay: int) -> Interface:
    return Interface(name, bandwidth_kbps=bandwidth, delay_tens_us=delay, addresses=(address,), mtu=1500)


def _device(rng: Random, name: str, number: int, ports: list[Interface], wide: bool, plain: bool) -> Device:
    process = EigrpProcess(
        ASN,
        router_id=IPv4Address(f"192.0.2.{number + 1}"),
        networks=(IPv4Network("0.0.0.0/0"),),
        passive=frozenset(p.name for p in ports if p.name.startswith("Loopback")),
        wide_metrics=wide,
    )
    device = Device(name, interfaces={p.name: p for p in ports}, eigrp=(process,))
    return device if plain else _seasoned(rng, number, device)


def _seasoned(rng: Random, number: int, device: Device) -> Device:
    """With some of the features that decide about routes."""
    process, interfaces = device.eigrp[0], dict(device.interfaces)
    if rng.random() < 0.3:
        words = ("connected", "summary", "static", "redistributed")
        chosen = rng.choice((("receive-only",), ("connected",), ("connected", "summary"), rng.sample(words, 2)))
        process = replace(process, stub=frozenset(chosen))
    if rng.random() < 0.4:
        process = replace(process, variance=rng.choice((2, 5, 128)), maximum_paths=rng.choice((1, 2, 4, 16)))
    statics: tuple[StaticRoute, ...] = ()
    if rng.random() < 0.4:
        metric = rng.choice(((1000, 100, 255, 1, 1500), (700, 10, 255, 1, 1500), (1_000_000, 1, 255, 1, 1500)))
        process = replace(process, redistribute=(Redistribution("static", metric),))
        targets = ("192.168.0.0/16", "192.168.1.0/24", "0.0.0.0/0", f"172.16.{4 * number + 3}.0/24")
        statics = tuple(StaticRoute(IPv4Network(t), None, "Null0") for t in rng.sample(targets, 2))
    prefix_lists: dict[str, tuple[str, ...]] = {}
    if rng.random() < 0.3:
        denied = f"172.16.{4 * rng.randrange(8)}.0/22"
        prefix_lists["some"] = (f"seq 5 deny {denied} le 32", "seq 10 permit 0.0.0.0/0 le 32")
        where = rng.choice((None, *(n for n in interfaces if n.startswith("Gig"))))
        process = replace(process, distribute_lists=(("prefix some", rng.choice(("in", "out")), where),))
    for name, interface in interfaces.items():
        if name.startswith("Gig"):
            interfaces[name] = replace(interface, eigrp={ASN: _settings(rng, number)})
    return replace(device, eigrp=(process,), interfaces=interfaces, static_routes=statics, prefix_lists=prefix_lists)


def _settings(rng: Random, number: int) -> EigrpInterface:
    summaries: tuple[IPv4Network, ...] = ()
    if rng.random() < 0.25:
        chosen = rng.choice((f"172.16.{4 * number}.0/22", "172.16.0.0/16", "172.16.0.0/20"))
        summaries = (IPv4Network(chosen),)
    return EigrpInterface(split_horizon=rng.random() < 0.9, summaries=summaries)
