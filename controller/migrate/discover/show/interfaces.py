"""``show interfaces`` and ``show ip interface brief``: what interfaces run with. Counters are known and not kept."""

from __future__ import annotations

import re
from collections.abc import Mapping
from ipaddress import IPv4Address
from typing import Any

from clos.controller.migrate.discover.lines import LineReader, Output, row
from clos.controller.migrate.discover.names import interface_name, mac_address
from clos.controller.migrate.model import AddressState, InterfaceState

_PROSE = (
    "Hardware is|Description:|Internet |MTU |reliability |Encapsulation|Keepalive|ARP type|Last |Input |Output |output |"
    "Queueing |Received |Full[ -]|Half[ -]|Auto[ -]|Unknown |Members |Member |Active |Carrier|Time to|Available|"
    "Conversations|Reserved |DTR |LCP |Open|Tunnel|Checksum|Fast |Path MTU|Key |Sequencing|media |Media |Linestate|"
    "Non-standard|Negotiation|Peer |Vlan |Suppression|Dampening|Interface |Transport|IP |BFD|PW |Bound|Flow|DLY|BW"
)
_COUNTED = (
    r"(?:second|minute|seconds|minutes) (?:input|output)|packets|input|output|runts|watchdog|unknown|babbles|lost|"
    r"broadcasts?|abort|carrier|interface|maximum|SLE"
)
"""How lines begin that say nothing that is kept, where an output has lost its indentation."""


class Interfaces(LineReader):
    """An interface begins where its name begins a line; all else is indented."""

    witness = re.compile(r"^\s*\S+ is .*, line protocol is |^\s*pseudowire\d+ is ")

    def __init__(self, output: Output) -> None:
        super().__init__(output)
        self.found: list[InterfaceState] = []

    def begin(self, match: re.Match[str]) -> None:
        down = match[2] == "administratively down" or "disabled" in match[2]
        self.found.append(InterfaceState(interface_name(match[1]), down, match[3].startswith("up")))

    def change(self, **fields: Any) -> object:
        if not self.found:
            return NotImplemented
        self.found[-1] = self.found[-1]._replace(**fields)
        return None

    def more(self, match: re.Match[str]) -> object:
        return None if self.found else NotImplemented

    rows = (
        row(r"\s*(\S+) is ((?:administratively )?\w[\w -]*?)(?: \(.*\))?, line protocol is (\w+)(?: .*)?", begin),
        row(r"\s*(pseudowire\d+) is (\w+)()", begin),
        row(r"\s*Hardware is .*address is ([0-9a-fA-F.]{14})\b.*", lambda self, m: self.change(mac=mac_address(m[1]))),
        row(r"\s*MTU (\d+) bytes,(?: sub MTU \d+,)? BW (\d+) Kbit(?:/sec)?(?:, RxBW \d+ Kbit(?:/sec)?)?, DLY (\d+) usec,?.*",
            lambda self, m: self.change(mtu=int(m[1]), bandwidth_kbps=int(m[2]), delay_us=int(m[3]))),
        row(r"\s+\S.*", more),
        row(rf"(?:{_PROSE}|\d+ (?:{_COUNTED})).*", more),
    )  # fmt: skip

    def values(self) -> Mapping[str, Any]:
        return {"interfaces": tuple(self.found)}


class AddressesBrief(LineReader):
    """``show ip interface brief``: one row an interface, its names not shortened."""

    witness = re.compile(r"\s(?:YES|NO)\s+\w+\s")

    def __init__(self, output: Output) -> None:
        super().__init__(output)
        self.found: list[AddressState] = []

    def interface(self, match: re.Match[str]) -> None:
        address = IPv4Address(match[2]) if match[2][0].isdigit() else None
        self.found.append(
            AddressState(interface_name(match[1]), address, match[3], match[4].strip(), match[5].startswith("up"))
        )

    rows = (
        row(r"\s*Interface\s+IP-Address\s+OK\?.*"),
        row(
            r"\s*(\S+)\s+(unassigned|\d+\.\d+\.\d+\.\d+)\s+(?:YES|NO)\s+(\w+)\s+(administratively down|up|down|deleted)\s+(up|down)(?: .*)?",
            interface,
        ),
    )

    def values(self) -> Mapping[str, Any]:
        return {"addresses": tuple(self.found)}
