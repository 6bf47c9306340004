"""More sides for ``benchmarks.legacy_fields``: summaries, protocols, inventories, addresses, ports by status.

Lives here: pairs of functions that give the same facts, one of the independent reading, one of ours.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from clos.controller.migrate.discover.names import interface_name, mac_address
from clos.controller.migrate.model import State

Facts = Iterator[tuple[tuple[Any, ...], Any]]
Walk = Callable[..., Iterator[tuple[tuple[str, ...], Any]]]
_COUNTS = ("blocking", "listening", "learning", "forwarding", "stp_active")


def walk(value: Any, *path: str) -> Iterator[tuple[tuple[str, ...], Any]]:
    """(keys, value) of every mapping at any depth."""
    if isinstance(value, dict):
        yield path, value
        for key, inner in value.items():
            yield from walk(inner, *path, key)


def _trees(text: str) -> list[str]:
    return sorted(name for name in re.split(r"[,\s]+", text.strip(". ")) if name and name.lower() != "none")


def their_summary(data: Any) -> Facts:
    for mode, trees in (data.get("mode") or {}).items():
        yield ("mode",), mode.replace("_", "-")
        for name, states in trees.items():
            yield (name,), tuple(states[word] for word in _COUNTS)
    if "root_bridge_for" in data:
        yield ("root for",), _trees(data["root_bridge_for"])


def our_summary(state: State) -> Facts:
    yield ("mode",), state.stp_mode
    yield ("root for",), _trees(" ".join(state.stp_root_for or ()))
    for name, counts in state.stp_counts or ():
        yield (name,), counts


def their_protocols(data: Any) -> Facts:
    for path, value in walk(data):
        name = _protocol(path, data)
        if name is None:
            continue
        single = (value.get("preference") or {}).get("single_value") or {}
        yield (name, "maximum path"), value.get("maximum_path", value.get("maximum_paths"))
        yield (name, "distance"), single.get("all") or value.get("distance")
        yield (name, "router id"), value.get("router_id")
        yield (name, "passive"), sorted(value["passive_interfaces"]) if value.get("passive_interfaces") else None
        yield (name, "networks"), sorted(value["configured_interfaces"]) if value.get("configured_interfaces") else None
        sources = value.get("routing_information_sources") or {}
        gateways = sorted(sources.get("gateway") or sources) or (
            sorted(value["neighbors"]) if name == "rip" and value.get("neighbors") else None
        )
        yield (name, "sources"), gateways or None


def _protocol(path: tuple[str, ...], data: Any) -> str | None:
    """The name of the protocol that a mapping is of: ``isis banana``, ``bgp 65000``, ``rip``."""
    if path[:2] == ("protocols", "application") and len(path) == 2:
        return "application"
    if len(path) < 3 or path[0] != "protocols" or path[-1] in {"gateway"}:
        return None
    if path[1] == "bgp" and path[-1] == "ipv4":
        return f"bgp {data['protocols']['bgp']['instance'][path[3]]['bgp_id']}"
    if path[-2] == "instance" and path[1] != "bgp":
        return path[1] if path[-1] in {"default", path[1]} else f"{path[1]} {path[-1]}"
    return None


def our_protocols(state: State) -> Facts:
    for one in state.protocols or ():
        yield (one.name, "maximum path"), one.maximum_paths
        yield (one.name, "distance"), one.distance[0] if len(one.distance) == 1 else None
        yield (one.name, "router id"), str(one.router_id) if one.router_id else None
        yield (one.name, "passive"), sorted(one.passive)
        yield (one.name, "networks"), sorted(one.networks)
        yield (one.name, "sources"), sorted({row.split()[0] for row in one.sources})


def their_inventory(data: Any) -> Facts:
    """By serial number, part and name: an independent reading files the items by slot."""
    seen = {
        (value["name"].strip(), value["pid"].strip(), (value.get("sn") or "").strip())
        for _, value in walk(data)
        if "name" in value and "pid" in value
    }
    for item in seen:
        yield item, True


def our_inventory(state: State) -> Facts:
    for item in state.inventory or ():
        yield (item.name, item.pid, item.serial), True


def their_addresses(data: Any) -> Facts:
    for name, value in (data.get("interface") or {}).items():
        yield (name, "address"), value["ip_address"]
        yield (name, "method"), value["method"]
        yield (name, "status"), value["status"]
        yield (name, "up"), value["protocol"] == "up"


def our_addresses(state: State) -> Facts:
    for row in state.addresses or ():
        yield (row.interface, "address"), str(row.address) if row.address else "unassigned"
        yield (row.interface, "method"), row.method
        yield (row.interface, "status"), row.status
        yield (row.interface, "up"), row.up


def their_status(data: Any) -> Facts:
    for name, value in (data.get("interfaces") or {}).items():
        for field, key in (("description", "name"), ("status", "status"), ("vlan", "vlan"), ("duplex", "duplex_code"),
                           ("speed", "port_speed"), ("kind", "type")):  # fmt: skip
            if key in value:
                yield (name, field), value[key]


def our_status(state: State) -> Facts:
    for row in state.ports or ():
        for field in ("description", "status", "vlan", "duplex", "speed", "kind"):
            yield (row.name, field), getattr(row, field)


def their_interfaces(data: Any) -> Facts:
    for name, value in data.items():
        if isinstance(value, dict) and "oper_status" in value:
            yield (interface_name(name), "mtu"), value.get("mtu")
            yield (interface_name(name), "bandwidth"), value.get("bandwidth")
            yield (interface_name(name), "delay"), value.get("delay")
            mac = value.get("mac_address")
            yield (interface_name(name), "mac"), mac_address(mac) if mac else None


def our_interfaces(state: State) -> Facts:
    for row in state.interfaces or ():
        yield (row.name, "mtu"), row.mtu
        yield (row.name, "bandwidth"), row.bandwidth_kbps
        yield (row.name, "delay"), row.delay_us
        yield (row.name, "mac"), row.mac


def their_virtual(data: Any) -> Facts:
    for family in (data.get("virtual_ip_hash_table") or {}).values():
        for value in family.values():
            yield (interface_name(value["interface"].capitalize()), value["group"], "address"), value["ip"]
    for value in (data.get("mac_address_table") or {}).values():
        key = interface_name(value["interface"].capitalize()), value["group"]
        yield (*key, "mac"), mac_address(value["mac_address"])


def our_virtual(state: State) -> Facts:
    for row in state.hsrp_virtual or ():
        yield (row.interface, row.group, "mac" if row.mac is not None else "address"), row.address or row.mac


MORE = (
    ("show spanning-tree summary", their_summary, our_summary),
    ("show ip protocols", their_protocols, our_protocols),
    ("show inventory", their_inventory, our_inventory),
    ("show ip interface brief", their_addresses, our_addresses),
    ("show interfaces status", their_status, our_status),
    ("show standby internal", their_virtual, our_virtual),
)
PLAIN_INTERFACES = ("show interfaces", their_interfaces, our_interfaces)
"""Of ``show interfaces`` without more words."""
