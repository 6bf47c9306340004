"""``show interfaces trunk | switchport | status`` and ``show etherchannel summary``: ports of layer 2."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from clos.controller.migrate.discover.lines import LineReader, Output, row
from clos.controller.migrate.discover.names import interface_name, vlan_set
from clos.controller.migrate.model import EtherChannel, PortState, SwitchportState, TrunkState

OTHER = "other"
"""A table that is known and not kept."""
_SECTIONS = {
    "allowed on trunk": "allowed",
    "allowed and active in management domain": "active",
    "in spanning tree forwarding state and not pruned": "forwarding",
    "err-disabled on trunk": OTHER,
    "forwarding on fabricpath": OTHER,
}
_PORT = r"([A-Z][A-Za-z-]*[\d/.:]+)"


class InterfacesTrunk(LineReader):
    """Four tables by port; a list of VLANs may go on below its column."""

    def __init__(self, output: Output) -> None:
        super().__init__(output)
        self.found: dict[str, TrunkState] = {}
        self.section, self.port = "", ""
        self.texts: dict[tuple[str, str], str] = {}

    def heading(self, match: re.Match[str]) -> None:
        self.section = _SECTIONS.get(match[1].strip().lower(), "")
        if not self.section:
            raise ValueError("unknown table")

    def state(self, match: re.Match[str]) -> None:
        name = interface_name(match[1])
        self.found[name] = TrunkState(name, match[2], match[3], match[4], int(match[5]))

    def vlans(self, match: re.Match[str]) -> object:
        if not self.section:
            return NotImplemented
        if self.section == OTHER:
            return None
        self.port = interface_name(match[1])
        vlan_set(match[2])
        self.texts[self.port, self.section] = match[2]
        return None

    def more(self, match: re.Match[str]) -> object:
        key = self.port, self.section
        if self.section == OTHER:
            return None
        if key not in self.texts:
            return NotImplemented
        vlan_set(match[1])
        self.texts[key] = f"{self.texts[key].rstrip(', ')},{match[1]}"
        return None

    def states(self, match: re.Match[str]) -> None:
        self.section = ""

    def nxos_state(self, match: re.Match[str]) -> object:
        if self.section:
            return NotImplemented
        name = interface_name(match[1])
        self.found[name] = TrunkState(name, "on", "802.1q", match[3], int(match[2]))
        return None

    def forwarding(self, match: re.Match[str]) -> None:
        self.section = "forwarding"

    rows = (
        row(r"-{5,}|\s+Vlan\s+Channel"),
        row(r"Port\s+Native\s+Status\s+Port", states),
        row(r"Port\s+STP Forwarding", forwarding),
        row(rf"{_PORT}\s+(\d+)\s+(trunking|trnk-bndl|not-trunking|other)\s+(\S+)", nxos_state),
        row(r"Port\s+Mode\s+Encapsulation\s+Status\s+Native vlan", states),
        row(r"Port\s+Vlans (.*)", heading),
        row(rf"{_PORT}\s+(\S+)\s+(\S+)\s+(\S+)\s+(\d+)", state),
        row(rf"{_PORT}\s+(none|all|\d[\d,\s-]*)", vlans),
        row(r"\s+(\d[\d,\s-]*)", more),
    )

    def values(self) -> Mapping[str, Any]:
        lists = {key: vlan_set(text) for key, text in self.texts.items()}
        return {
            "trunks": tuple(
                _with_lists(trunk, {field: vlans for (port, field), vlans in lists.items() if port == name})
                for name, trunk in self.found.items()
            )
        }

    def count(self, lines: list[str]) -> None:
        missing = sorted({name for name, _ in self.texts} - set(self.found))
        if missing:
            self.refuse(f"VLANs of {', '.join(missing)}, of which no state was read", 0)
        bare = sorted(name for name in self.found if (name, "allowed") not in self.texts)
        if bare:
            self.refuse(f"no allowed VLANs were read of {', '.join(bare)}", 0)


def _with_lists(trunk: TrunkState, lists: Mapping[str, Any]) -> TrunkState:
    return trunk._replace(**lists)


class InterfacesSwitchport(LineReader):
    """``name: value`` lines by port, all kept; VLAN lists go on below."""

    witness = re.compile(r"^\s*Name: ")

    def __init__(self, output: Output) -> None:
        super().__init__(output)
        self.ports: list[list[tuple[str, str]]] = []

    def name(self, match: re.Match[str]) -> None:
        self.ports.append([("Name", interface_name(match[1]))])

    def value(self, match: re.Match[str]) -> object:
        if not self.ports:
            return NotImplemented
        self.ports[-1].append((match[1].strip(), match[2].strip()))
        return None

    def more(self, match: re.Match[str]) -> object:
        if not self.ports or "VLANs" not in self.ports[-1][-1][0]:
            return NotImplemented
        key, text = self.ports[-1].pop()
        self.ports[-1].append((key, text + match[1]))
        return None

    rows = (
        row(r"\s*Name: (\S+)", name),
        row(r"\s*([A-Z][\w \-/]*?)\s*:\s*(.*)", value),
        row(r"\s+(\d[\d,\s-]*)", more),
        row(r"\s*(Capture Mode) (Disabled|Enabled)", value),
        row(r"\s*(Appliance trust|Unknown \w+ blocked) ?:? ?(\w+)", value),
        row(r"\s*(\d+ \(.*\) \d+ \(.*\))"),
    )

    def values(self) -> Mapping[str, Any]:
        return {"switchports": tuple(_switchport(tuple(lines)) for lines in self.ports)}


def _switchport(lines: tuple[tuple[str, str], ...]) -> SwitchportState:
    values = dict(lines)
    oper = values.get("Operational Mode", "")
    bundle = re.search(r"\(member of bundle (\S+)\)", oper)
    enabled = values.get("Trunking VLANs Enabled")
    return SwitchportState(
        values["Name"],
        values.get("Switchport", "").lower() == "enabled",
        values.get("Administrative Mode", ""),
        re.sub(r"\s*\(.*\)", "", oper),
        interface_name(bundle[1]) if bundle else None,
        _first(values.get("Access Mode VLAN")),
        _first(values.get("Trunking Native Mode VLAN")),
        _first(values.get("Voice VLAN")),
        vlan_set(enabled.split("(")[0]) if enabled is not None else None,
        lines,
    )


def _first(text: str | None) -> int | None:
    match = re.match(r"\d+", text or "")
    return int(match[0]) if match else None


class InterfacesStatus(LineReader):
    """``show interfaces status``: columns stand where the heading has them, for names have blanks."""

    witness = re.compile(rf"^{_PORT}\s")

    def __init__(self, output: Output) -> None:
        super().__init__(output)
        self.found: list[PortState] = []

    def port(self, match: re.Match[str]) -> None:
        self.found.append(
            PortState(
                interface_name(match[1]),
                match[2].strip(),
                match[3],
                match[4],
                match[5],
                match[6],
                (match[7] or "").strip(),
            )
        )

    rows = (
        row(r"\s*Port\s+Name\s+Status\s+Vlan\s+.*"),
        row(rf"{_PORT}\s+(.*?)\s*(connected|notconnect|disabled|err-disabled|inactive|monitoring|suspended|noOperMem|"
            r"sfpAbsent|xcvrAbsen|sfpInvali|xcvrInval|linkFlapE|channelDo|notconnec|suspndByV|vpcPeerLk|down|up|routed|faulty|standby|dot1p)\s+"
            r"(\d[\d,-]*|trunk|routed|unassigned|f-path|pvlan|--|[a-z]+\s?\d*)\s+(\S+)\s+(\S+)(?:\s+(\S.*?))?", port),
        row(r"-{5,}"),
        row(r"(mgmt\d+|nve\d+|fc\d\S*|sup-eth\d+)\s.*"),
    )  # fmt: skip

    def values(self) -> Mapping[str, Any]:
        return {"ports": tuple(self.found)}


class EtherchannelSummary(LineReader):
    """``show etherchannel summary``; members that don't fit go on below."""

    witness = re.compile(r"^\d+\s+\S+\(\w+\)")

    def __init__(self, output: Output) -> None:
        super().__init__(output)
        self.found: list[EtherChannel] = []
        self.said: int | None = None

    def aggregators(self, match: re.Match[str]) -> None:
        self.said = int(match[1])

    def channel(self, match: re.Match[str]) -> None:
        protocol = None if match[4] in {None, "-", "NONE"} else match[4]
        self.found.append(
            EtherChannel(int(match[1]), interface_name(match[2]), match[3], protocol, _members(match[5] or ""))
        )

    def more(self, match: re.Match[str]) -> object:
        if not self.found:
            return NotImplemented
        last = self.found.pop()
        self.found.append(last._replace(members=last.members + _members(match[1])))
        return None

    rows = (
        row(r"(\d+)\s+([A-Za-z-]+[\d.]+)\((\w+)\)(?:\s+(LACP|PAgP|PAGP|-|NONE|mLACP|On)(?=\s|$))?"
            r"((?:\s+[\w/.:-]+\([\w/*-]+\))*)", channel),
        row(r"\s+((?:[\w/.:-]+\([\w/*-]+\)\s*)+)", more),
        row(r"\s*Number of channel-groups in use:.*"),
        row(r"\s*Number of aggregators:\s*(\d+)", aggregators),
        row(r"-{5,}|\s+Channel|\s*Group\s+Port-\s.*|\s+p - Up in .*"),
        row(r"(\d+)\s+([A-Za-z-]+[\d.]+)\((\w+)\)\s+Eth\s+(LACP|NONE|PAGP|-)((?:\s+[\w/.:-]+\([\w/*-]+\))*)(?:\s+--)?", channel),
        row(r"\s*Flags: .*|\s*[A-Za-z](?:/\w+)?\s+- .*|\s*Group\s+Port-channel\s.*|[-+\s]+"),
        row(r"\s*\* - .*|\s*(RU|SU) - .*"),
    )  # fmt: skip

    def values(self) -> Mapping[str, Any]:
        return {"channels": tuple(self.found)}


def _members(text: str) -> tuple[tuple[str, str], ...]:
    return tuple((interface_name(name), flags) for name, flags in re.findall(r"([\w/.:-]+)\(([\w/*-]+)\)", text))
