"""``show ip route``, ``show ip arp``, ``show ip interface brief``: tables of the third layer as IOS prints them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import IPv4Network
from itertools import groupby

from clos.fabric.sim.legacy.device import LegacyDevice
from clos.fabric.sim.legacy.grammar import Match
from clos.fabric.sim.legacy.show.words import clock_time, mac_text, text_of
from clos.fabric.sim.legacy.state import ArpEntry, Route
from clos.fabric.sim.legacy.tree import value

_CODES = (
    "Codes: L - local, C - connected, S - static, R - RIP, M - mobile, B - BGP",
    "       D - EIGRP, EX - EIGRP external, O - OSPF, IA - OSPF inter area ",
    "       N1 - OSPF NSSA external type 1, N2 - OSPF NSSA external type 2",
    "       E1 - OSPF external type 1, E2 - OSPF external type 2",
    "       i - IS-IS, su - IS-IS summary, L1 - IS-IS level-1, L2 - IS-IS level-2",
    "       ia - IS-IS inter area, * - candidate default, U - per-user static route",
    "       o - ODR, P - periodic downloaded static route, H - NHRP, l - LISP",
    "       a - application route",
    "       + - replicated route, % - next hop override",
    "",
)


def ip_route(device: LegacyDevice, match: Match) -> str:
    """The routing table; on a switch that does not route its default gateway."""
    routes = device.machines.routes()
    if not device.hardware.router and not any(line.text == "ip routing" for line in device.running):
        return _host_table(device)
    return text_of(_table(routes or ()))


def _host_table(device: LegacyDevice) -> str:
    gateway = value(device.running, "ip default-gateway")
    head = [f"Default gateway is {gateway}" if gateway else "Default gateway is not set", ""]
    lines = [
        *head,
        "Host               Gateway           Last Use    Total Uses  Interface",
        "ICMP redirect cache is empty",
    ]
    return text_of(lines)


def _table(routes: Iterable[Route]) -> Iterator[str]:
    ordered = [list(of) for _, of in groupby(routes, key=lambda route: route.prefix)]
    yield from _CODES
    yield _last_resort(ordered)
    yield ""
    for major, group in groupby(ordered, key=lambda of: _classful(of[0].prefix)):
        of_major = list(group)
        prefixes = [of[0].prefix for of in of_major]
        if prefixes == [major]:
            yield from _route(of_major[0], 6, str(major))
            continue
        lengths = {prefix.prefixlen for prefix in prefixes}
        if len(lengths) == 1:
            length = prefixes[0].prefixlen
            word = "subnet" if len(prefixes) == 1 else "subnets"
            yield f"      {major.network_address}/{length} is subnetted, {len(prefixes)} {word}"
        else:
            counts = f"{len(prefixes)} subnets, {len(lengths)} masks"
            yield f"      {major} is variably subnetted, {counts}"
        for of in of_major:
            yield from _route(of, 9, str(of[0].prefix.network_address if len(lengths) == 1 else of[0].prefix))


def _last_resort(ordered: list[list[Route]]) -> str:
    default = next((of[0] for of in ordered if of[0].default), None)
    if default is None:
        return "Gateway of last resort is not set"
    where = default.via or "0.0.0.0"
    return f"Gateway of last resort is {where} to network 0.0.0.0"


def _classful(prefix: IPv4Network) -> IPv4Network:
    """The network of old that a prefix lies in; a prefix shorter than that is its own."""
    first = int(prefix.network_address) >> 24
    length = 8 if first < 128 else 16 if first < 192 else 24
    return prefix if prefix.prefixlen <= length else prefix.supernet(new_prefix=length)


def _route(ways: list[Route], column: int, prefix: str) -> Iterator[str]:
    """A route's lines: the first way behind the prefix, or below it where both do not fit a line."""
    first = ways[0]
    head = f"{_code(first):<{column}}{prefix}"
    if first.code in {"C", "L"} or (first.code == "S" and first.via is None):
        yield f"{head} is directly connected, {first.interface}"
        return
    if first.via is None:
        yield f"{head} is a summary, {clock_time(first.age_s)}, {first.interface}"
        return
    texts = [_via(way) for way in ways]
    if len(head) + len(texts[0]) + 1 > 80:
        yield f"{head} "
        yield from (f"           {text}" for text in texts)
    else:
        yield f"{head} {texts[0]}"
        yield from (f"{'':{len(head)}} {text}" for text in texts[1:])


def _code(route: Route) -> str:
    first, _, more = route.code.partition(" ")
    return f"{first}{'*' if route.default else ' ' if more else ''}{more}"


def _via(route: Route) -> str:
    text = f"[{route.distance}/{route.metric}] via {route.via}"
    return text if route.code == "S" else f"{text}, {clock_time(route.age_s)}, {route.interface}"


def ip_arp(device: LegacyDevice, match: Match) -> str:
    head = "Protocol  Address          Age (min)  Hardware Addr   Type   Interface"
    entries = device.machines.arp() or ()
    return text_of([head, *(_arp(entry) for entry in entries)]) if entries else ""


def _arp(entry: ArpEntry) -> str:
    age = "-" if entry.age_min is None else str(entry.age_min)
    known = "Incomplete    " if entry.mac is None else mac_text(entry.mac)
    where = entry.interface if entry.mac is not None else ""
    return f"Internet  {entry.address!s:<15} {age:>8}   {known}  ARPA   {where}".rstrip()


def interface_brief(device: LegacyDevice, match: Match) -> str:
    head = "Interface              IP-Address      OK? Method Status                Protocol"
    return text_of([head, *(_brief(device, name) for name in device.interfaces())])


def _brief(device: LegacyDevice, name: str) -> str:
    words = value(device.interface(name), "ip address")
    address = words.split()[0] if words else "unassigned"
    up = device.up(name)
    status = "administratively down" if device.shut(name) else "up" if up else "down"
    method = "NVRAM " if words else "unset "
    return f"{name:<22} {address:<15} YES {method} {status:<21} {'up' if up else 'down'}"
