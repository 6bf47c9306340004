"""``show ip eigrp neighbors | topology | interfaces``, classic and named mode, in VRFs (RFC 7868).

A heading names the process and VRF that its rows belong to. Old outputs have no heading: their rows have number 0.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from ipaddress import IPv4Address, IPv4Network
from typing import Any

from clos.controller.migrate.discover.lines import LineReader, Output, row
from clos.controller.migrate.discover.names import interface_name
from clos.controller.migrate.model import EigrpInterfaceState, EigrpNeighbor, EigrpPath, EigrpTopologyEntry

_HEADING = (
    r"(?:EIGRP-IPv4|IP-EIGRP):?(?:\(\d+\))? (?:VR\((?P<name>[^)]*)\) )?(?:Address-[Ff]amily )?{what} "
    r"for (?:AS|process)\s*\(?(?P<asn>\d+)\)?{more}\s*(?:VRF\((?P<vrf>[^)]*)\)|VRF (?P<context>\S+))?"
)
INFINITY = 0xFFFFFFFF
"""What ``Infinity`` and ``Inaccessible`` mean (RFC 7868 §5.6)."""


def _metric(text: str) -> int:
    return int(text) if text.isdigit() else INFINITY


class _Eigrp(LineReader):
    """The process that rows belong to."""

    def __init__(self, output: Output) -> None:
        super().__init__(output)
        self.asn, self.vrf = 0, output.vrf
        self.name: str | None = None
        self.found: list[Any] = []

    def heading(self, match: re.Match[str]) -> None:
        named = match["context"]
        vrf = (None if named == "default" else named) if named else match["vrf"] or self.output.vrf
        self.asn, self.vrf, self.name = int(match["asn"]), vrf, match["name"]

    def in_vrf(self, match: re.Match[str]) -> None:
        self.vrf = match[1]

    def change(self, **fields: Any) -> object:
        if not self.found:
            return NotImplemented
        self.found[-1] = self.found[-1]._replace(**fields)
        return None


class EigrpNeighbors(_Eigrp):
    """``show ip eigrp [vrf V] neighbors [detail]``."""

    witness = re.compile(r"^\s*\d+\s+(?:Link[- ]local.*|\d+\.\d+\.\d+\.\d+)\s+\S+\s+\d+\s")

    def neighbor(self, match: re.Match[str]) -> None:
        self.found.append(
            EigrpNeighbor(
                self.asn,
                self.vrf,
                IPv4Address(match["address"]),
                interface_name(match["interface"]),
                int(match["hold"]),
                match["uptime"],
                self.name,
                int(match["srtt"]),
                int(match["rto"]),
                int(match["queue"]),
                int(match["sequence"]),
            )
        )

    rows = (
        row(_HEADING.format(what="[Nn]eighbors", more=""), _Eigrp.heading),
        row(r"\s+VRF\(([^)]*)\)", _Eigrp.in_vrf),
        row(r"\s*H\s+Address\s+Interface\s+Hold\s.*"),
        row(r"\s*\(sec\)\s+\(ms\)\s.*"),
        row(r"\s*\d+\s+(?P<address>\d+\.\d+\.\d+\.\d+)\s+(?P<interface>\S+)\s+(?P<hold>\d+)\s+(?P<uptime>\S+)\s+"
            r"(?P<srtt>\d+)\s+(?P<rto>\d+)\s+(?P<queue>\d+)\s+(?P<sequence>\d+)", neighbor),
        row(r"\s*(Version \d|Topology-ids from peer|Topologies advertised|Time since Restart|Max Nbrs:|Stub Peer|"
            r"Suppressing queries|Receiving|BFD sessions|Restart time|UPDATE seq|REPLY seq|QUERY seq|Retrans:|"
            r"Prefixes:|Static neighbor|\(?Remote ).*"),
    )  # fmt: skip

    def values(self) -> Mapping[str, Any]:
        return {"eigrp_neighbors": tuple(self.found)}


class EigrpTopology(_Eigrp):
    """``show ip eigrp [vrf V] topology [all-links]``."""

    asked, waiting = False, 0
    """Whether the neighbors named below are those whose replies are missing, and how many there were."""
    witness = re.compile(r"^\s*[PAUQRrs]\s+\d+\.\d+\.\d+\.\d+/\d+,")

    def entry(self, match: re.Match[str]) -> None:
        self.asked = False
        self.found.append(
            EigrpTopologyEntry(
                self.asn,
                self.vrf,
                IPv4Network(match["prefix"]),
                match["state"],
                int(match["successors"]),
                _metric(match["distance"]),
                (),
            )
        )

    def add(self, path: EigrpPath) -> object:
        return self.change(paths=(*self.found[-1].paths, path)) if self.found else NotImplemented

    def learned(self, match: re.Match[str]) -> object:
        return self.add(
            EigrpPath(
                IPv4Address(match["via"]),
                interface_name(match["interface"]) if match["interface"] else None,
                _metric(match["distance"]),
                _metric(match["reported"]),
            )
        )

    def own(self, match: re.Match[str]) -> object:
        """A connected, summary or redistributed path; without figures it is as far as the feasible distance."""
        if not self.found:
            return NotImplemented
        distance = _metric(match["distance"]) if match["distance"] else self.found[-1].feasible_distance
        name = interface_name(match["interface"]) if match["interface"] else None
        return self.add(EigrpPath(None, name, distance, _metric(match["reported"]) if match["reported"] else 0))

    def ask(self, match: re.Match[str]) -> None:
        self.asked = True

    def unheard(self, match: re.Match[str]) -> object:
        if not self.asked:
            return NotImplemented
        self.waiting += 1
        return None

    _figures = r"(?:\((?P<distance>\d+|[Ii]nfinity|Inaccessible)/(?P<reported>\d+|[Ii]nfinity|Inaccessible)\))"
    rows = (
        row(_HEADING.format(what=r"[Tt]opology [Tt]able", more=r"/ID\([\d.]+\)"), _Eigrp.heading),
        row(r"\s+Topology\([^)]*\) TID\(\d+\)(?: VRF\(([^)]*)\))?",
            lambda self, match: self.in_vrf(match) if match[1] else None),
        row(r"\s*VRF\(([^)]*)\)", _Eigrp.in_vrf),
        row(r"\s*Codes: ?P - .*|\s*r - .*"),
        row(r"\s*(?P<state>[PAUQRrs])\s+(?P<prefix>[\d.]+/\d+), (?P<successors>\d+) successors?, FD is "
            r"(?P<distance>\d+|[Ii]nfinity|Inaccessible)(?:, .*)?", entry),
        row(rf"\s*via (?P<via>\d+\.\d+\.\d+\.\d+)(?: \(.*?via.*?\))? {_figures}(?:, r)?(?:, (?P<interface>[A-Za-z][^\s,]*))?(?:, .*)?",
            learned),
        row(rf"\s*via (?:Connected|\+?Redistributed|\+?Rconnected|\+?Rstatic|Summary|Rsummary|\+\w+|VPNv4 Sourced)"
            rf"(?:[ ,]+{_figures})?(?:, (?P<interface>[A-Za-z][^\s,]*))?(?:, .*)?", own),
        row(r"\s*Remaining replies:.*", ask),
        row(r"\s*via \d+\.\d+\.\d+\.\d+, .*", unheard),
        row(r"\s*(\d+ replies,|active |query-origin|Q - |r - ).*"),
    )  # fmt: skip

    def values(self) -> Mapping[str, Any]:
        return {"eigrp_topology": tuple(self.found)}

    def count(self, lines: list[str]) -> None:
        super().count(lines)
        said = sum(re.match(r"\s*via ", line) is not None for line in lines)
        paths = sum(len(entry.paths) for entry in self.found)
        if said != paths + self.waiting and not self.unparsed:
            self.refuse(f"{said} lines name a path, but {paths} paths were read", 0)


class EigrpInterfaces(_Eigrp):
    """``show ip eigrp [vrf V] interfaces [detail]``; a name too long for its column stands on a line of its own."""

    witness = re.compile(r"(?:^[A-Za-z]\S*|^)\s+\d+\s+\d+/\d+\s+\d+/\d+\s")
    wrapped: str | None = None

    def interface(self, match: re.Match[str]) -> object:
        name = match["name"] or self.wrapped
        if name is None:
            return NotImplemented
        self.wrapped = None
        self.found.append(
            EigrpInterfaceState(
                self.asn,
                self.vrf,
                interface_name(name),
                int(match["peers"]),
                int(match["srtt"]),
                int(match["flow"]),
                int(match["pending"]),
            )
        )
        return None

    def long_name(self, match: re.Match[str]) -> None:
        self.wrapped = match[1]

    rows = (
        row(_HEADING.format(what=r"[Ii]nterfaces", more=""), _Eigrp.heading),
        row(r"\s+VRF\(([^)]*)\)", _Eigrp.in_vrf),
        row(r"\s*Xmit Queue\s+.*|\s*Interface\s+Peers\s+.*|\s+Pending\s*|\s+Routes\s*"),
        row(r"(?P<name>[A-Za-z]\S*)?\s+(?P<peers>\d+)\s+\d+/\d+\s+(?:\d+/\d+\s+)?(?P<srtt>\d+)\s+\d+/\d+\s+"
            r"(?P<flow>\d+)\s+(?P<pending>\d+)", interface),
        row(r"\s*Hello-interval is (\d+), Hold-time is (\d+)",
            lambda self, match: self.change(hello_s=int(match[1]), hold_s=int(match[2]))),
        row(r"\s*Hello interval is (\d+) sec", lambda self, match: self.change(hello_s=int(match[1]))),
        row(r"\s*Split-horizon is (enabled|disabled)",
            lambda self, match: self.change(split_horizon=match[1] == "enabled")),
        row(r"\s*(Next xmit serial|Packetized sent|Hello's sent|Un/reliable|Mcast exceptions|Retransmissions|"
            r"Topology-ids|Authentication|Topologies |Interface has all stub|BFD|Use |Dynamic|Fast-|MTU).*"),
        row(r"([A-Za-z][A-Za-z-]*\d[\w/.:]*)", long_name),
    )  # fmt: skip

    def values(self) -> Mapping[str, Any]:
        return {"eigrp_interfaces": tuple(self.found)}
