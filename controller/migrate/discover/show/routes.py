"""``show ip route [vrf V]``: every route, of whatever protocol, with all of its next hops.

A prefix without a length has that of the heading above it; rows too long for a line go on below.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from ipaddress import IPv4Address, IPv4Network
from typing import Any

from clos.controller.migrate.discover.lines import LineReader, Output, Reading, row
from clos.controller.migrate.discover.names import interface_name
from clos.controller.migrate.discover.show.nxos import NxRoutes
from clos.controller.migrate.model import Route

_PREFIX = r"(?P<prefix>\d+\.\d+\.\d+\.\d+(?:/\d+)?)"
_CODE = r"(?P<code>[A-Za-z][A-Za-z0-9*+%&]*(?:[ *+%&]+(?:EX|IA|N1|N2|E1|E2|L1|L2|ia|su|i|p|\*|\+|%|&)+)*)[*+%&]*"
_VIA = r"\[(?P<distance>\d+)/(?P<metric>\d+)\](?P<hop>(?:,? via [\w.:]+(?: \([\w:. -]+\))?)?)(?P<rest>(?:, .*)?)"
_DIRECT = r"is directly connected(?:, (?P<age>[\w:]+))?, (?P<interface>[A-Za-z][\w/.:-]*)"
_SUMMARY = r"is a summary, (?P<age>[\w:.]+), (?P<interface>[A-Za-z][\w/.:-]*)"
_AGE = re.compile(r"\d+:\d\d:\d\d|never|(?:\d+[ywdhms])+")


class Routes(LineReader):
    """``show ip route [vrf V] [PROTOCOL]``; NX-OS' layout is told by its heading."""

    @classmethod
    def read(cls, output: Output) -> Reading:
        return NxRoutes.read(output) if "IP Route Table for VRF" in output.text else super().read(output)

    witness = re.compile(r"\[\d+/\d+\]|is directly connected|is a summary")

    def __init__(self, output: Output) -> None:
        super().__init__(output)
        self.found: list[Route] = []
        self.vrf = output.vrf
        self.length = 32
        self.code, self.prefix = "", IPv4Network(0)

    def table(self, match: re.Match[str]) -> None:
        self.vrf = self.output.vrf or match[1]

    def heading(self, match: re.Match[str]) -> None:
        self.length = int(match[1])

    def begin(self, match: re.Match[str]) -> None:
        self.code = re.sub(r"\s+", " ", match["code"]).strip()
        prefix = match["prefix"]
        self.prefix = IPv4Network(prefix if "/" in prefix else f"{prefix}/{self.length}")

    def via(self, match: re.Match[str]) -> object:
        if match.re.groupindex.get("prefix"):
            self.begin(match)
        elif not self.code:
            return NotImplemented
        hop = re.match(r",? via ([\w.:]+)", match["hop"])
        words = [word for word in match["rest"].split(", ") if word and not _AGE.fullmatch(word)]
        name = next((interface_name(word) for word in words if re.match(r"[A-Za-z]", word)), None)
        address = IPv4Address(hop[1]) if hop and re.fullmatch(r"[\d.]+", hop[1]) else None
        self.found.append(
            Route(self.code, self.prefix, address, name, int(match["distance"]), int(match["metric"]), self.vrf)
        )
        return None

    def direct(self, match: re.Match[str]) -> object:
        if match.re.groupindex.get("prefix"):
            self.begin(match)
        elif not self.code:
            return NotImplemented
        self.found.append(Route(self.code, self.prefix, None, interface_name(match["interface"]), vrf=self.vrf))
        return None

    rows = (
        row(r"\s*Routing Table: (\S+)", table),
        row(r"\s*Codes: .*|\s*[A-Za-z+%&*~][\w]{0,2} - .*"),
        row(r"IPv6 Routing Table .*"),
        row(r"\s*Gateway of last resort is .*"),
        row(r"Default gateway is .*|Host\s+Gateway\s+Last Use.*|ICMP redirect cache is empty"),
        row(r"\s*\d+\.\d+\.\d+\.\d+/(\d+) is subnetted, \d+ subnets?", heading),
        row(r"\s*\d+\.\d+\.\d+\.\d+(?:/(\d+))? is variably subnetted, .*"),
        row(rf"{_CODE}\s+{_PREFIX} {_DIRECT}", direct),
        row(rf"{_CODE}\s+{_PREFIX} {_SUMMARY}", direct),
        row(rf"{_CODE}\s+{_PREFIX}\s+{_VIA}", via),
        row(rf"{_CODE}\s+{_PREFIX}", begin),
        row(rf"\s*{_VIA}", via),
        row(rf"\s*{_DIRECT}", direct),
        row(rf"\s*{_SUMMARY}", direct),
    )

    def values(self) -> Mapping[str, Any]:
        return {"routes": tuple(self.found)}
