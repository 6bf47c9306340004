"""A simulated legacy network from files: ``inventory.yaml``, ``cabling.yaml`` and ``startup-configs/DEVICE.cfg``.

Lives here: reading them into a plan of the simulator, naming every problem; writing the inventory of a network that
runs. Must not know: sessions, what configurations mean.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import AddressValueError, IPv4Address
from pathlib import Path
from typing import Any, TypeVar

import yaml

from clos.fabric.sim.legacy.cables import End
from clos.fabric.sim.legacy.device import Hardware
from clos.fabric.sim.legacy.names import full_name
from clos.fabric.sim.legacy.network import DevicePlan, HostPlan, LegacyNetwork, NetworkPlan

INVENTORY, CABLING, CONFIGS = "inventory.yaml", "cabling.yaml", "startup-configs"
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_DEVICE_KEYS = frozenset({"host", "port", "model", "serial", "mac", "ports", "version", "router", "sha1_only"})
_INVENTORY_KEYS = frozenset({"name", "defaults", "devices"})
_CABLING_KEYS = frozenset({"cables", "border", "hosts"})
_HOST_KEYS = frozenset({"port", "mac", "ip", "gateway", "behind"})
_RANGE = re.compile(r"(?P<stem>\S*?)(?P<first>\d+)(?:-(?P<last>\d+))?")
MOST_PORTS = 1024
T = TypeVar("T")


class Unreadable(Exception):
    """The files make no network. ``problems``: each with its file, where in it, and what to write instead."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


@dataclass(slots=True)
class _Reading:
    """One file being read: what is wrong is kept by its place, and reading goes on."""

    file: Path
    problems: list[str] = field(default_factory=list)

    def wrong(self, where: str, what: str) -> None:
        self.problems.append(f"{self.file}: {where}: {what}")

    def mapping(self, value: object, where: str) -> Mapping[str, Any]:
        if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
            return value
        self.wrong(where, "expected a mapping with names as its keys")
        return {}

    def parsed(self, value: object, where: str, parse: Callable[[str], T | None], expected: str) -> T | None:
        found = parse(str(value)) if isinstance(value, str | int) else None
        if found is None:
            self.wrong(where, f"{value!r}: expected {expected}")
        return found

    def known(self, value: Mapping[str, Any], where: str, keys: frozenset[str]) -> None:
        for key in sorted(value.keys() - keys):
            self.wrong(f"{where}.{key}", f"unknown key; there are {', '.join(sorted(keys))}")


def read_network(directory: Path) -> NetworkPlan:
    """The network of a directory. Raises Unreadable with everything that is wrong with it, OSError for files."""
    inventory, cabling = _Reading(directory / INVENTORY), _Reading(directory / CABLING)
    words = _document(inventory, _INVENTORY_KEYS)
    listed = inventory.mapping(words.get("devices", {}), "devices")
    devices = tuple(
        device
        for name, value in listed.items()
        if (device := _device(inventory, directory, name, inventory.mapping(value, f"devices.{name}"))) is not None
    )
    if not listed:
        inventory.wrong("devices", "there are none")
    cables = _document(cabling, _CABLING_KEYS)
    plan = NetworkPlan(
        str(words.get("name", directory.name)),
        devices,
        tuple(_cables(cabling, cables)),
        tuple(_hosts(cabling, cables)),
        tuple(_borders(cabling, cables)),
    )
    problems = (*inventory.problems, *cabling.problems)
    if not problems:
        problems = tuple(f"{cabling.file}: {fault}" for fault in plan.faults())
    if problems:
        raise Unreadable(problems)
    return plan


def _document(reading: _Reading, keys: frozenset[str]) -> Mapping[str, Any]:
    try:
        found = reading.mapping(yaml.load(reading.file.read_text(encoding="utf-8"), _LOADER), "the document")
        reading.known(found, "the document", keys)
        return found
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        reading.wrong(f"line {mark.line + 1}" if mark else "the document", "is no YAML")
    except UnicodeDecodeError:
        reading.wrong("the document", "is no UTF-8")
    return {}


def _device(reading: _Reading, directory: Path, name: str, words: Mapping[str, Any]) -> DevicePlan | None:
    where = f"devices.{name}"
    reading.known(words, where, _DEVICE_KEYS)
    ports = tuple(_ports(reading, words.get("ports"), f"{where}.ports"))
    mac = reading.parsed(words.get("mac"), f"{where}.mac", read_mac, "a MAC address like 001b.5410.0000")
    config = directory / CONFIGS / f"{name}.cfg"
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", name) or not config.is_file():
        reading.wrong(where, f"there is no {config}: write its startup configuration there")
        return None
    if mac is None or not ports:
        return None
    try:
        startup = tuple(config.read_text(encoding="utf-8").splitlines())
    except UnicodeDecodeError:
        reading.wrong(where, f"{config} is no UTF-8")
        return None
    model, serial = str(words.get("model", "WS-C3750X-24T-S")), str(words.get("serial", "FDO0000X000"))
    version = str(words.get("version", "15.2(7)E8"))
    hardware = Hardware(model, serial, mac, ports, version, words.get("router") is True)
    return DevicePlan(name, hardware, startup, words.get("sha1_only") is True)


def _ports(reading: _Reading, value: object, where: str) -> Iterator[str]:
    """``[GigabitEthernet1/0/1-24, Te1/1/1]`` as full names."""
    if not isinstance(value, list) or not value:
        reading.wrong(where, "expected a list like [GigabitEthernet1/0/1-24]")
        return
    for part in value:
        match = _RANGE.fullmatch(str(part))
        first = int(match["first"]) if match else 0
        last = int(match["last"] or first) if match else -1
        names = (
            [full_name(f"{match['stem']}{number}") for number in range(first, last + 1)]
            if match and last - first < MOST_PORTS
            else []
        )
        if not names or None in names:
            reading.wrong(where, f"{part!r}: expected ports like GigabitEthernet1/0/1-24")
        yield from (name for name in names if name)


def _end(text: str) -> End | None:
    device, _, port = text.strip().partition(" ")
    name = full_name(port)
    return None if name is None else (device, name)


def _cables(reading: _Reading, words: Mapping[str, Any]) -> Iterator[tuple[End, End]]:
    listed = words.get("cables", [])
    if not isinstance(listed, list):
        reading.wrong("cables", "expected a list of pairs like [core1 Te1/1, core2 Te1/1]")
        return
    for index, pair in enumerate(listed):
        where = f"cables[{index}]"
        if not isinstance(pair, list) or len(pair) != 2:
            reading.wrong(where, f"{pair!r}: expected a pair like [core1 Te1/1, core2 Te1/1]")
            continue
        a, b = (reading.parsed(end, where, _end, "a device and a port like core1 Te1/1") for end in pair)
        if a and b:
            yield a, b


def _hosts(reading: _Reading, words: Mapping[str, Any]) -> Iterator[HostPlan]:
    for name, value in reading.mapping(words.get("hosts", {}), "hosts").items():
        where = f"hosts.{name}"
        host = reading.mapping(value, where)
        reading.known(host, where, _HOST_KEYS)
        port = reading.parsed(host.get("port"), f"{where}.port", _end, "a device and a port like acc1 Gi1/0/1")
        mac = reading.parsed(host.get("mac"), f"{where}.mac", read_mac, "a MAC address like 0050.5600.0101")
        text, length = host.get("ip"), 24
        if isinstance(text, str) and "/" in text:
            text, length = text.split("/")[0], _length(reading, text, f"{where}.ip")
        ip = None if text is None else reading.parsed(text, f"{where}.ip", _address, "an address like 10.0.0.1/24")
        gateway = _host_address(reading, host, where, "gateway")
        behind = tuple(
            address
            for at, one in enumerate(host.get("behind", ()))
            if (address := reading.parsed(one, f"{where}.behind[{at}]", _address, "an IPv4 address")) is not None
        )
        if port and mac is not None:
            yield HostPlan(name, port, mac, ip, gateway, length, behind)


def _borders(reading: _Reading, words: Mapping[str, Any]) -> Iterator[tuple[str, End]]:
    for name, value in reading.mapping(words.get("border", {}), "border").items():
        end = reading.parsed(value, f"border.{name}", _end, "a device and a port like dist1 Te1/15")
        if end:
            yield name, end


def _host_address(reading: _Reading, host: Mapping[str, Any], where: str, key: str) -> IPv4Address | None:
    return reading.parsed(host[key], f"{where}.{key}", _address, "an IPv4 address") if key in host else None


def _length(reading: _Reading, text: str, where: str) -> int:
    """The length behind an address's slash."""
    found = text.partition("/")[2]
    if found.isdecimal() and int(found) <= 32:
        return int(found)
    reading.wrong(where, f"{text!r}: expected an address like 10.0.0.1/24")
    return 24


def _address(text: str) -> IPv4Address | None:
    try:
        return IPv4Address(text)
    except AddressValueError:
        return None


def read_mac(text: str) -> int | None:
    """``001b.5410.0000`` or ``00:1b:54:10:00:00`` as a number."""
    digits = text.replace(".", "").replace(":", "")
    return int(digits, 16) if re.fullmatch(r"[0-9a-fA-F]{12}", digits) else None


def refused_lines(network: LegacyNetwork, directory: Path) -> tuple[str, ...]:
    """Lines of startup configurations that their devices did not take, each with its file and line."""
    return tuple(
        f"{directory / CONFIGS / device}.cfg:{one.line}: {one.text}: {one.reason}"
        for device, problems in network.problems.items()
        for one in problems
    )


def running_inventory(directory: Path, host: str, ports: Mapping[str, int], known_hosts: str) -> str:
    """The directory's inventory with the address and port at which each device listens, as YAML."""
    words = yaml.load((directory / INVENTORY).read_text(encoding="utf-8"), _LOADER)
    defaults = {**words.get("defaults", {}), "known_hosts": known_hosts}
    devices = {name: {"host": host, "port": port} for name, port in ports.items()}
    return yaml.safe_dump(
        {"name": words.get("name", directory.name), "defaults": defaults, "devices": devices}, sort_keys=False
    )
