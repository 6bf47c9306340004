"""``show ip protocols``: what each routing protocol runs with, defaults filled in by the device.

Lives here: EIGRP's settings, and of every protocol its networks, passive interfaces, sources and distance. Lines of
other protocols that are known and not kept are in one table.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from ipaddress import IPv4Address
from typing import Any

from clos.controller.migrate.discover.lines import LineReader, Output, row
from clos.controller.migrate.discover.names import interface_name
from clos.controller.migrate.model import ProtocolState

_LISTS = {
    "routing for networks": "networks",
    "passive interface(s)": "passive",
    "routing information sources": "sources",
    "address summarization": "summaries",
}
"""Headings whose lines are kept; those below other headings are known only."""
_KNOWN = (
    r"\*\*\* |Sending updates|Invalid after|Outgoing update|Incoming |Default networks|Default version|Default redist|"
    r"EIGRP |EIGRP-IPv4|Soft SIA|NSF|Topology|Active Timer|Maximum hopcount|Automatic |Output delay|IGP synch|"
    r"It is an? |Number of areas|Reference bandwidth|Redistributing External|Gateway +Dist|"
    r"Address +(?:FiltIn|Distance)|Update |Total |Metric [a-z]+ (?!weight)|Max |Hello|Route |Graceful|Non-?stop|"
    r"Using |Supports|Event-log|Incoming routes|Split|Stub|Configured|Retain|Global RIB|Total Prefix"
)


class Protocols(LineReader):
    """A section for each protocol; ``VRF`` outputs have the same layout."""

    witness = re.compile(r'^\s*Routing Protocol is "')

    def __init__(self, output: Output) -> None:
        super().__init__(output)
        self.found: list[ProtocolState] = []
        self.list: str | None = None
        self.listing = False

    def begin(self, match: re.Match[str]) -> None:
        self.listing = False
        self.found.append(ProtocolState(match[1], self.output.vrf))

    def change(self, **fields: Any) -> object:
        if not self.found:
            return NotImplemented
        self.listing = False
        self.found[-1] = self.found[-1]._replace(**fields)
        return None

    def heading(self, match: re.Match[str]) -> object:
        self.listing, self.list = True, _LISTS.get(match[1].strip().lower())
        return None if self.found else NotImplemented

    def item(self, match: re.Match[str]) -> object:
        """A line below a heading, kept where the heading is one of ours."""
        if not self.listing:
            return NotImplemented
        word = match[1].strip()
        if self.list and word != "None":
            value = interface_name(word) if self.list == "passive" else re.sub(r"\s+", " ", word)
            fields: dict[str, Any] = {self.list: (*getattr(self.found[-1], self.list), value)}
            self.found[-1] = self.found[-1]._replace(**fields)
        return None

    def known(self, match: re.Match[str]) -> object:
        return None

    rows = (
        row(r'\s*Routing Protocol is "(.*?)"', begin),
        row(r"\s*(?:EIGRP m|M)etric weight ((?:K\d=\d+(?:, |\s*))+)",
            lambda self, m: self.change(k_values=tuple(map(int, re.findall(r"=(\d+)", m[1]))))),
        row(r"\s*Router[- ]ID:? (\S+)", lambda self, m: self.change(router_id=IPv4Address(m[1]))),
        row(r"\s*Redistributing: (.*)",
            lambda self, m: self.change(redistributing=tuple(re.split(r",\s*", m[1])))),
        row(r"\s*Maximum path: (\d+)", lambda self, m: self.change(maximum_paths=int(m[1]))),
        row(r"\s*(?:EIGRP m|M)aximum metric variance (\d+)", lambda self, m: self.change(variance=int(m[1]))),
        row(r"\s*Distance: \(default is (\d+)\)", lambda self, m: self.change(distance=(int(m[1]),))),
        row(r"\s*Distance: (?:internal|external) (\d+) (?:internal|external) (\d+).*",
            lambda self, m: self.change(distance=(int(m[1]), int(m[2])))),
        row(r"\s*(Routing for Networks|Passive Interface\(s\)|Routing Information Sources|Address Summarization|"
            r"Neighbor\(s\)|Routing on Interfaces Configured Explicitly.*|Redistributing External Routes from|"
            r"Redistributing[^:]*|Address Family.*|Interfaces?|Filtering.*)[:,]", heading),
        row(r"\s*(Interface)\s+Send\s.*", heading),
        row(rf"\s*(?:\S+ filtered by|{_KNOWN}).*", known),
        row(r"\s*(\d+\.\d+\.\d+\.\d+.*|None|[A-Z][\w-]*\d[\w/.:]*(?:\s.*)?|[A-Za-z-]+\d)", item),
        row(r"\s{3,}(\S.*?)", item),
    )  # fmt: skip

    def values(self) -> Mapping[str, Any]:
        return {"protocols": tuple(self.found)}
