"""Changes to a legacy network's spanning trees that somebody considers: read from words, and made on the values.

Lives here: the words, and the network after the change. Must not know: trees, the command line. The words are:

    DEVICE: spanning-tree vlan LIST priority N          DEVICE: spanning-tree mode pvst|rapid-pvst
    DEVICE PORT: shutdown                               DEVICE PORT: no shutdown
    DEVICE PORT: spanning-tree [vlan LIST] cost N       DEVICE PORT: spanning-tree [vlan LIST] port-priority N
    DEVICE PORT: switchport trunk allowed vlan [add|remove] LIST
    cable DEVICE PORT - DEVICE PORT
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import replace

from clos.controller.migrate.discover.names import interface_name
from clos.controller.migrate.model import EVERY_VLAN, TRUNK, Cable, Device, Interface, Network
from clos.controller.migrate.predict.stp_ports import channel_number

FORMS = (
    "DEVICE: spanning-tree vlan LIST priority N",
    "DEVICE: spanning-tree mode pvst|rapid-pvst",
    "DEVICE PORT: [no] shutdown",
    "DEVICE PORT: spanning-tree [vlan LIST] cost|port-priority N",
    "DEVICE PORT: switchport trunk allowed vlan [add|remove] LIST",
    "cable DEVICE PORT - DEVICE PORT",
)
LARGEST_COST = 200_000_000


class BadChange(ValueError):
    """A change that cannot be read, or that this network does not permit; the text says which and why."""


def changed(network: Network, text: str) -> Network:
    """The network after the change in words. Raises BadChange."""
    words = " ".join(text.split())
    cable = re.fullmatch(r"cable:? (\S+) (\S+(?: \d\S*)?) - (\S+) (\S+(?: \d\S*)?)", words)
    if cable:
        return _plug(network, (cable[1], cable[2]), (cable[3], cable[4]))
    place, colon, line = words.partition(": ")
    name, _, port = place.partition(" ")
    if not colon:
        raise BadChange(f"{text!r} is none of: {'; '.join(FORMS)}")
    device = _device(network, name)
    if not port:
        return _with(network, _device_line(device, line))
    return _port_line(network, device, _port(device, port), line)


def vlan_list(text: str) -> frozenset[int]:
    """``10,20-22`` as VLANs. Raises BadChange."""
    found: set[int] = set()
    for part in text.split(","):
        match = re.fullmatch(r"(\d{1,4})(?:-(\d{1,4}))?", part)
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
        if not 1 <= first <= last <= 4094:
            raise BadChange(f"{text!r} is no list of VLANs such as 10,20-29")
        found |= set(range(first, last + 1))
    return frozenset(found)


def _device_line(device: Device, line: str) -> Device:
    found = re.fullmatch(r"spanning-tree vlan (\S+) priority (\d+)", line)
    if found:
        priority = int(found[2])
        if priority % 4096 or priority > 61440:
            raise BadChange(f"priority {priority}: bridge priorities are multiples of 4096 up to 61440")
        priorities = {**device.stp.priorities, **dict.fromkeys(vlan_list(found[1]), priority)}
        return replace(device, stp=replace(device.stp, priorities=priorities))
    found = re.fullmatch(r"spanning-tree mode (pvst|rapid-pvst)", line)
    if found:
        return replace(device, stp=replace(device.stp, mode=found[1]))
    raise BadChange(f"{line!r} is nothing that is predicted of a device: {FORMS[0]}; {FORMS[1]}")


def _port_line(network: Network, device: Device, port: Interface, line: str) -> Network:
    if line in ("shutdown", "no shutdown"):
        return _shut(network, device, port, line == "shutdown")
    found = re.fullmatch(r"spanning-tree (?:vlan (\S+) )?(cost|port-priority) (\d+)", line)
    if found:
        return _with_port(network, device, _weighed(port, found[1], found[2], int(found[3])))
    found = re.fullmatch(r"switchport trunk allowed vlan (?:(add|remove) )?(\S+)", line)
    if found:
        return _with_port(network, device, _allowed(device, port, found[1], found[2]))
    raise BadChange(f"{line!r} is nothing that is predicted of a port: {'; '.join(FORMS[2:5])}")


def _weighed(port: Interface, vlans: str | None, what: str, value: int) -> Interface:
    """The port with another cost or priority, in some VLANs or (key 0) in all."""
    if what == "cost" and not 1 <= value <= LARGEST_COST:
        raise BadChange(f"cost {value}: costs are from 1 to {LARGEST_COST:,}")
    if what == "port-priority" and (value % 16 or value > 240):
        raise BadChange(f"port priority {value}: port priorities are multiples of 16 up to 240")
    new = dict.fromkeys(vlan_list(vlans) if vlans else (0,), value)
    if what == "cost":
        return replace(port, stp=replace(port.stp, costs={**port.stp.costs, **new}))
    return replace(port, stp=replace(port.stp, priorities={**port.stp.priorities, **new}))


def _allowed(device: Device, port: Interface, how: str | None, text: str) -> Interface:
    if port.mode != TRUNK:
        raise BadChange(f"{device.name} {port.name} is no trunk")
    before, vlans = EVERY_VLAN if port.allowed is None else port.allowed, vlan_list(text)
    change: dict[str | None, Callable[[], frozenset[int]]] = {
        "add": lambda: before | vlans,
        "remove": lambda: before - vlans,
        None: lambda: vlans,
    }
    return replace(port, allowed=change[how]())


def _shut(network: Network, device: Device, port: Interface, shutdown: bool) -> Network:
    """The port shut or opened, and the link at the other end of its cables down or as it may be."""
    if port.channel is not None:
        raise BadChange(f"{device.name} {port.name} is a member of a port-channel, whose cost may change: shut that")
    number = channel_number(port.name)
    members = [p.name for p in device.interfaces.values() if number is not None and p.channel == number]
    up = False if shutdown else None
    for name in (port.name, *members):
        network = _set(network, (device.name, name), shutdown=shutdown, up=up)
        for cable in network.cables:
            if (device.name, name) in cable:
                network = _set(network, cable[1 - cable.index((device.name, name))], up=up)
    return network


def _plug(network: Network, *places: tuple[str, str]) -> Network:
    """One more cable between two ports without one."""
    ends = []
    for name, text in places:
        device = _device(network, name)
        port = _port(device, text)
        used = [cable for cable in network.cables if (name, port.name) in cable]
        if used or port.shutdown or port.mode is None or channel_number(port.name) is not None:
            why = "has a cable already" if used else "is shut down" if port.shutdown else "is no switch port of its own"
            raise BadChange(f"{name} {port.name} {why}")
        network = _set(network, (name, port.name), up=None)
        ends.append((name, port.name))
    if ends[0] == ends[1]:
        raise BadChange(f"{ends[0][0]} {ends[0][1]} is both ends of the cable")
    first, second = sorted(ends)
    return replace(network, cables=tuple(sorted((*network.cables, Cable(first, second)))))


def _device(network: Network, name: str) -> Device:
    if name not in network.devices:
        raise BadChange(f"there is no device {name!r}; there are {_some(network.devices)}")
    return network.devices[name]


def _port(device: Device, text: str) -> Interface:
    name = interface_name(text)
    if name not in device.interfaces:
        raise BadChange(f"{device.name} has no interface {name!r}; it has {_some(device.interfaces)}")
    return device.interfaces[name]


def _some(names: Iterable[str]) -> str:
    found = sorted(names)
    return ", ".join(found[:8]) + (f" and {len(found) - 8} more" if len(found) > 8 else "") or "none"


def _set(network: Network, place: tuple[str, str], **values: bool | None) -> Network:
    """The network with other values of one interface; a device that is not in it stays outside."""
    device = network.devices.get(place[0])
    port = device.interfaces.get(place[1]) if device else None
    if device is None or port is None:
        return network
    return _with_port(network, device, replace(port, **values))  # type: ignore[arg-type]


def _with_port(network: Network, device: Device, port: Interface) -> Network:
    device = network.devices[device.name]
    return _with(network, replace(device, interfaces={**device.interfaces, port.name: port}))


def _with(network: Network, device: Device) -> Network:
    return replace(network, devices={**network.devices, device.name: device})
