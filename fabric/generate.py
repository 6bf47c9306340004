"""Clos fabrics of any size, made from a few numbers.

Lives here: how generated fabrics are cabled, numbered and named. Must not know: YAML, tenants.

The numbers are a function of names and positions only, never of how many hosts there are: growing a fabric at its end
changes nothing that was there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from hashlib import blake2b
from itertools import chain

from clos.fabric.topology import (
    ACCESS,
    BORDER,
    LEAF,
    MAX_NODE_TAG,
    SPINE,
    TRUNK,
    Host,
    Link,
    Pair,
    PortRef,
    Switch,
    Topology,
)

DPID_BASE = {SPINE: 0x1_0000, LEAF: 0x2_0000, BORDER: 0x3_0000}
"""Datapath ids count from here, per role: leaf7 is 0x20007."""
FIRST_HOST_PORT = 101
"""On leaves, ports below this one are uplinks: port n leads to the nth spine."""


def dpids(roles: Iterable[str]) -> Iterator[int]:
    """Default datapath ids of switches with these roles: counted per role, in order."""
    counts = dict(DPID_BASE)
    for role in roles:
        counts[role] += 1
        yield counts[role]


def leaf_tags(taken: Iterable[int] = ()) -> Iterator[int]:
    """Default node tags of leaves and border leaves: counted up from 1, leaving out those taken."""
    used = frozenset(taken)
    return (tag for tag in range(1, MAX_NODE_TAG + 2) if tag not in used)


def pair_tags(taken: Iterable[int] = ()) -> Iterator[int]:
    """Default node tags of pairs: counted down from the largest, so that new leaves do not move them."""
    used = frozenset(taken)
    return (tag for tag in range(MAX_NODE_TAG, -1, -1) if tag not in used)


def host_mac(name: str) -> int:
    """The default MAC address of a host: locally administered, 40 bits taken from its name."""
    return 0x06 << 40 | int.from_bytes(blake2b(name.encode(), digest_size=5).digest(), "big")


def clos(
    spines: int,
    leaves: int,
    *,
    borders: int = 0,
    hosts_per_leaf: int = 0,
    trunks_per_leaf: int = 0,
    hosts_per_border: int = 0,
    pairs: bool = False,
    dual_homed: int = 0,
    speed: int = 10_000,
    latency: int = 5,
    name: str = "clos",
    site: str = "main",
) -> Topology:
    """A fabric in which every leaf and border leaf has one link of ``speed`` Mbit/s to every spine.

    ``hosts_per_leaf``, ``trunks_per_leaf``: access hosts ``h<leaf>-<n>`` and trunk hosts ``t<leaf>-<n>``;
    ``hosts_per_border``: access hosts ``b<border>-<n>``. ``pairs``: leaf1 and leaf2 are pair1, and so on, and
    likewise border leaves; ``dual_homed``: access hosts ``d<pair>-<n>`` on each pair of leaves.
    ``latency`` of links in microseconds. ``ValueError`` for negative counts, more leaves and pairs than
    node tags, and dual-homed hosts without pairs.
    """
    counts = (spines, leaves, borders, hosts_per_leaf, trunks_per_leaf, hosts_per_border, dual_homed)
    if min(counts) < 0:
        raise ValueError("the numbers of switches and hosts cannot be negative")
    if leaves + borders + (pairs and leaves // 2 + borders // 2) > MAX_NODE_TAG:
        raise ValueError(f"there are {MAX_NODE_TAG} node tags for leaves, border leaves and pairs: make fewer of them")
    if dual_homed and not pairs:
        raise ValueError("dual-homed hosts need pairs of leaves")
    switches = _switches(spines, leaves, borders, site)
    made = _pairs(leaves, borders) if pairs else {}
    hosts = chain(
        _single("h", LEAF, leaves, spines, range(hosts_per_leaf), ACCESS),
        _single("t", LEAF, leaves, spines, range(hosts_per_leaf, hosts_per_leaf + trunks_per_leaf), TRUNK),
        _dual(leaves, spines, hosts_per_leaf + trunks_per_leaf, dual_homed),
        _single("b", BORDER, borders, spines, range(hosts_per_border), ACCESS),
    )
    return Topology(name, switches, _links(switches, speed, latency), {host.name: host for host in hosts}, made)


def _numbered(word: str, count: int) -> list[str]:
    return [f"{word}{i}" for i in range(1, count + 1)]


def _switches(spines: int, leaves: int, borders: int, site: str) -> dict[str, Switch]:
    named = [
        (name, role) for role, n in ((SPINE, spines), (LEAF, leaves), (BORDER, borders)) for name in _numbered(role, n)
    ]
    tags = leaf_tags()
    ids = dpids(role for _, role in named)
    return {
        name: Switch(name, role, dpid, 0 if role == SPINE else next(tags), site)
        for (name, role), dpid in zip(named, ids, strict=True)
    }


def _pairs(leaves: int, borders: int) -> dict[str, Pair]:
    tags = pair_tags()
    found = {}
    for word, role, count in (("pair", LEAF, leaves), ("border-pair", BORDER, borders)):
        for i in range(1, count // 2 + 1):
            found[f"{word}{i}"] = Pair(f"{word}{i}", (f"{role}{2 * i - 1}", f"{role}{2 * i}"), next(tags))
    return found


def _links(switches: dict[str, Switch], speed: int, latency: int) -> tuple[Link, ...]:
    """Port n of a leaf leads to the nth spine, port m of a spine to the mth leaf or border leaf."""
    spines = [s.name for s in switches.values() if s.role == SPINE]
    leaves = [s.name for s in switches.values() if s.is_leaf]
    return tuple(
        Link(PortRef(leaf, up), PortRef(spine, down), speed, latency)
        for down, leaf in enumerate(leaves, 1)
        for up, spine in enumerate(spines, 1)
    )


def _first_host_port(spines: int) -> int:
    """The first host port of a leaf: 101, or the first hundred above its uplinks."""
    return max(FIRST_HOST_PORT, -(-spines // 100) * 100 + 1)


def _single(word: str, role: str, leaves: int, spines: int, slots: range, mode: str) -> Iterator[Host]:
    first = _first_host_port(spines)
    for leaf in range(1, leaves + 1):
        for n, slot in enumerate(slots, 1):
            name = f"{word}{leaf}-{n}"
            yield Host(name, host_mac(name), (PortRef(f"{role}{leaf}", first + slot),), mode)


def _dual(leaves: int, spines: int, slot: int, count: int) -> Iterator[Host]:
    first = _first_host_port(spines) + slot
    for pair in range(1, leaves // 2 + 1):
        for n in range(1, count + 1):
            name = f"d{pair}-{n}"
            ports = tuple(PortRef(f"leaf{leaf}", first + n - 1) for leaf in (2 * pair - 1, 2 * pair))
            yield Host(name, host_mac(name), ports)
