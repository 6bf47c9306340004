"""Discovery's readers held against an independent reading of the same outputs, field by field.

    python -m benchmarks.legacy_fields DIR

DIR has ``genie/PLATFORM/COMMAND/NAME.txt`` with ``NAME.json`` beside it. For each output: how many of the fields that
discovery keeps are equal on both sides, and each that differs.
"""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

from benchmarks.legacy_more_fields import MORE, PLAIN_INTERFACES, walk
from clos.controller.migrate.discover.lines import Output
from clos.controller.migrate.discover.names import interface_name, mac_text, vlan_set
from clos.controller.migrate.discover.readers import reader_of
from clos.controller.migrate.model import State

Facts = Iterator[tuple[tuple[Any, ...], Any]]
"""(what it is of, value): the same on both sides."""
_HYPHENS = {"mac address table": "mac address-table", "spanning tree": "spanning-tree", "access lists": "access-lists"}


PORT_FIELDS = (
    ("cost", "cost"),
    ("port_num", "number"),
    ("port_priority", "priority"),
    ("role", "role"),
    ("port_state", "state"),
)
VERSION_FIELDS = (
    ("version", "version"),
    ("xe_version", "xe_version"),
    ("hostname", "hostname"),
    ("uptime", "uptime"),
    ("system_image", "system_image"),
    ("curr_config_register", "register"),
    ("chassis", "chassis"),
    ("processor_board_id", "serial"),
    ("chassis_sn", "serial"),
)
"""Their name of a field, and ours."""


def command_of(folder: str) -> str:
    """``ShowMacAddressTable`` -> ``show mac address-table``."""
    words = re.sub(r"(?<!^)([A-Z])", r" \1", folder).lower()
    for plain, hyphened in _HYPHENS.items():
        words = words.replace(plain, hyphened)
    return words


def items(value: Any) -> Any:
    return value.items() if isinstance(value, dict) else ()


class Loose(dict[str, Any]):
    """A mapping of an independent reading: what it lacks is an empty one, and no fact."""

    def __missing__(self, key: str) -> Any:
        return Loose()


def their_trees(data: Any) -> Facts:
    for path, value in walk(data):
        if len(path) < 2 or path[-2] not in {"vlans", "mst_instances"}:
            continue
        tree = int(path[-1])
        for side in ("root", "bridge"):
            for name, key in (("address", "mac"), ("priority", "priority"), ("cost", "cost"), ("interface", "port")):
                if side in value and name in value[side] and not (side == "bridge" and name == "cost"):
                    yield (tree, side, key), value[side][name]
        if "bridge_address" in value:
            yield (tree, "bridge", "mac"), value["bridge_address"]
            yield (tree, "bridge", "priority"), value["bridge_priority"] + value.get("bridge_sysid", 0)
        for name, port in items(value.get("interfaces")):
            for theirs, ours in PORT_FIELDS:
                if theirs in port:
                    yield (tree, name, ours), port[theirs]
            if "status" in port:
                words = port["status"].split("(")[0].split()
                yield (tree, name, "state"), words[-1]


def our_trees(state: State) -> Facts:
    for tree in state.trees or ():
        yield (tree.vlan, "root", "mac"), mac_text(tree.root_mac)
        yield (tree.vlan, "root", "priority"), tree.root_priority
        yield (tree.vlan, "root", "cost"), tree.root_cost
        yield (tree.vlan, "root", "port"), tree.root_port
        yield (tree.vlan, "bridge", "mac"), mac_text(tree.bridge_mac)
        yield (tree.vlan, "bridge", "priority"), tree.bridge_priority
        for port in tree.ports:
            for field in ("cost", "number", "priority", "role", "state"):
                yield (tree.vlan, port.name, field), getattr(port, field)


def their_macs(data: Any) -> Facts:
    for vlan, value in items(data.get("mac_table", {}).get("vlans")):
        for mac, entry in items(value.get("mac_addresses")):
            ports = entry.get("interfaces") or {"Drop": entry.get("drop", {})}
            yield (vlan if vlan.isdigit() else "all", mac, "ports"), sorted(ports)
            for port in ports.values():
                yield (vlan if vlan.isdigit() else "all", mac, "kind"), port.get("entry_type")


def our_macs(state: State) -> Facts:
    for row in state.macs or ():
        vlan = str(row.vlan) if row.vlan is not None else "all"
        yield (vlan, mac_text(row.mac), "ports"), sorted({"Drop" if port == "Drop" else port for port in row.ports})
        yield (vlan, mac_text(row.mac), "kind"), row.kind


def their_arp(data: Any) -> Facts:
    for path, value in walk(data):
        if "link_layer_address" in value:
            interface = path[path.index("interfaces") + 1] if "interfaces" in path else ""
            yield (value["ip"], "mac"), value["link_layer_address"]
            yield (value["ip"], "age"), value["age"]
            yield (value["ip"], "interface"), interface.strip() or None


def our_arp(state: State) -> Facts:
    for row in state.arp or ():
        yield (str(row.address), "mac"), mac_text(row.mac) if row.mac is not None else "Incomplete"
        yield (str(row.address), "age"), "-" if row.age_min is None else str(row.age_min)
        yield (str(row.address), "interface"), row.interface


def their_neighbors(data: Any) -> Facts:
    for value in (data.get("index") or {}).values():
        key = value["local_interface"], value["device_id"]
        for theirs, ours in (
            ("port_id", "port"),
            ("platform", "platform"),
            ("native_vlan", "native"),
            ("duplex_mode", "duplex"),
        ):
            yield (*key, ours), str(value.get(theirs, ""))
        yield (*key, "capabilities"), value.get("capabilities", "").split()
        first = next(iter(value.get("entry_addresses") or value.get("management_addresses") or {}), None)
        yield (*key, "address"), first
    for interface, value in items(data.get("interfaces")):
        for port, inner in items(value.get("port_id")):
            for name, neighbor in items(inner.get("neighbors")):
                yield (interface, name, "port"), port.lower()
                yield (interface, name, "address"), neighbor.get("management_address")


def our_neighbors(state: State) -> Facts:
    for row in state.neighbors or ():
        key = row.interface, row.device
        yield (*key, "port"), row.port.lower() if row.protocol == "lldp" else row.port
        yield (*key, "address"), str(row.address) if row.address else None
        if row.protocol == "cdp":
            yield (*key, "platform"), row.platform
            yield (*key, "native"), "" if row.native_vlan is None else str(row.native_vlan)
            yield (*key, "duplex"), row.duplex or ""
            yield (*key, "capabilities"), list(row.capabilities)


def their_hsrp(data: Any) -> Facts:
    for path, value in walk(data):
        if "hsrp_router_state" in value:
            key = path[0], value["group_number"]
            yield (*key, "state"), value["hsrp_router_state"]
            yield (*key, "priority"), value["priority"]
            yield (*key, "address"), value.get("primary_ipv4_address", {}).get("address")
            yield (*key, "active"), value["active_router"]
            yield (*key, "standby"), value["standby_router"]
            yield (*key, "preempt"), value.get("preempt", False)
            yield (*key, "hello"), value["timers"]["hello_sec"]
            yield (*key, "hold"), value["timers"]["hold_sec"]
            yield (*key, "mac"), value["virtual_mac_address"]
    for name, value in items(data.get("interface")):
        key = interface_name(name), value["grp"]
        yield (*key, "state"), value["state"].lower()
        yield (*key, "priority"), value["priority"]
        yield (*key, "active"), value["active"]
        yield (*key, "standby"), value["standby"]
        yield (*key, "address"), value["virtual_ip"]


def our_hsrp(state: State) -> Facts:
    for row in state.hsrp or ():
        key = row.interface, row.group
        yield (*key, "state"), row.state.lower()
        yield (*key, "priority"), row.priority
        yield (*key, "address"), str(row.address) if row.address else "unknown"
        yield (*key, "active"), row.active or "unknown"
        yield (*key, "standby"), row.standby or "unknown"
        yield (*key, "preempt"), row.preempt
        yield (*key, "hello"), (row.hello_ms or 0) // 1000
        yield (*key, "hold"), (row.hold_ms or 0) // 1000
        yield (*key, "mac"), mac_text(row.virtual_mac) if row.virtual_mac else "unknown"


def their_eigrp(data: Any) -> Facts:
    for path, value in walk(data):
        words = dict(pairwise(path))
        vrf = words.get("vrf", "default")
        asn = words.get("eigrp_instance", "") or "0"
        where = asn if asn.isdigit() else "0", vrf
        if path and path[-1] in {"eigrp_nbr"}:
            for address, row in value.items():
                key = *where, words["eigrp_interface"], address
                yield (*key, "hold"), row["hold"]
                yield (*key, "uptime"), row["uptime"]
                yield (*key, "srtt"), round(row.get("srtt", 0) * 1000)
                yield (*key, "rto"), row["rto"]
                yield (*key, "queue"), row["q_cnt"]
                yield (*key, "sequence"), row["last_seq_number"]
        if path and path[-1] == "eigrp_routes":
            for prefix, row in value.items():
                yield (*where, prefix, "distance"), row["FD"]
                yield (*where, prefix, "successors"), row["successor_count"]
                yield (*where, prefix, "state"), row["route_code"]
                yield (*where, prefix, "interface"), row.get("outgoing_interface")
        if "mcast_flow_timer" in value:
            key = *where, words["interface"]
            yield (*key, "peers"), value["peers"]
            yield (*key, "srtt"), value["mean_srtt"]
            yield (*key, "flow"), value["mcast_flow_timer"]
            yield (*key, "pending"), value["pend_routes"]
            for field in ("hello_interval", "hold_time", "split_horizon_enabled"):
                yield (*key, field), value.get(field)


def our_eigrp(state: State) -> Facts:
    for row in state.eigrp_neighbors or ():
        key: tuple[Any, ...] = str(row.asn), row.vrf or "default", row.interface, str(row.address)
        for name, value in (("hold", row.hold_s), ("uptime", row.uptime), ("srtt", row.srtt_ms), ("rto", row.rto_ms),
                            ("queue", row.queue), ("sequence", row.sequence)):  # fmt: skip
            yield (*key, name), value
    for entry in state.eigrp_topology or ():
        key = str(entry.asn), entry.vrf or "default", str(entry.prefix)
        yield (*key, "distance"), entry.feasible_distance
        yield (*key, "successors"), entry.successors
        yield (*key, "state"), entry.state
        yield (*key, "interface"), entry.paths[0].interface
    for port in state.eigrp_interfaces or ():
        key = str(port.asn), port.vrf or "default", port.interface
        yield (*key, "peers"), port.peers
        yield (*key, "srtt"), port.srtt_ms
        yield (*key, "flow"), port.multicast_flow_timer
        yield (*key, "pending"), port.pending_routes
        yield (*key, "hello_interval"), port.hello_s
        yield (*key, "hold_time"), port.hold_s
        yield (*key, "split_horizon_enabled"), port.split_horizon


def their_routes(data: Any) -> Facts:
    for path, value in walk(data):
        if "source_protocol_codes" in value and "route" in value:
            vrf = path[path.index("vrf") + 1]
            key = vrf, value["route"]
            hops = value.get("next_hop", {})
            yield (*key, "code"), value["source_protocol_codes"].replace("*", "").replace(" ", "")
            yield (*key, "metric"), value.get("metric")
            yield (*key, "distance"), value.get("route_preference")
            listed = hops.get("next_hop_list", {}).values()
            yield (*key, "via"), sorted(hop["next_hop"] for hop in listed if ":" not in hop.get("next_hop", ":"))
            names = [hop.get("outgoing_interface") for hop in listed] + list(hops.get("outgoing_interface", {}))
            yield (*key, "interfaces"), sorted(name for name in names if name)


def our_routes(state: State) -> Facts:
    found: dict[tuple[str, str], list[Any]] = {}
    for row in state.routes or ():
        found.setdefault((row.vrf or "default", str(row.prefix)), []).append(row)
    for key, rows in found.items():
        yield (*key, "code"), re.sub(r"[* ]", "", rows[0].code)
        yield (*key, "metric"), rows[0].metric
        yield (*key, "distance"), rows[0].distance
        yield (*key, "via"), sorted(str(row.via) for row in rows if row.via)
        yield (*key, "interfaces"), sorted(row.interface for row in rows if row.interface)


def their_ports(data: Any) -> Facts:
    for name, value in items(data.get("interface")):  # trunk
        for theirs, ours in (("vlans_allowed_on_trunk", "allowed"), ("vlans_allowed_active_in_mgmt_domain", "active"),
                             ("vlans_in_stp_forwarding_not_pruned", "forwarding")):  # fmt: skip
            yield (name, ours), sorted(vlan_set(value[theirs]))
        for field in ("encapsulation", "mode", "status", "native_vlan"):
            yield (name, field), value[field]
    for name, value in items(data.get("interfaces")):  # etherchannel
        yield (name, "flags"), value["flags"]
        yield (name, "number"), value["bundle_id"]
        yield (name, "protocol"), (value.get("protocol") or "").lower()
        yield (name, "members"), sorted((port, row["flags"]) for port, row in items(value.get("members")))
    for name, value in data.items():  # switchport
        if isinstance(value, dict) and "switchport_enable" in value:
            yield (name, "enabled"), value["switchport_enable"]
            yield (name, "admin"), value["switchport_mode"]
            yield (name, "oper"), value["operational_mode"]
            yield (name, "access"), value.get("access_vlan")
            yield (name, "native"), value["encapsulation"].get("native_vlan")
            yield (name, "allowed"), sorted(vlan_set(value.get("trunk_vlans", "none")))


def our_ports(state: State) -> Facts:
    for trunk in state.trunks or ():
        yield (trunk.name, "allowed"), sorted(trunk.allowed)
        yield (trunk.name, "active"), sorted(trunk.active)
        yield (trunk.name, "forwarding"), sorted(trunk.forwarding)
        for field in ("encapsulation", "mode", "status"):
            yield (trunk.name, field), getattr(trunk, field)
        yield (trunk.name, "native_vlan"), str(trunk.native_vlan)
    for channel in state.channels or ():
        yield (channel.name, "flags"), channel.flags
        yield (channel.name, "number"), channel.number
        yield (channel.name, "protocol"), (channel.protocol or "").lower()
        yield (channel.name, "members"), sorted(channel.members)
    for port in state.switchports or ():
        yield (port.name, "enabled"), port.enabled
        yield (port.name, "admin"), port.admin_mode
        yield (port.name, "oper"), port.oper_mode
        yield (port.name, "access"), str(port.access_vlan)
        yield (port.name, "native"), str(port.native_vlan)
        yield (port.name, "allowed"), sorted(port.allowed or ())


def their_words(data: Any) -> Facts:
    for vlan, value in items(data.get("vlans")):
        if "name" in value:
            yield (vlan, "name"), value["name"]
            yield (vlan, "ports"), sorted(value.get("interfaces", ()))
    version = data.get("version", {})
    for theirs, ours in VERSION_FIELDS:
        if isinstance(version, dict) and theirs in version:
            yield (ours,), version[theirs]
    vtp = data.get("vtp", {})
    if vtp:
        feature = vtp.get("feature", {}).get("vlan", vtp)
        yield ("vtp_domain",), vtp.get("domain_name", "")
        yield ("vtp_mode",), feature["operating_mode"]
        yield ("vtp_vlans",), str(feature["existing_vlans"])
        yield ("vtp_revision",), str(feature["configuration_revision"])
    for name, value in data.items():
        for number, line in items(value.get("aces") if isinstance(value, dict) else None):
            yield ("acl", name, number), line["actions"]["forwarding"]


def our_words(state: State) -> Facts:
    for row in state.vlan_table or ():
        yield (str(row.vlan), "name"), row.name
        yield (str(row.vlan), "ports"), sorted(row.ports)
    for name, value in state.facts.items():
        yield (name,), value.lower() if name == "vtp_mode" else value
    for acl in state.access_lists or ():
        for line in acl.lines:
            yield ("acl", acl.name, str(line.sequence)), line.text.split()[0]


SIDES: tuple[tuple[str, Callable[[Any], Facts], Callable[[State], Facts]], ...] = (
    *MORE,
    ("show spanning-tree", their_trees, our_trees),
    ("show mac address-table", their_macs, our_macs),
    ("show ip arp", their_arp, our_arp),
    ("show arp", their_arp, our_arp),
    ("show cdp", their_neighbors, our_neighbors),
    ("show lldp", their_neighbors, our_neighbors),
    ("show standby", their_hsrp, our_hsrp),
    ("show ip eigrp", their_eigrp, our_eigrp),
    ("show ip route", their_routes, our_routes),
    ("show interfaces", their_ports, our_ports),
    ("show etherchannel", their_ports, our_ports),
    ("show", their_words, our_words),
)


def main(directory: Path) -> None:
    kinds = ("outputs", "without a reader", "unparsed lines", "equal", "differ", "only ours")
    totals: Counter[str] = Counter(dict.fromkeys(kinds, 0))
    for path in sorted(directory.glob("genie/*/*/*.json")):
        command = command_of(path.parent.name)
        known = reader_of(command)
        totals["outputs"] += 1
        if known is None:
            totals["without a reader"] += 1
            print(f"{command}: no reader ({path.name})")
            continue
        text = path.with_suffix(".txt").read_text(encoding="utf-8", errors="replace")
        reading = known.reader.read(Output(path.stem, command, text))
        sides = (PLAIN_INTERFACES,) if command == "show interfaces" else SIDES
        theirs, ours = next((a, b) for start, a, b in sides if command.startswith(start))
        kept = dict(ours(State(**reading.values)))
        document = json.loads(path.read_text(encoding="utf-8"), object_hook=Loose)
        read = {key: value for key, value in theirs(document) if value is not None and not isinstance(value, Loose)}
        for line in reading.unparsed:
            print(f"{command} {path.parent.parent.name}/{path.name}: unparsed: {line.source.line}: {line.text}")
        totals["unparsed lines"] += len(reading.unparsed)
        for key in sorted(read, key=str):
            same = key in kept and kept[key] == read[key]
            totals["equal" if same else "differ"] += 1
            if not same:
                ours_text = repr(kept[key]) if key in kept else "nothing"
                print(f"{command} {path.parent.parent.name}/{path.name}: {key}: theirs {read[key]!r}, ours {ours_text}")
        totals["only ours"] += len(kept.keys() - read.keys())
    print(", ".join(f"{name} {number}" for name, number in totals.items()))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
