"""VLANs, trunks, switchports, port status, port-channels, VTP: outputs of a switch's second layer."""

from __future__ import annotations

from collections.abc import Iterator

from clos.fabric.sim.legacy.device import LegacyDevice
from clos.fabric.sim.legacy.grammar import INVALID, Match
from clos.fabric.sim.legacy.names import short_name, split_name
from clos.fabric.sim.legacy.show.words import listed, mac_text, text_of
from clos.fabric.sim.legacy.tree import value
from clos.fabric.sim.legacy.vlans import EVERY, wrapped, write_vlans

_VLAN_HEAD = (
    "",
    "VLAN Name                             Status    Ports",
    "---- -------------------------------- --------- -------------------------------",
)
_OLD = ((1002, "fddi-default"), (1003, "token-ring-default"), (1004, "fddinet-default"), (1005, "trnet-default"))


def vlan_brief(device: LegacyDevice, match: Match) -> str:
    return text_of(_vlan_rows(device))


def vlan(device: LegacyDevice, match: Match) -> str:
    """``show vlan``: the table, and below it the types of old that are still printed."""
    lines = [
        *_vlan_rows(device),
        "",
        "VLAN Type  SAID       MTU   Parent RingNo BridgeNo Stp  BrdgMode Trans1 Trans2",
        "---- ----- ---------- ----- ------ ------ -------- ---- -------- ------ ------",
        *(
            f"{number:<4} enet  {100000 + number:<10} 1500  -      -      -        -    -        0      0"
            for number in device.vlans()
        ),
        "",
        "Remote SPAN VLANs",
        "-" * 78,
        "",
        "",
        "Primary Secondary Type              Ports",
        "------- --------- ----------------- ------------------------------------------",
        "",
    ]
    return text_of(lines)


def _vlan_rows(device: LegacyDevice) -> Iterator[str]:
    yield from _VLAN_HEAD
    for number, name in device.vlans().items():
        ports = [short_name(port) for port in _access_ports(device, number)]
        first, *more = list(listed(ports, 48))
        yield f"{number:<4} {name:<32} {'active':<9} {first}".rstrip()
        yield from (f"{'':48}{line}" for line in more)
    yield from (f"{number:<4} {name:<32} act/unsup" for number, name in _OLD)


def _access_ports(device: LegacyDevice, vlan: int) -> Iterator[str]:
    """Ports whose access VLAN this is, unless they trunk."""
    for name in device.interfaces():
        alone = split_name(name)[0] != "Port-channel" and device.channel(name) is None
        access = int(value(device.interface(name), "switchport access vlan") or 1)
        if alone and access == vlan and device.switches(name) and not _trunks(device, name):
            yield name


def _trunks(device: LegacyDevice, name: str) -> bool:
    """Whether the port trunks now: it is one that is configured to, and it is up."""
    return value(device.interface(name), "switchport mode") == "trunk" and device.up(name)


def trunks(device: LegacyDevice, match: Match) -> str:
    """Four tables over the same ports. The last is left out where no spanning tree runs: nobody knows it then."""
    ports = [name for name in device.switchports() if _trunks(device, name)]
    if not ports:
        return ""
    known = frozenset(device.vlans())
    tables = [
        _column(
            ["", "Port        Mode             Encapsulation  Status        Native vlan"],
            ports,
            lambda name: _trunk(device, name),
        ),
        _column(["", "Port        Vlans allowed on trunk"], ports, lambda name: write_vlans(device.carries(name))),
        _column(
            ["", "Port        Vlans allowed and active in management domain"],
            ports,
            lambda name: write_vlans(device.carries(name) & known),
        ),
    ]
    trees = device.machines.trees()
    if trees is not None:
        forwarding = {
            name: write_vlans(
                vlan
                for tree in trees
                for port in tree.ports
                if port.name == name and port.state == "forwarding"
                for vlan in ((tree.vlan,) if tree.vlan else device.carries(name) & known)
            )
            for name in ports
        }
        head = ["", "Port        Vlans in spanning tree forwarding state and not pruned"]
        tables.append(_column(head, ports, forwarding.__getitem__))
    return text_of(line for table in tables for line in table)


def _column(head: list[str], ports: list[str], cell: object) -> list[str]:
    assert callable(cell)
    return [*head, *(f"{short_name(name):<12}{cell(name)}" for name in ports)]


def _trunk(device: LegacyDevice, name: str) -> str:
    native = value(device.interface(name), "switchport trunk native vlan") or "1"
    return f"{'on':<17}{'802.1q':<15}{'trunking':<14}{native}"


def switchport(device: LegacyDevice, match: Match) -> str:
    wanted = match.arguments[0] if match.arguments else None
    names = [name for name in device.interfaces() if split_name(name)[0] != "Vlan"]
    return text_of(
        line
        for name in names
        if (wanted is None or name == wanted) and device.switches(name)
        for line in (*_switchport(device, name), "")
    )


def _switchport(device: LegacyDevice, name: str) -> Iterator[str]:
    lines, channel = device.interface(name), device.channel(name)
    mode = value(lines, "switchport mode")
    admin = {"access": "static access", "trunk": "trunk", None: "dynamic auto"}.get(mode, mode)
    working = device.up(name)
    oper = ("trunk" if mode == "trunk" else "static access") if working else "down"
    member = f" (member of bundle {short_name(f'Port-channel{channel}')})" if channel and working else ""
    access = int(value(lines, "switchport access vlan") or 1)
    native = int(value(lines, "switchport trunk native vlan") or 1)
    allowed = device.carries(name) if mode == "trunk" else EVERY
    yield f"Name: {short_name(name)}"
    yield "Switchport: Enabled"
    yield f"Administrative Mode: {admin}"
    yield f"Operational Mode: {oper}{member}"
    yield "Administrative Trunking Encapsulation: dot1q"
    if working:
        yield f"Operational Trunking Encapsulation: {'dot1q' if mode == 'trunk' else 'native'}"
    yield f"Negotiation of Trunking: {'Off' if mode == 'access' or _has(lines, 'switchport nonegotiate') else 'On'}"
    yield f"Access Mode VLAN: {access} ({_vlan_name(device, access)})"
    yield f"Trunking Native Mode VLAN: {native} ({_vlan_name(device, native)})"
    yield "Administrative Native VLAN tagging: enabled"
    voice = value(lines, "switchport voice vlan")
    yield f"Voice VLAN: {f'{voice} ({_vlan_name(device, int(voice))})' if voice else 'none'}"
    yield "Administrative private-vlan host-association: none "
    yield "Administrative private-vlan mapping: none "
    yield "Operational private-vlan: none"
    text = "ALL" if allowed == EVERY else "NONE" if not allowed else write_vlans(allowed)
    first, *more = list(wrapped(text, 55))
    yield f"Trunking VLANs Enabled: {first}"
    yield from (f"     {line}" for line in more)
    yield "Pruning VLANs Enabled: 2-1001"
    yield "Capture Mode Disabled"
    yield "Capture VLANs Allowed: ALL"
    yield ""
    yield "Protected: false"
    yield "Unknown unicast blocked: disabled"
    yield "Unknown multicast blocked: disabled"
    yield "Appliance trust: none"


def _has(lines: object, text: str) -> bool:
    return isinstance(lines, tuple) and any(line.text == text for line in lines)


def _vlan_name(device: LegacyDevice, vlan: int) -> str:
    return device.vlans().get(vlan, "Inactive")


def status(device: LegacyDevice, match: Match) -> str:
    head = ["", "Port      Name               Status       Vlan       Duplex  Speed Type"]
    names = (name for name in device.interfaces() if split_name(name)[0] not in {"Vlan", "Loopback", "Null"})
    return text_of([*head, *(_status(device, name) for name in names)])


def _status(device: LegacyDevice, name: str) -> str:
    working, lines = device.up(name), device.interface(name)
    idle = "err-disabled" if name in device.errdisabled else "notconnect"
    word = "connected" if working else "disabled" if device.shut(name) else idle
    vlan = "routed" if not device.switches(name) else "trunk" if _trunks(device, name) else None
    vlan = vlan or value(lines, "switchport access vlan") or "1"
    speed = "10G" if split_name(name)[0] == "TenGigabitEthernet" else "1000"
    duplex, rate = ("a-full", f"a-{speed}") if working else ("auto", "auto")
    kind = "" if split_name(name)[0] == "Port-channel" else "10GBase-SR" if speed == "10G" else "10/100/1000BaseTX"
    description = (value(lines, "description") or "")[:18]
    return f"{short_name(name):<9} {description:<18} {word:<12} {vlan:<10} {duplex:>6} {rate:>6} {kind}".rstrip()


_FLAGS = (
    "Flags:  D - down        P - bundled in port-channel",
    "        I - stand-alone s - suspended",
    "        H - Hot-standby (LACP only)",
    "        R - Layer3      S - Layer2",
    "        U - in use      f - failed to allocate aggregator",
    "",
    "        M - not in use, minimum links not met",
    "        u - unsuitable for bundling",
    "        w - waiting to be aggregated",
    "        d - default port",
    "",
    "",
)
_PROTOCOLS = {"active": "LACP", "passive": "LACP", "auto": "PAgP", "desirable": "PAgP", "on": "-"}


def etherchannel_summary(device: LegacyDevice, match: Match) -> str:
    channels = [name for name in device.interfaces() if split_name(name)[0] == "Port-channel"]
    lines = [
        *_FLAGS,
        f"Number of channel-groups in use: {len(channels)}",
        f"Number of aggregators:           {len(channels)}",
        "",
        "Group  Port-channel  Protocol    Ports",
        "------+-------------+-----------+-----------------------------------------------",
        *(_channel(device, name) for name in channels),
        "",
    ]
    return text_of(lines)


def _channel(device: LegacyDevice, name: str) -> str:
    number = split_name(name)[1]
    members = device.members(int(number))
    words = value(device.interface(members[0]), "channel-group") if members else None
    protocol = _PROTOCOLS[words.split()[-1]] if words else "-"
    flags = ("S" if device.switches(name) else "R") + ("U" if device.up(name) else "D")
    ports = "".join(f"{short_name(port)}({'P' if device.up(port) else 'D'})".ljust(12) for port in members)
    return f"{number:<7}{short_name(name) + f'({flags})':<14}{protocol:^11} {ports}".rstrip()


_EVERY_VLAN = ("0100.0ccc.cccc", "0100.0ccc.cccd", "0180.c200.0000")
"""Addresses that the processor takes, in all VLANs."""


def mac_table(device: LegacyDevice, match: Match) -> str:
    macs = device.machines.macs()
    if macs is None:
        return f"{INVALID}\n\n"
    rows = [f" All    {mac}    STATIC      CPU" for mac in _EVERY_VLAN]
    rows += [f"{one.vlan:>4}    {mac_text(one.mac)}    DYNAMIC     {short_name(one.port)}" for one in macs]
    lines = [
        "          Mac Address Table",
        "-------------------------------------------",
        "",
        "Vlan    Mac Address       Type        Ports",
        "----    -----------       --------    -----",
        *rows,
        f"Total Mac Addresses for this criterion: {len(rows)}",
    ]
    return text_of(lines)


def vtp_status(device: LegacyDevice, match: Match) -> str:
    mode = (value(device.running, "vtp mode") or "server").capitalize()
    lines = [
        "VTP Version capable             : 1 to 3",
        f"VTP version running             : {value(device.running, 'vtp version') or 1}",
        f"VTP Domain Name                 : {value(device.running, 'vtp domain') or ''}",
        "VTP Pruning Mode                : Disabled",
        "VTP Traps Generation            : Disabled",
        f"Device ID                       : {mac_text(device.hardware.mac)}",
        "Configuration last modified by 0.0.0.0 at 0-0-00 00:00:00",
        "",
        "Feature VLAN:",
        "--------------",
        f"VTP Operating Mode                : {mode}",
        "Maximum VLANs supported locally   : 1005",
        f"Number of existing VLANs          : {len(device.vlans()) + len(_OLD)}",
        "Configuration Revision            : 0",
        "MD5 digest                        : 0x00 0x00 0x00 0x00 0x00 0x00 0x00 0x00 ",
        "                                    0x00 0x00 0x00 0x00 0x00 0x00 0x00 0x00 ",
    ]
    return text_of(lines)
