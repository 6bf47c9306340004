"""A discovered network as NetBox imports it: a list for each kind of object, in the order of their import.

Lives here: what becomes of devices, ports, VLANs, addresses and cables there. Must not know: NetBox's API. The fields
are those of NetBox 4.6's forms for bulk import (JSON or YAML; ``dcim`` and ``ipam``, ``forms/bulk_import.py``).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from clos.controller.migrate.model import TRUNK, Device, Interface, Network

Rows = list[dict[str, Any]]
SITE = "legacy"
_TYPES = {
    "FastEthernet": "100base-tx", "GigabitEthernet": "1000base-t", "TwoGigabitEthernet": "2.5gbase-t",
    "FiveGigabitEthernet": "5gbase-t", "TenGigabitEthernet": "10gbase-x-sfpp", "TwentyFiveGigE": "25gbase-x-sfp28",
    "FortyGigabitEthernet": "40gbase-x-qsfpp", "HundredGigE": "100gbase-x-qsfp28", "Port-channel": "lag",
    "Vlan": "virtual", "Loopback": "virtual", "Tunnel": "virtual", "Ethernet": "other",
}  # fmt: skip
"""An interface's kind -> NetBox's type; what is not here is ``other``."""
_PLATFORMS = {"ios": "Cisco IOS", "iosxe": "Cisco IOS-XE", "nxos": "Cisco NX-OS"}


def netbox_objects(network: Network) -> dict[str, Rows]:
    """All objects; the file of each kind can be imported when those before it are."""
    devices = network.devices.values()
    found = {
        "sites": [{"name": SITE, "slug": SITE, "status": "active"}],
        "manufacturers": [{"name": "Cisco", "slug": "cisco"}],
        "device-roles": [{"name": "Legacy switch", "slug": "legacy-switch", "color": "9e9e9e"}],
        "platforms": [
            {"name": _PLATFORMS[word], "slug": _slug(_PLATFORMS[word]), "manufacturer": "Cisco"}
            for word in sorted({device.platform for device in devices} & _PLATFORMS.keys())
        ],
        "device-types": [
            {"manufacturer": "Cisco", "model": model, "slug": _slug(model)} for model in sorted({*map(_model, devices)})
        ],
        "vrfs": [{"name": name} for name in sorted({vrf for device in devices for vrf in device.vrfs})],
        "devices": [_device(device) for device in devices],
        "vlans": list(_vlans(network)),
        "interfaces": [row for device in devices for row in _interfaces(device)],
        "prefixes": list(_prefixes(network)),
        "ip-addresses": list(_addresses(network)),
        "cables": list(_cables(network)),
    }
    return {kind: rows for kind, rows in found.items() if rows}


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def _model(device: Device) -> str:
    return device.state.facts.get("chassis") or "unknown"


def _device(device: Device) -> dict[str, Any]:
    row = {
        "name": device.name, "role": "Legacy switch", "manufacturer": "Cisco", "device_type": _model(device),
        "status": "active", "site": SITE, "serial": device.serial or "",
        "platform": _PLATFORMS.get(device.platform, ""),
        "comments": f"software {device.version}" if device.version else "",
    }  # fmt: skip
    return {key: value for key, value in row.items() if value}


def _vlans(network: Network) -> Iterator[dict[str, Any]]:
    """A VLAN for each number; of several names the one that most devices have."""
    names: dict[int, Counter[str]] = {}
    for device in network.devices.values():
        for vlan, name in {**(device.state.vlans or {}), **device.vlans}.items():
            names.setdefault(vlan, Counter())[name or f"VLAN{vlan:04d}"] += 1
    for vlan, counts in sorted(names.items()):
        if 1 <= vlan <= 4094 and vlan not in range(1002, 1006):
            yield {
                "site": SITE,
                "vid": vlan,
                "name": min(counts, key=lambda n: (-counts[n], n))[:64],
                "status": "active",
            }


def _interfaces(device: Device) -> Iterator[dict[str, Any]]:
    """Port-channels first, for their members name them."""
    ordered = sorted(device.interfaces.values(), key=lambda port: not port.name.startswith("Port-channel"))
    known = set(device.vlans) | set(device.state.vlans or ())
    for port in ordered:
        yield {key: value for key, value in _interface(device, port, known).items() if value not in ("", None)}


def _interface(device: Device, port: Interface, known: set[int]) -> dict[str, Any]:
    row: dict[str, Any] = {
        "device": device.name,
        "name": port.name,
        "type": _kind(port.name),
        "enabled": not port.shutdown,
        "description": port.description[:200],
        "mtu": port.mtu,
        "vrf": port.vrf,
        "lag": f"Port-channel{port.channel}" if port.channel is not None else None,
        "parent": port.name.split(".")[0] if "." in port.name else None,
    }
    if port.mode == TRUNK and port.allowed is not None:
        tagged = sorted((port.allowed & known) - {port.native_vlan})
        every = port.allowed >= known
        row |= {"mode": "tagged-all" if every else "tagged", "untagged_vlan": port.native_vlan}
        row |= {} if every or not tagged else {"tagged_vlans": ",".join(map(str, tagged))}
    elif port.mode in ("access", "dynamic"):
        row |= {"mode": "access", "untagged_vlan": port.access_vlan}
    return row


def _kind(name: str) -> str:
    if "." in name:
        return "virtual"
    return _TYPES.get(re.split(r"\d", name, maxsplit=1)[0], "other")


def _prefixes(network: Network) -> Iterator[dict[str, Any]]:
    seen: dict[tuple[str, str | None], int | None] = {}
    for device in network.devices.values():
        for port in device.interfaces.values():
            vlan = re.fullmatch(r"Vlan(\d+)", port.name)
            for address in port.addresses:
                if address.network.prefixlen < 32:
                    seen.setdefault((str(address.network), port.vrf), int(vlan[1]) if vlan else None)
    for (prefix, vrf), number in sorted(seen.items(), key=str):
        row = {"prefix": prefix, "vrf": vrf, "status": "active", "vlan_site": SITE if number else None, "vlan": number}
        yield {key: value for key, value in row.items() if value is not None}


def _addresses(network: Network) -> Iterator[dict[str, Any]]:
    """Those of interfaces, then HSRP's virtual ones, each once."""
    virtual: dict[tuple[str, str | None], str] = {}
    for device in network.devices.values():
        for port in device.interfaces.values():
            for number, address in enumerate(port.addresses):
                row = {
                    "address": str(address), "vrf": port.vrf, "status": "active", "device": device.name,
                    "interface": port.name, "role": "secondary" if number else None,
                }  # fmt: skip
                yield {key: value for key, value in row.items() if value is not None}
            for group in port.hsrp:
                for one in (group.address, *group.secondaries):
                    network_of = next((a.network for a in port.addresses if one and one in a.network), None)
                    if one and network_of:
                        virtual.setdefault((f"{one}/{network_of.prefixlen}", port.vrf), f"HSRP group {group.group}")
    for (text, vrf), words in sorted(virtual.items(), key=str):
        row = {"address": text, "vrf": vrf, "status": "active", "role": "hsrp", "description": words}
        yield {key: value for key, value in row.items() if value is not None}


def _cables(network: Network) -> Iterator[dict[str, Any]]:
    """Between physical ports; what is inferred says so."""
    reasons: Mapping[Any, str] = dict(network.inferred)
    for cable in network.cables:
        if any(_kind(port) in ("lag", "virtual") for _, port in cable):
            continue
        (a, a_port), (b, b_port) = cable
        row = {
            "side_a_device": a, "side_a_type": "dcim.interface", "side_a_name": a_port,
            "side_b_device": b, "side_b_type": "dcim.interface", "side_b_name": b_port,
            "status": "connected", "description": f"inferred: {reasons[cable]}"[:200] if cable in reasons else None,
        }  # fmt: skip
        yield {key: value for key, value in row.items() if value is not None}
