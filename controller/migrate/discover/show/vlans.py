"""``show vlan [brief]`` and ``show vtp status``: VLANs by name, and where they come from."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from clos.controller.migrate.discover.lines import LineReader, Output, row
from clos.controller.migrate.discover.names import interface_name
from clos.controller.migrate.model import VlanState, VrfState

_STATUS = r"(active|suspended|act/unsup|act/lshut|act/ishut|sus/lshut|sus/ishut)"


def _ports(text: str) -> tuple[str, ...]:
    return tuple(interface_name(part) for part in text.split(",") if part.strip())


class Vlans(LineReader):
    """The first table is read; types, remote SPAN and private VLANs are other tables, each by its heading."""

    witness = re.compile(rf"^(?:\d+\s+\S.*|\s*)\s{_STATUS}(?:\s|$)")

    def __init__(self, output: Output) -> None:
        super().__init__(output)
        self.found: list[VlanState] = []
        self.other = False
        self.wrapped: tuple[str, str] | None = None

    def first(self, match: re.Match[str]) -> None:
        self.other = False

    def second(self, match: re.Match[str]) -> None:
        self.other = True

    def vlan(self, match: re.Match[str]) -> object:
        if self.other:
            return NotImplemented
        self.found.append(VlanState(int(match[1]), match[2].strip(), match[3], _ports(match[4] or "")))
        return None

    def long_name(self, match: re.Match[str]) -> object:
        """A name too long for its column; the rest of the row is below."""
        if self.other:
            return NotImplemented
        self.wrapped = match[1], match[2]
        return None

    def rest(self, match: re.Match[str]) -> object:
        if self.other or self.wrapped is None:
            return NotImplemented
        number, name = self.wrapped
        self.wrapped = None
        self.found.append(VlanState(int(number), name, match[1], _ports(match[2] or "")))
        return None

    def more(self, match: re.Match[str]) -> object:
        if self.other or not self.found:
            return NotImplemented
        last = self.found.pop()
        self.found.append(last._replace(ports=last.ports + _ports(match[1])))
        return None

    def elsewhere(self, match: re.Match[str]) -> object:
        return None if self.other else NotImplemented

    rows = (
        row(r"\s*VLAN\s+Name\s+Status.*", first),
        row(r"\s*(VLAN\s+(?:Type|AREHops).*|Remote SPAN VLANs.*|Primary\s+Secondary\s+Type.*)", second),
        row(rf"(\d+)\s+(\S.*?)\s+{_STATUS}(?:\s+(\S.*?))?", vlan),
        row(rf"\s+{_STATUS}(?:\s+(\S.*?))?", rest),
        row(r"(\d+)\s+(\S{20,})", long_name),
        row(r"\s{30,}([A-Z]\S*(?:, ?\S+)*,?)", more),
        row(r"\s*[-\s]+"),
        row(r"\s*(?:\d+|none)\s.*|\s*\d[\d,-]*", elsewhere),
    )

    def values(self) -> Mapping[str, Any]:
        return {
            "vlan_table": tuple(self.found),
            "vlans": {vlan.vlan: vlan.name for vlan in self.found},
        }


class Vrfs(LineReader):
    """``show vrf``: VRFs with their interfaces, which go on below one another."""

    def __init__(self, output: Output) -> None:
        super().__init__(output)
        self.found: list[VrfState] = []

    def vrf(self, match: re.Match[str]) -> None:
        protocols = tuple(match[2].split(",")) if match[2] else ()
        self.found.append(VrfState(match[1], protocols, (interface_name(match[3]),) if match[3] else ()))

    def more(self, match: re.Match[str]) -> object:
        if not self.found:
            return NotImplemented
        last = self.found.pop()
        self.found.append(last._replace(interfaces=(*last.interfaces, interface_name(match[1]))))
        return None

    rows = (
        row(r"\s*Name\s+Default RD\s.*|VRF-Name\s+VRF-ID\s.*"),
        row(r"(\S+)\s+\d+\s+(?:Up|Down)()()\s.*", vrf),
        row(
            r"\s{0,4}(\S+)\s+(?:<not set>|<being deleted>|[\d.]+:\d+)(?:\s+(ipv[46](?:,ipv[46])*))?(?:\s+([A-Z][\w/.:-]*))?",
            vrf,
        ),
        row(r"\s{20,}([A-Z][\w/.:-]*)", more),
    )

    def values(self) -> Mapping[str, Any]:
        return {"vrfs": tuple(self.found)}


class VtpStatus(LineReader):
    """``show vtp status``, versions 1 to 3; of version 3's features the VLANs' own is kept."""

    names = {  # noqa: RUF012 - a literal
        "vtp version running": "vtp_version",
        "vtp version": "vtp_version",
        "vtp domain name": "vtp_domain",
        "vtp pruning mode": "vtp_pruning",
        "vtp operating mode": "vtp_mode",
        "number of existing vlans": "vtp_vlans",
        "configuration revision": "vtp_revision",
        "device id": "vtp_device",
        "maximum vlans supported locally": "vtp_maximum",
    }

    def __init__(self, output: Output) -> None:
        super().__init__(output)
        self.found: dict[str, str] = {}
        self.feature = "VLAN"

    def begin(self, match: re.Match[str]) -> None:
        self.feature = match[1]

    def value(self, match: re.Match[str]) -> None:
        name = self.names.get(match[1].strip().lower())
        if name and self.feature == "VLAN":
            running = re.match(r"running VTP(\d)", match[2])
            self.found[name] = running[1] if running else match[2].strip()

    rows = (
        row(r"\s*Feature (\w+)\s*:", begin),
        row(r"\s*((?:VTP|Configuration Revision|Maximum|Number of|Device ID|Primary|MD5|Local updater)[\w ()]*?)\s*:\s*(.*)",
            value),
        row(r"\s*Configuration last modified by .*|\s*Local updater ID is .*"),
        row(r"(?:\s*0x[0-9A-Fa-f]{2})+"),
        row(r"\s*-+|\s*\*.*"),
    )  # fmt: skip

    def values(self) -> Mapping[str, Any]:
        return {"facts": dict(self.found)}
