"""``show interfaces``: each interface's state and the figures it runs with.

Lives here: the lines that say what is simulated; counters of traffic are not simulated and not printed.
"""

from __future__ import annotations

from collections.abc import Iterator

from clos.fabric.sim.legacy.device import LegacyDevice
from clos.fabric.sim.legacy.grammar import Match
from clos.fabric.sim.legacy.names import split_name
from clos.fabric.sim.legacy.show.words import mac_text, text_of
from clos.fabric.sim.legacy.tree import starting, value

_HARDWARE = {
    "Vlan": "EtherSVI",
    "Port-channel": "EtherChannel",
    "TenGigabitEthernet": "Ten Gigabit Ethernet Port",
    "GigabitEthernet": "Gigabit Ethernet",
    "FastEthernet": "Fast Ethernet",
}
_FIGURES = {
    "Loopback": (8_000_000, 5_000),
    "FastEthernet": (100_000, 100),
    "TenGigabitEthernet": (10_000_000, 10),
}
"""Bandwidth in kbit/s and delay in microseconds where a kind is no Gigabit interface."""


def interfaces(device: LegacyDevice, match: Match) -> str:
    wanted = match.arguments[0] if match.arguments else None
    names = (name for name in device.interfaces() if wanted in (None, name))
    return text_of(line for name in names for line in _interface(device, name))


def _interface(device: LegacyDevice, name: str) -> Iterator[str]:
    lines, up = device.interface(name), device.up(name)
    kind = split_name(name)[0]
    word = "administratively down" if device.shut(name) else "up" if up else "down"
    status = " (connected)" if up else " (disabled)" if device.shut(name) else " (notconnect)"
    physical = status if name in device.ports else ""
    yield f"{name} is {word}, line protocol is {'up' if up else 'down'}{physical}"
    if kind == "Loopback":
        yield "  Hardware is Loopback"
    else:
        mac = mac_text(device.mac(name))
        yield f"  Hardware is {_HARDWARE.get(kind, kind)}, address is {mac} (bia {mac})"
    description = value(lines, "description")
    if description:
        yield f"  Description: {description}"
    for line in starting(lines, "ip address"):
        words = line.words()
        if words[-1] != "secondary":
            yield f"  Internet address is {words[2]}/{_length(words[3])}"
    bandwidth, delay = _FIGURES.get(kind, (1_000_000, 10))
    bandwidth = int(value(lines, "bandwidth") or _channel(device, name) or bandwidth)
    delay = 10 * int(value(lines, "delay") or delay // 10)
    mtu = value(lines, "mtu") or ("1514" if kind == "Loopback" else "1500")
    yield f"  MTU {mtu} bytes, BW {bandwidth} Kbit/sec, DLY {delay} usec, "
    yield "     reliability 255/255, txload 1/255, rxload 1/255"
    yield f"  Encapsulation {'LOOPBACK' if kind == 'Loopback' else 'ARPA'}, loopback not set"


def _length(mask: str) -> int:
    return sum(int(part).bit_count() for part in mask.split("."))


def _channel(device: LegacyDevice, name: str) -> int | None:
    """What the working members of a port-channel have together."""
    kind, number = split_name(name)
    if kind != "Port-channel":
        return None
    members = (port for port in device.members(int(number)) if device.up(port))
    return sum(_FIGURES.get(split_name(port)[0], (1_000_000, 10))[0] for port in members) or None
