"""``show cdp neighbors detail`` and ``show lldp neighbors detail``: who is at the other end of each port.

An entry begins at ``Device ID`` (CDP) or where ``Local Intf`` or ``Chassis id`` begins one (LLDP); it needs no version.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from ipaddress import IPv4Address
from typing import Any

from clos.controller.migrate.discover.lines import LineReader, Output, row
from clos.controller.migrate.discover.names import interface_name
from clos.controller.migrate.model import Neighbor

_EMPTY = Neighbor("", "", "", "")


class _Neighbors(LineReader):
    """Entries one after another; ``free``: free text (a version) goes on until its end."""

    protocol = ""

    def __init__(self, output: Output) -> None:
        super().__init__(output)
        self.found: list[Neighbor] = []
        self.free = False

    def begin(self, **fields: Any) -> None:
        self.free = False
        self.found.append(_EMPTY._replace(protocol=self.protocol, **fields))

    def change(self, **fields: Any) -> object:
        if not self.found:
            return NotImplemented
        self.found[-1] = self.found[-1]._replace(**fields)
        return None

    def total(self, match: re.Match[str]) -> None:
        self.free = False
        if int(match[1]) != len(self.found):
            self.refuse(f"{self.line.strip()}, but {len(self.found)} entries were read")

    def text(self, match: re.Match[str]) -> object:
        """A line of free text, where there is any."""
        if not self.free or not self.found:
            return NotImplemented
        before = self.found[-1].version
        return self.change(version=f"{before}\n{match[0].strip()}".strip())

    def end(self, match: re.Match[str]) -> None:
        self.free = False

    def values(self) -> Mapping[str, Any]:
        return {"neighbors": tuple(self.found)}

    def count(self, lines: list[str]) -> None:
        super().count(lines)
        for entry in self.found:
            if not entry.interface or not (entry.device or entry.port):
                self.refuse(f"the entry of {entry.device or entry.port or 'a neighbour'} has no interface or device", 0)


def _words(text: str) -> tuple[str, ...]:
    return tuple(word for word in re.split(r"[,\s]+", text.strip()) if word)


class CdpNeighbors(_Neighbors):
    """``show cdp neighbors detail``."""

    protocol = "cdp"
    witness = re.compile(r"^\s*Device ID: ?")

    def address(self, match: re.Match[str]) -> object:
        if not self.found:
            return NotImplemented
        return self.change(address=self.found[-1].address or IPv4Address(match[1]))

    def release(self, match: re.Match[str]) -> None:
        self.free = True

    rows = (
        row(r"\s*Device ID: ?(.*?)", lambda self, match: self.begin(device=match[1].strip())),
        row(r"\s*-{5,}", _Neighbors.end),
        row(r"\s*[Aa]dvertisement [vV]ersion: .*", _Neighbors.end),
        row(r"\s*Total cdp entries displayed : (\d+)", _Neighbors.total),
        row(r"\s*Interface: (\S+?),\s+Port ID \(outgoing port\): ?(.*?)",
            lambda self, match: self.change(interface=interface_name(match[1]), port=interface_name(match[2]))),
        row(r"\s*Platform: (.*?)\s*,\s+Capabilities: (.*?)",
            lambda self, match: self.change(platform=match[1].strip(), capabilities=_words(match[2]))),
        row(r"\s*Platform: ([^,]*?),?", lambda self, match: self.change(platform=match[1].strip())),
        row(r"\s*Holdtime ?: .*"),
        row(r"\s*Version ?: *", release),
        row(r"\s*Native VLAN: (\d+).*", lambda self, match: self.change(native_vlan=int(match[1]))),
        row(r"\s*VTP Management Domain(?: Name)?: '?(.*?)'?", lambda self, match: self.change(vtp_domain=match[1])),
        row(r"\s*Duplex(?: Mode)?: (\S+)", lambda self, match: self.change(duplex=match[1])),
        row(r".+", _Neighbors.text),
        row(r"\s*IP(?:v4)? [aA]ddress: (\S+)", address),
        row(r"\s*(?:Interface|Mgmt) address\(es\)(?: information)?:?.*|\s*IPv6 Address: .*|\s*\d+ interface address.*|\s*Local Interface.*"),
        row(r"\s*(Entry address|Management address|IPv6 address|CLNS address|Protocol Hello|Power |Spare |Unidirectional|"
            r"Peer |System |Location|Port |Additional |Mgmt |VoIP|Voice VLAN|Appliance|Second Port|MTU:|Physical Location|System Name:|SysName|sysObjectID|"
            r"Other ).*"),
    )  # fmt: skip


class LldpNeighbors(_Neighbors):
    """``show lldp neighbors detail``; where ``Local Intf`` is missing (old IOS), the neighbour has no interface."""

    protocol = "lldp"
    witness = re.compile(r"^\s*Chassis id: ")
    open = False
    chassis = ""

    def local(self, match: re.Match[str]) -> None:
        self.begin(interface=interface_name(match[1]))
        self.open = True

    def chassis_id(self, match: re.Match[str]) -> None:
        if not self.open:
            self.begin()
        self.open = False
        self.change(device=match[1])

    def described(self, match: re.Match[str]) -> None:
        self.free = True

    def value(self, match: re.Match[str]) -> object:
        return None if self.found else NotImplemented

    rows = (
        row(r"\s*Local Intf: (\S+)(?: service instance .*)?", local),
        row(r"\s*Chassis id: (\S.*?)", chassis_id),
        row(r"\s*-{5,}", _Neighbors.end),
        row(r"\s*Total entries displayed: (\d+)", _Neighbors.total),
        row(r"\s*Time remaining: .*", _Neighbors.end),
        row(r"\s*Local Port id: (\S+)", lambda self, match: self.change(interface=interface_name(match[1]))),
        row(r"\s*Port id: (.*?)", lambda self, match: self.change(port=interface_name(match[1]))),
        row(r"\s*System Name: (.+?)", lambda self, match: self.change(device=match[1])),
        row(r"\s*System Description:.*", described),
        row(r".+", _Neighbors.text),
        row(r"\s*System Capabilities: (.*)", lambda self, match: self.change(capabilities=_words(match[1]))),
        row(r"\s*IP: (\d+\.\d+\.\d+\.\d+)", lambda self, match: self.change(address=IPv4Address(match[1]))),
        row(r"\s*Vlan ID: (\d+)", lambda self, match: self.change(native_vlan=int(match[1]))),
        row(r"\s*(Port Description|System (?:Name|Description|Capabilities)|Enabled Capabilities|Management Addresses|"
            r"IPv6:|IPV6:|IP:|OID:|Other:|Auto Negotiation|Physical media|Media Attachment|Vlan ID|MED |\(NP\)|\(PS\)|\(IN\)|"
            r"H/W revision|F/W revision|S/W revision|Serial number|Manufacturer|Model:|Capabilities:|Device type|"
            r"Network Policy|PD device|PSE device|Power |Location|Peer Source MAC|Flow Control|Max Frame|LACP|Asset id|PoE|Inventory information|Network Policies|Local Intf service instance|Link aggregation|VLAN Name|VLAN ID|Port and Protocol|Protocol Identity|Unknown|Management |Remote |Version|MTU).*", value),
        row(r"\s*[\d.]+\.?", value),
        row(r"\s*(?:\d+base|Other|Symm|Asym|other|10|100).*", value),
        row(r"\s*Device ID\s+Local Intf\s.*"),
        row(r"\s*Capability codes:|\s+\([A-Z]\) .*"),
    )  # fmt: skip
