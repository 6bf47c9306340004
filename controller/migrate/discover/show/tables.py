"""``show mac address-table`` and ``show ip arp``: long tables, in the layouts of many platforms.

Must not know: what other outputs say.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from ipaddress import IPv4Address
from typing import Any

from clos.controller.migrate.discover.lines import LineReader, Output, Reading, row
from clos.controller.migrate.discover.names import interface_name, mac_address
from clos.controller.migrate.discover.show.nxos import NxArp
from clos.controller.migrate.model import ArpEntry, MacEntry

_MAC = r"(?P<mac>[0-9a-fA-F]{4}\.[0-9a-fA-F]{4}\.[0-9a-fA-F]{4})"
_FLAGS = r"\s*(?:[*+~#GRCOSD()]+\s+)*"


def _ports(text: str) -> tuple[str, ...]:
    """``Gi1/2,Gi1/4`` or ``Gi1/0/8 Gi1/0/9``; a name with a blank in it (``vPC Peer-Link``) is one port."""
    text = text.strip()
    if not text:
        return ()
    parts = text.split(",") if "," in text or "vPC" in text or "(" in text else text.split()
    return tuple(interface_name(part) for part in parts if part.strip())


class MacTable(LineReader):
    """Catalyst (vlan, MAC, type, ports), Catalyst 6500 (learn, age), 4500 (protocols), NX-OS (secure, NTFY)."""

    witness = re.compile(r"[0-9a-fA-F]{4}\.[0-9a-fA-F]{4}\.[0-9a-fA-F]{4}")

    def __init__(self, output: Output) -> None:
        super().__init__(output)
        self.found: list[MacEntry] = []

    def entry(self, match: re.Match[str]) -> None:
        vlan = match["vlan"]
        self.found.append(
            MacEntry(
                int(vlan) if vlan.isdigit() else None,
                mac_address(match["mac"]),
                "dynamic" if match["kind"].lower() in {"dynamic", "dynamic*", "dlrn"} else match["kind"].lower(),
                _ports(match["ports"] or ""),
            )
        )

    def more(self, match: re.Match[str]) -> object:
        """A port list goes on below its column."""
        if not self.found:
            return NotImplemented
        last = self.found.pop()
        self.found.append(last._replace(ports=last.ports + _ports(match["ports"])))
        return None

    def total(self, match: re.Match[str]) -> None:
        if int(match[1]) != len(self.found):
            self.refuse(f"{self.line.strip()}, but {len(self.found)} rows were read")

    rows = (
        row(rf"{_FLAGS}(?P<vlan>\d+|All|N/A|---|-)\s+{_MAC}\s+(?P<kind>[A-Za-z_*]+)\s+(?:Yes|No)\s+(?:\d+|-|n/a)"
            r"(?:\s+(?P<ports>\S.*?))?", entry),
        row(rf"{_FLAGS}(?P<vlan>\d+|All|N/A|---|-)\s+{_MAC}\s+(?P<kind>[A-Za-z_*]+)\s+(?:\d+|-|~~~|0)\s+[FT]\s+[FT]\s+"
            r"(?P<ports>\S.*?)", entry),
        row(rf"{_FLAGS}(?P<vlan>\d+|All|N/A|---|-)\s+{_MAC}\s+(?P<kind>[A-Za-z_*]+)\s+"
            r"(?:ip|ipx|assigned|other|[a-z]+(?:,[a-z]+)+)(?:,[a-z]+)*\s+(?P<ports>\S.*?)", entry),
        row(rf"{_FLAGS}(?P<vlan>\d+|All|N/A|---|-)\s+{_MAC}\s+(?P<kind>[A-Za-z_*]+)(?:\s+(?P<ports>\S.*?))?", entry),
        row(rf"\s*{_MAC}\s+(?P<kind>Dynamic|Self|Static|Secure)\s+(?P<vlan>\d+)\s+(?P<ports>\S.*?)", entry),
        row(r"\s{20,}(?P<ports>[A-Za-z]\S.*?)", more),
        row(r"\s*Total Mac Addresses for this criterion: (\d+)", total),
        row(r"\s*Mac Address Table(?:\s*\(.*\))?"),
        row(r"[\s+|-]+"),
        row(r"(?i)\s*vlan(?:/BD)?\s+mac address\s.*"),
        row(r"Note: MAC table entries .*|Use the 'hardware-age' keyword .*"),
        row(r"(?i)\s*(Destination Address|Non-static Address Table:?).*"),
        row(r"(?i)\s*(unicast|multicast) entries.*"),
        row(r"\s*Legend:.*"),
        row(r"\s*([*#A-Z] - |age - |n/a - |.*EvpnPeer|\(T\) - |link,|.*Overlay MAC).*"),
        row(r"\s*Displaying entries from .*"),
        row(r"Module \d+:?|Active Supervisor:?"),
        row(r"\s*(?:Dynamic|Secure|Static|System Self|Total) (?:MAC )?[Aa]ddresses(?: \(User-defined\))?(?: Count)?:\s+\d+"),
    )  # fmt: skip

    def values(self) -> Mapping[str, Any]:
        return {"macs": tuple(self.found)}


class ArpTable(LineReader):
    """``show ip arp`` and ``show arp``, of a VRF too; incomplete entries have no MAC address. NX-OS' is told by its heading."""

    @classmethod
    def read(cls, output: Output) -> Reading:
        return NxArp.read(output) if "IP ARP Table" in output.text else super().read(output)

    witness = re.compile(r"^\s*Internet\s")

    def __init__(self, output: Output) -> None:
        super().__init__(output)
        self.found: list[ArpEntry] = []

    def entry(self, match: re.Match[str]) -> None:
        known = match["mac"].lower() != "incomplete"
        age = match["age"]
        self.found.append(
            ArpEntry(
                IPv4Address(match["address"]),
                mac_address(match["mac"]) if known else None,
                interface_name(match["interface"]) if match["interface"] else None,
                int(age) if age.isdigit() else None,
                self.output.vrf,
            )
        )

    rows = (
        row(r"\s*Internet\s+(?P<address>[\d.]+)\s+(?P<age>\d+|-)\s+(?P<mac>[0-9a-fA-F.]{14}|(?i:incomplete))"
            r"(?:\s+(?P<type>ARPA|SNAP|SAP|802\.1Q|SRP-A|SRP-B|DOT1Q|Unkn))"
            r"(?:\s+(?P<interface>[A-Za-z][\w./:-]*)(?:\s+pv\s+\d+)?)?", entry),
        row(r"\s*Protocol\s+Address\s+Age ?\(min\)\s+Hardware Addr\s+Type\s+Interface"),
        row(r"\s*Total number of entries:? \d+"),
    )  # fmt: skip

    def values(self) -> Mapping[str, Any]:
        return {"arp": tuple(self.found)}
