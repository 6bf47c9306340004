"""The interfaces of a device that have addresses, as its configuration has them.

Lives here: Interface, and reading them: SVIs, routed ports and port-channels, subinterfaces, loopbacks. Must not know:
what is done with packets there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address

from clos.fabric.protocols.eigrp.routes import Prefix
from clos.fabric.sim.legacy.device import LegacyDevice
from clos.fabric.sim.legacy.names import split_name
from clos.fabric.sim.legacy.tree import Tree, starting, value


@dataclass(frozen=True, slots=True)
class Interface:
    """``addresses``: with their networks' lengths, the primary one first. ``vlan``: of an SVI; ``line`` and ``tag``:
    the routed port or port-channel that frames go through, and their tag there."""

    name: str
    addresses: tuple[tuple[int, int], ...]
    mac: int
    vlan: int | None = None
    line: str | None = None
    tag: int | None = None
    acl_in: str | None = None
    acl_out: str | None = None
    proxy_arp: bool = True

    @property
    def address(self) -> int:
        return self.addresses[0][0]

    @property
    def prefixes(self) -> tuple[Prefix, ...]:
        return tuple(network(address, length) for address, length in self.addresses)

    def reaches(self, address: int) -> bool:
        """Whether an address is in one of its networks."""
        return any(not (own ^ address) >> (32 - length) for own, length in self.addresses)

    def source_for(self, address: int) -> int:
        """Its own address in the network of another one, else its primary one."""
        near = (own for own, length in self.addresses if not (own ^ address) >> (32 - length))
        return next(near, self.address)


def network(address: int, length: int) -> Prefix:
    return Prefix(address >> (32 - length) << (32 - length), length)


def length_of(mask: str) -> int:
    return int(IPv4Address(mask)).bit_count()


def interfaces_of(device: LegacyDevice) -> dict[str, Interface]:
    """By name, in IOS' order: those with an address."""
    found = {}
    for name in device.interfaces():
        lines = device.interface(name)
        addresses = tuple(_addresses(lines))
        kind, number = split_name(name)
        virtual = kind in {"Vlan", "Loopback"}
        if not addresses or (not virtual and device.switches(name)) or device.channel(name) is not None:
            continue
        line, _, tag = name.partition(".")
        tagged = value(lines, "encapsulation dot1Q") if tag else None
        found[name] = Interface(
            name,
            addresses,
            device.mac(line),
            int(number) if kind == "Vlan" else None,
            None if virtual else line,
            None if tagged is None or tagged.endswith("native") else int(tagged.split()[0]),
            _group(lines, "in"),
            _group(lines, "out"),
            not any(one.text == "no ip proxy-arp" for one in lines),
        )
    return found


def _addresses(lines: Tree) -> Iterator[tuple[int, int]]:
    """The primary address first."""
    rows = [line.words() for line in starting(lines, "ip address")]
    for words in sorted(rows, key=lambda words: words[-1] == "secondary"):
        if len(words) >= 4:
            yield int(IPv4Address(words[2])), length_of(words[3])


def _group(lines: Tree, direction: str) -> str | None:
    return next((line.words()[2] for line in starting(lines, "ip access-group") if line.words()[3] == direction), None)
