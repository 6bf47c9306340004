"""NX-OS' own layouts: ``show hsrp all``, ``show vpc``, ``show ip route`` and ``show ip arp`` (``vrf all`` too).

Its other outputs are close enough to IOS' for the same readers.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from ipaddress import AddressValueError, IPv4Address, IPv4Network
from typing import Any

from clos.controller.migrate.discover.lines import LineReader, Output, row
from clos.controller.migrate.discover.names import interface_name, mac_address, vlan_set
from clos.controller.migrate.model import ArpEntry, HsrpState, Route, VpcChannel, VpcState

_MAC = r"([0-9a-fA-F]{4}\.[0-9a-fA-F]{4}\.[0-9a-fA-F]{4})"
_CODES = {"direct": "C", "local": "L", "static": "S", "hsrp": "H", "am": "H", "broadcast": "", "discard": ""}
"""Where a route comes from -> the code that IOS prints; the empty one: no route of a network."""
_KINDS = (("eigrp", "D"), ("ospf", "O"), ("bgp", "B"), ("rip", "R"), ("isis", "i"))


def context(text: str) -> str | None:
    """A VRF's name; the default one is none."""
    return None if text in {"default", "all"} else text


class NxRoutes(LineReader):
    """``show ip route [vrf V | all]``; a prefix, then a line for each next hop."""

    witness = re.compile(r"^\s+\*?\*?via ")

    def __init__(self, output: Output) -> None:
        super().__init__(output)
        self.found: list[Route] = []
        self.vrf, self.prefix = output.vrf, IPv4Network(0)
        self.left_out = 0

    def table(self, match: re.Match[str]) -> None:
        self.vrf = context(match[1])

    def begin(self, match: re.Match[str]) -> None:
        self.prefix = IPv4Network(match[1], strict=False)

    def via(self, match: re.Match[str]) -> object:
        words = [word.strip() for word in match["rest"].split(",")]
        source = next((word for word in words if re.match(r"[a-z]+(?:-\S+)?$", word) and not re.match(r"\d", word)), "")
        kind = source.partition("-")[0]
        code = _CODES.get(kind, next((code for name, code in _KINDS if kind == name), "?"))
        if code == "":
            self.left_out += 1
            return None
        if code == "D" and "external" in words:
            code = "D EX"
        own = code in {"C", "L"}
        address = match["via"]
        name = match["interface"]
        self.found.append(
            Route(
                code,
                self.prefix,
                IPv4Address(address) if address[0].isdigit() and not own else None,
                interface_name(name or (address if not address[0].isdigit() else "")) or None,
                None if own else int(match["distance"]),
                None if own else int(match["metric"]),
                self.vrf,
            )
        )
        return None

    rows = (
        row(r'IP Route Table for VRF "(\S+)"', table),
        row(r"'.*' (?:denotes|in via output denotes) .*"),
        row(r"(\d+\.\d+\.\d+\.\d+/\d+), ubest/mbest: .*", begin),
        row(r"\s+\*?\*?via (?P<via>[\w./]+)(?:%\S+)?(?:, (?P<interface>[A-Z][\w./-]*|[a-z-]+\d[\w./]*))?, "
            r"\[(?P<distance>\d+)/(?P<metric>\d+)\], (?P<rest>.*)", via),
        row(r"\s+(?:tunnelid|segid|encap)[: ].*"),
    )  # fmt: skip

    def values(self) -> Mapping[str, Any]:
        return {"routes": tuple(self.found)}

    def size(self) -> int:
        return len(self.found) + self.left_out


class NxArp(LineReader):
    """``show ip arp [vrf V | all]``; ages are hours, minutes and seconds."""

    witness = re.compile(r"^\s*\d+\.\d+\.\d+\.\d+\s")

    def __init__(self, output: Output) -> None:
        super().__init__(output)
        self.found: list[ArpEntry] = []
        self.vrf = output.vrf

    def table(self, match: re.Match[str]) -> None:
        self.vrf = context(match[1])

    def entry(self, match: re.Match[str]) -> None:
        known = match["mac"].upper() != "INCOMPLETE"
        age = match["age"]
        parts = [int(part) for part in age.split(":")] if ":" in age else []
        minutes = parts[0] * 60 + parts[1] if parts else None
        mac = mac_address(match["mac"]) if known else None
        self.found.append(
            ArpEntry(IPv4Address(match["address"]), mac, interface_name(match["interface"]), minutes, self.vrf)
        )

    rows = (
        row(r"\s*IP ARP Table(?: for (?:context|all contexts?) ?(\S*))?", lambda self, m: self.table(m) if m[1] else None),
        row(r"\s*(?:Flags: .*|[*+#] - .*|[A-Z]{1,2} - .*|Total number of entries: \d+|Address\s+Age.*)"),
        row(r"\s*(?P<address>\d+\.\d+\.\d+\.\d+)\s+(?P<age>\d+:\d\d:\d\d|-|\d+[dwhm]\S*)\s+"
            r"(?P<mac>[0-9a-fA-F.]{14}|INCOMPLETE)\s+(?P<interface>[A-Za-z]\S*)(?:\s+(?:[*+#]|[A-Z]{1,2}|\S+))*", entry),
    )  # fmt: skip

    def values(self) -> Mapping[str, Any]:
        return {"arp": tuple(self.found)}


class HsrpAll(LineReader):
    """``show hsrp [all]``: IPv4 groups; those of IPv6 are counted, and left out."""

    witness = re.compile(r"^\S+ - Group \d+ ")

    def __init__(self, output: Output) -> None:
        super().__init__(output)
        self.found: list[HsrpState] = []
        self.left_out, self.other, self.addresses = 0, False, False

    def group(self, match: re.Match[str]) -> None:
        self.other, self.addresses = match[4] == "IPv6", False
        if self.other:
            self.left_out += 1
            return
        self.found.append(
            HsrpState(
                interface_name(match[1]), int(match[2]), "Init", None, None, None, version=int(match[3]), preempt=False
            )
        )

    def change(self, **fields: Any) -> object:
        if self.other:
            return None
        if not self.found:
            return NotImplemented
        self.found[-1] = replace(self.found[-1], **fields)
        return None

    def state(self, match: re.Match[str]) -> object:
        word = {"Initial": "Init", "Disabled": "Init"}.get(match[1], match[1])
        return self.change(state=word, priority=int(match[2]), preempt="may preempt" in match[0])

    def address(self, match: re.Match[str]) -> object:
        try:
            return self.change(address=IPv4Address(match[1]))
        except AddressValueError:
            return None  # unknown, or IPv6

    def router(self, match: re.Match[str]) -> object:
        known = None if match[2] == "unknown" else match[2]
        return self.change(**{match[1].lower(): known})

    def seconds(self, match: re.Match[str]) -> object:
        unit = 1 if match[2].startswith("m") else 1000
        hold = 1 if match[4].startswith("m") else 1000
        return self.change(hello_ms=int(match[1]) * unit, hold_ms=int(match[3]) * hold)

    def secondaries(self, match: re.Match[str]) -> None:
        self.addresses = True

    def secondary(self, match: re.Match[str]) -> object:
        if not self.addresses:
            return NotImplemented
        return self.also(match[1])

    def also(self, text: str) -> object:
        if self.other or ":" in text:
            return None
        if not self.found:
            return NotImplemented
        return self.change(secondaries=(*self.found[-1].secondaries, IPv4Address(text)))

    rows = (
        row(r"(\S+) - Group (\d+) \(HSRP-V(\d)\) \((IPv[46])\)", group),
        row(r"\s*Local state is (\w+)(?:\(.*?\))?, priority (\d+).*", state),
        row(r"\s*Hellotime (\d+) (\w+), holdtime (\d+) (\w+)", seconds),
        row(r"\s*Virtual IP address is (\S+)(?: \(.*\))?", address),
        row(r"\s*(Active|Standby) router is ([^\s,]+).*", router),
        row(rf"\s*Virtual mac address is {_MAC}.*", lambda self, m: self.change(virtual_mac=mac_address(m[1]))),
        row(r"\s*Secondary Virtual IP address is (\S+)", lambda self, m: self.also(m[1])),
        row(r"\s*Secondary VIP\(s\):", secondaries),
        row(r"\s+([0-9a-fA-F.:]{6,})", secondary),
        row(r"\s*(?:Forwarding threshold|Next hello sent|Authentication |\d+ state change|Track |IP redundancy|"
            r"Cfged |Preempt|Group name).*"),
    )  # fmt: skip

    def values(self) -> Mapping[str, Any]:
        return {"hsrp": tuple(self.found)}

    def size(self) -> int:
        return len(self.found) + self.left_out


class Vpc(LineReader):
    """``show vpc``: the pair's state, its peer link and its port-channels; VLAN lists go on below their column."""

    def __init__(self, output: Output) -> None:
        super().__init__(output)
        self.facts: dict[str, str] = {}
        self.peer: VpcChannel | None = None
        self.found: list[VpcChannel] = []
        self.table = ""

    def fact(self, match: re.Match[str]) -> object:
        if self.table:
            return NotImplemented
        self.facts[match[1].strip().lower()] = match[2].strip()
        return None

    def heading(self, match: re.Match[str]) -> None:
        self.table = match[1].lower()

    def link(self, match: re.Match[str]) -> object:
        if self.table != "peer-link":
            return NotImplemented
        self.peer = VpcChannel(int(match[1]), interface_name(match[2]), match[3], True, match[4])
        return None

    def channel(self, match: re.Match[str]) -> object:
        if not self.table or self.table == "peer-link":
            return NotImplemented
        self.found.append(
            VpcChannel(
                int(match[1]), interface_name(match[2]), match[3].rstrip("*"), match[4] == "success", match[5] or ""
            )
        )
        return None

    def more(self, match: re.Match[str]) -> object:
        last = self.found.pop() if self.found else self.peer
        if last is None or not re.search(r"[-,]$", last.vlans):
            if self.found is not None and last is not None and last is not self.peer:
                self.found.append(last)
            return NotImplemented
        longer = last._replace(vlans=last.vlans + match[1].strip())
        if last is self.peer:
            self.peer = longer
        else:
            self.found.append(longer)
        return None

    rows = (
        row(r"\s*Legend:.*|\s*\(\*\) - .*|\s*[-\s]+|\s*[Ii]d\s+Port\s+Status.*|\s*(?:Please check|consistency reason|any vpc).*"),
        row(r"\s*(?:vPC|VPC) ([Pp]eer-link) status", heading),
        row(r"\s*(?:vPC|VPC) (status)", heading),
        row(r"\s*([\w() /.-]+?)\s*:\s*(.*)", fact),
        row(r"\s*(\d+)\s+(\S+)\s+(up|down\*?)\s+(-|none|\d[\d,-]*)", link),
        row(r"\s*(\d+)\s+(\S+)\s+(up\*?|down\*?)\s+(success|failed|Not)\s+(?:.*?\s)?(-|\d[\d,-]*)", channel),
        row(r"\s+(\d[\d,-]*)", more),
        row(r"\s+(?:[A-Za-z].*)"),
    )  # fmt: skip

    def values(self) -> Mapping[str, Any]:
        for one in (*self.found, *([self.peer] if self.peer else [])):
            vlan_set(one.vlans.strip("-") or "none")
        facts = self.facts
        number = facts.get("vpc domain id", "")
        return {
            "vpc": VpcState(
                int(number) if number.isdigit() else None,
                facts.get("peer status", ""),
                facts.get("vpc keep-alive status", ""),
                facts.get("vpc role", ""),
                facts.get("configuration consistency status", ""),
                self.peer,
                tuple(self.found),
            )
        }

    def count(self, lines: list[str]) -> None:
        said = next((self.facts[key] for key in self.facts if key.startswith("number of vpc")), "")
        if said.isdigit() and int(said) != len(self.found):
            self.refuse(f"{said} vPCs are configured, but {len(self.found)} were read", 0)
