"""EIGRP processes as a running configuration has them, for the machine of fabric.protocols.eigrp.

Lives here: classic and named mode, ``network`` statements, figures of interfaces, authentication, distribute lists,
what is redistributed. Must not know: packets, time, what the machine does with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address

from clos.fabric.protocols.eigrp import config as eigrp
from clos.fabric.protocols.eigrp.authentication import MD5, SHA256, Authentication
from clos.fabric.protocols.eigrp.metric import Composite, KValues, Vector
from clos.fabric.protocols.eigrp.packet import STUB_FLAGS
from clos.fabric.protocols.eigrp.routes import CONNECTED, EIGRP, STATIC, External, Prefix
from clos.fabric.sim.legacy.device import LegacyDevice
from clos.fabric.sim.legacy.l3.interfaces import Interface, length_of, network
from clos.fabric.sim.legacy.l3.policy import access_filter, prefix_list, route_map
from clos.fabric.sim.legacy.l3.table import Row, Table
from clos.fabric.sim.legacy.names import split_name
from clos.fabric.sim.legacy.tree import Tree, block, starting, value

TEN_US = 10_000_000
"""Picoseconds in the unit of ``delay``."""
_FIGURES = {
    "Loopback": (8_000_000, 500),
    "Serial": (1_544, 2_000),
    "FastEthernet": (100_000, 10),
    "GigabitEthernet": (1_000_000, 1),
    "TenGigabitEthernet": (10_000_000, 1),
    "Vlan": (1_000_000, 1),
    "Port-channel": (1_000_000, 1),
}
"""Bandwidth in kbit/s and delay in tens of microseconds of IOS' interfaces by kind."""


@dataclass(frozen=True, slots=True)
class Process:
    """A process of the configuration. ``lines``: its own, ``topology``: those of its topology; in classic mode both
    are the same. ``name``: of named mode, whose interfaces have their settings in blocks of their own."""

    asn: int
    name: str | None
    lines: Tree
    topology: Tree

    @property
    def distances(self) -> tuple[int, int]:
        words = value(self.topology, "distance eigrp")
        internal, external = words.split() if words else ("90", "170")
        return int(internal), int(external)


def processes(running: Tree) -> Iterator[Process]:
    """The processes of the global routing table."""
    for line in starting(running, "router eigrp"):
        word = line.words()[2]
        if word.isdecimal():
            yield Process(int(word), None, line.children, line.children)
            continue
        for family in starting(line.children, "address-family"):
            words = family.words()
            down = any(one.text == "shutdown" for one in (*line.children, *family.children))
            if "vrf" not in words and not down:
                yield Process(int(words[-1]), word, family.children, block(family.children, ("topology base",)))


def config_of(
    device: LegacyDevice, process: Process, interfaces: Mapping[str, Interface], up: Iterable[str], table: Table
) -> eigrp.Config:
    """The machine's configuration. ``table``: what is redistributed is what the routing table uses."""
    running = frozenset(up)
    router_id = _router_id(process, interfaces, running)
    composite = _composite(process)
    speaks = tuple(
        made
        for one in interfaces.values()
        if (made := _interface(device, process, one, interfaces, composite.wide)) is not None
    )
    return eigrp.Config(
        process.asn, router_id, speaks, composite, _stub(process), tuple(_filters(device.running, process)),
        tuple(_redistributed(device, process, router_id, interfaces, table)),
        int(value(process.topology, "variance") or 1), int(value(process.topology, "maximum-paths") or 4),
    )  # fmt: skip


def _router_id(process: Process, interfaces: Mapping[str, Interface], up: frozenset[str]) -> int:
    """As configured; else the highest address of a loopback, else of any interface."""
    words = value(process.lines, "eigrp router-id")
    if words is not None:
        return int(IPv4Address(words))
    live = [one for name, one in interfaces.items() if name in up]
    loopbacks = [one for one in live if one.name.startswith("Loopback")]
    return max((one.address for one in loopbacks or live), default=0)


def _composite(process: Process) -> Composite:
    words = value(process.lines, "metric weights")
    k = KValues(*(int(word) for word in words.split()[1:])) if words else KValues()
    scale = int(value(process.lines, "metric rib-scale") or 128)
    return Composite(k, process.name is not None, scale)


def _stub(process: Process) -> int | None:
    words = value(process.lines, "eigrp stub")
    if words is None:
        return None
    return sum(STUB_FLAGS[word] for word in words.split() or ("connected", "summary"))


def _interface(
    device: LegacyDevice, process: Process, one: Interface, interfaces: Mapping[str, Interface], wide: bool
) -> eigrp.Interface | None:
    """None: no ``network`` statement names one of its addresses."""
    covered = [
        a for a in one.addresses if any(_covers(line.words(), a[0]) for line in starting(process.lines, "network"))
    ]
    if not covered:
        return None
    settings = (
        _named(process, one.name) if process.name is not None else _classic(device.interface(one.name), process.asn)
    )
    passive = settings.get("passive") == "yes" or (process.name is None and _passive(process.lines, one.name))
    return eigrp.Interface(
        one.name, one.address, tuple(dict.fromkeys(network(*address) for address in covered)),
        link_of(device, one.name, wide),
        passive or one.addresses[0] not in covered or one.name.startswith("Loopback"),
        settings.get("split-horizon") != "no", tuple(_summaries(settings)),
        int(settings.get("hello", 5)) * 1000, int(settings.get("hold", 15)) * 1000, _authentication(device, settings),
    )  # fmt: skip


def _covers(words: list[str], address: int) -> bool:
    """Whether ``network A [WILDCARD]`` names an address; without a wildcard it is the classful network."""
    base = int(IPv4Address(words[1]))
    if len(words) > 2:
        mask = int(IPv4Address(words[2]))
        wildcard = mask if not mask & 0x8000_0000 or mask == 0xFFFF_FFFF else ~mask & 0xFFFF_FFFF
        return not (base ^ address) & ~wildcard & 0xFFFF_FFFF
    length = 8 if base >> 31 == 0 else 16 if base >> 30 == 2 else 24
    return not (base ^ address) >> (32 - length)


def _passive(lines: Tree, name: str) -> bool:
    texts = {line.text for line in lines}
    if "passive-interface default" in texts:
        return f"no passive-interface {name}" not in texts
    return f"passive-interface {name}" in texts


def _classic(lines: Tree, asn: int) -> dict[str, str]:
    """Settings of an interface's section for a classic process."""
    keys = {
        "hello": f"ip hello-interval eigrp {asn}",
        "hold": f"ip hold-time eigrp {asn}",
        "mode": f"ip authentication mode eigrp {asn}",
        "chain": f"ip authentication key-chain eigrp {asn}",
    }
    found = {key: words for key, prefix in keys.items() if (words := value(lines, prefix)) is not None}
    found["summaries"] = ",".join(
        " ".join(line.words()[4:6]) for line in starting(lines, f"ip summary-address eigrp {asn}")
    )
    if any(line.text == f"no ip split-horizon eigrp {asn}" for line in lines):
        found["split-horizon"] = "no"
    return found


def _named(process: Process, name: str) -> dict[str, str]:
    """Settings of an ``af-interface``; those of ``default`` hold where it has none."""
    keys = {
        "hello": "hello-interval",
        "hold": "hold-time",
        "mode": "authentication mode",
        "chain": "authentication key-chain",
    }
    found: dict[str, str] = {}
    for of in ("default", name):
        lines = block(process.lines, (f"af-interface {of}",))
        found |= {key: words for key, prefix in keys.items() if (words := value(lines, prefix)) is not None}
        texts = {line.text for line in lines}
        if texts & {"passive-interface", "shutdown"}:
            found["passive"] = "yes"
        elif "no passive-interface" in texts:
            found["passive"] = "no"
        if "no split-horizon" in texts:
            found["split-horizon"] = "no"
        summaries = ",".join(" ".join(line.words()[1:3]) for line in starting(lines, "summary-address"))
        if summaries:
            found["summaries"] = summaries
    return found


def _summaries(settings: Mapping[str, str]) -> Iterator[Prefix]:
    for pair in filter(None, settings.get("summaries", "").split(",")):
        address, mask = pair.split()
        yield network(int(IPv4Address(address)), length_of(mask))


def _authentication(device: LegacyDevice, settings: Mapping[str, str]) -> Authentication | None:
    mode = settings.get("mode")
    if mode is None:
        return None
    if mode.startswith("hmac-sha-256"):
        return Authentication(SHA256, mode.split()[-1].encode(), 0)
    chain = block(device.running, (f"key chain {settings.get('chain')}",))
    for line in starting(chain, "key"):
        key = value(line.children, "key-string")
        if key is not None:
            return Authentication(MD5, key.split()[-1].encode(), int(line.words()[1]))
    return None


def link_of(device: LegacyDevice, name: str, wide: bool) -> Vector:
    """What an interface adds to a path. In wide arithmetic one faster than 1 Gbit/s has less delay, unless told."""
    lines = device.interface(name)
    bandwidth = max(1, _bandwidth(device, name))
    delay = value(lines, "delay")
    if delay is None and wide and bandwidth > 1_000_000:
        picoseconds = 10**13 // bandwidth
    else:
        default = _FIGURES.get(split_name(name)[0], (0, 1))[1]
        picoseconds = (default if delay is None else max(1, int(delay))) * TEN_US
    return Vector(picoseconds, bandwidth, int(value(lines, "mtu") or 1500))


def _bandwidth(device: LegacyDevice, name: str) -> int:
    words = value(device.interface(name), "bandwidth")
    if words is not None:
        return int(words)
    kind, number = split_name(name.partition(".")[0])
    if kind == "Port-channel":
        members = [port for port in device.members(int(number)) if device.up(port)]
        if members:
            return sum(_bandwidth(device, port) for port in members)
    return _FIGURES.get(kind, (1_000_000, 1))[0]


def _filters(running: Tree, process: Process) -> Iterator[eigrp.Filter]:
    for line in starting(process.topology, "distribute-list"):
        words = line.words()[1:]
        kind = words.pop(0) if words[0] in {"prefix", "route-map"} else ""
        name, direction, interface = words[0], words[1], words[2] if len(words) > 2 else None
        lines = prefix_list(running, name) if kind == "prefix" else access_filter(running, name)
        if kind != "route-map" and lines is not None:
            yield eigrp.Filter(direction, lines, interface)


def _redistributed(
    device: LegacyDevice, process: Process, router_id: int, interfaces: Mapping[str, Interface], table: Table
) -> Iterator[eigrp.Redistributed]:
    """Routes of the table that ``redistribute`` statements take, the first one that takes a prefix."""
    taken: set[Prefix] = set()
    for line in starting(process.topology, "redistribute"):
        kind, asn, figures, name = _statement(line.words()[1:])
        figures = figures or _figures(value(process.topology, "default-metric"))
        for row in table.rows.values():
            if row.prefix in taken or kind not in _TAKES or not _TAKES[kind](row, asn):
                continue
            sets = route_map(device.running, name, row.prefix) if name else None
            if name and sets is None:
                continue
            vector = _vector((sets.metric if sets else None) or figures, device, row, process, interfaces)
            if vector is not None:
                taken.add(row.prefix)
                protocol = {"static": STATIC, "connected": CONNECTED}.get(kind, EIGRP)
                yield eigrp.Redistributed(
                    row.prefix, vector, External(router_id, asn, sets.tag if sets else 0, 0, protocol)
                )


_TAKES: dict[str, Callable[[Row, int], bool]] = {
    "static": lambda row, _: row.code == "S",
    "connected": lambda row, _: row.code == "C",
    "eigrp": lambda row, asn: row.code.startswith("D") and row.origin == asn and row.distance != 5,
}
"""Which rows of the routing table a kind of source means; there are no other protocols here."""


def _statement(words: list[str]) -> tuple[str, int, tuple[int, ...] | None, str | None]:
    kind, asn = words[0], int(words[1]) if words[0] == "eigrp" else 0
    figures = None
    if "metric" in words:
        at = words.index("metric")
        figures = tuple(int(word) for word in words[at + 1 : at + 6])
    name = words[words.index("route-map") + 1] if "route-map" in words else None
    return kind, asn, figures, name


def _figures(words: str | None) -> tuple[int, ...] | None:
    return None if words is None else tuple(int(word) for word in words.split())


def _vector(
    figures: tuple[int, ...] | None,
    device: LegacyDevice,
    row: Row,
    process: Process,
    interfaces: Mapping[str, Interface],
) -> Vector | None:
    """The figures a route enters with: given ones, else those of the interface it leaves by."""
    if figures is not None and len(figures) == 5:
        bandwidth, delay, reliability, load, mtu = figures
        return Vector(delay * TEN_US, bandwidth, mtu, 0, reliability, load)
    name = row.hops[0].interface
    if name is None or name not in interfaces or row.code.startswith("D"):
        return None
    return link_of(device, name, process.name is not None)
