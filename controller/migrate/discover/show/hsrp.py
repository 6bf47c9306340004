"""``show standby``, ``show standby all`` and ``show standby brief`` (RFC 2281; version 2: Cisco).

``show standby brief`` has secondary addresses and timers nowhere: what both outputs have is taken from the long one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from ipaddress import AddressValueError, IPv4Address
from typing import Any

from clos.controller.migrate.discover.lines import LineReader, Output, row
from clos.controller.migrate.discover.names import interface_name, mac_address
from clos.controller.migrate.model import HsrpState, HsrpVirtual

_MAC = r"([0-9a-fA-F]{4}\.[0-9a-fA-F]{4}\.[0-9a-fA-F]{4})"


def milliseconds(number: str, unit: str) -> int:
    """``3`` ``sec`` -> 3000; ``250`` ``msec`` -> 250."""
    return int(number) if unit.startswith("m") else round(float(number) * 1000)


def _address(text: str) -> IPv4Address | None:
    try:
        return IPv4Address(text)
    except AddressValueError:
        return None  # ``unknown``, or IPv6


def _router(text: str) -> str | None:
    return None if text.lower() in {"unknown", "-"} else text


class Standby(LineReader):
    """``show standby [INTERFACE | all]``."""

    witness = re.compile(r"^\S+ - Group \d+")

    def __init__(self, output: Output) -> None:
        super().__init__(output)
        self.found: list[HsrpState] = []

    def group(self, match: re.Match[str]) -> None:
        self.found.append(
            HsrpState(
                interface_name(match[1]),
                int(match[2]),
                "Init",
                None,
                None,
                None,
                version=int(match[3] or 1),
                preempt=False,
            )
        )

    def change(self, **fields: Any) -> object:
        if not self.found:
            return NotImplemented
        self.found[-1] = replace(self.found[-1], **fields)
        return None

    def secondary(self, match: re.Match[str]) -> object:
        if not self.found:
            return NotImplemented
        return self.change(secondaries=(*self.found[-1].secondaries, IPv4Address(match[1])))

    rows = (
        row(r"(\S+) - Group (\d+)(?: \(version (\d)\))?(?: \(IPv6\))?", group),
        row(r"\s*State is (\w+).*", lambda self, match: self.change(state=match[1])),
        row(r"\s*Virtual IP address is (\S+?)(?: \(.*\))?", lambda self, match: self.change(address=_address(match[1]))),
        row(r"\s*Secondary virtual IP address (?:is )?(\S+)", secondary),
        row(rf"\s*Active virtual MAC address is {_MAC}.*",
            lambda self, match: self.change(virtual_mac=mac_address(match[1]))),
        row(r"\s*Hello time (\d+(?:\.\d+)?) (sec|msec), hold time (\d+(?:\.\d+)?) (sec|msec).*",
            lambda self, match: self.change(hello_ms=milliseconds(match[1], match[2]),
                                            hold_ms=milliseconds(match[3], match[4]))),
        row(r"\s*Preemption (enabled|disabled).*", lambda self, match: self.change(preempt=match[1] == "enabled")),
        row(r"\s*Active router is ([^\s,]+).*", lambda self, match: self.change(active=_router(match[1]))),
        row(r"\s*Standby router is ([^\s,]+).*", lambda self, match: self.change(standby=_router(match[1]))),
        row(r"\s*Priority (\d+).*", lambda self, match: self.change(priority=int(match[1]))),
        row(r"\s*(\d+ state changes?,|Track |Tracking |Active virtual MAC address is unknown|Local virtual MAC address|"
            r"Next hello sent|Authentication |Group name is|FLAGS:|Slave |Client |Following |Min |Last |Hello |"
            r"Configured |Virtual MAC address|Router |ICMP |Redundancy |priority decrement|BFD|IP redundancy|"
            r"MAC |Mac |expires |Interface |Standby |Active ).*"),
    )  # fmt: skip

    def values(self) -> Mapping[str, Any]:
        return {"hsrp": tuple(self.found)}

    def count(self, lines: list[str]) -> None:
        super().count(lines)
        for group in self.found:
            if group.state in {"Active", "Standby"} and group.priority is None:
                self.refuse(f"{group.interface} group {group.group}: no priority was read", 0)


class StandbyBrief(LineReader):
    """``show standby brief``: one row a group; what is too long for its column goes on below."""

    witness = re.compile(r"^(?:\S+)?\s+\d+\s+\d+\s+(?:P\s+)?[A-Z][a-z]+\s")
    wrapped: str | None = None

    def __init__(self, output: Output) -> None:
        super().__init__(output)
        self.found: list[HsrpState] = []

    def long_name(self, match: re.Match[str]) -> None:
        self.wrapped = match[1]

    def group(self, match: re.Match[str]) -> object:
        name = match[1] or self.wrapped
        if name is None:
            return NotImplemented
        self.wrapped = None
        self.found.append(
            HsrpState(
                interface_name(name),
                int(match[2]),
                match[5],
                _address(match[8] or ""),
                _router(match[6]),
                _router(match[7]),
                int(match[3]),
                preempt=match[4] is not None,
            )
        )
        return None

    def more(self, match: re.Match[str]) -> object:
        return None if self.found else NotImplemented

    rows = (
        row(r"(\S+)?\s+(\d+)\s+(\d+)\s+(?:(P)\s+)?(Active|Standby|Listen|Speak|Learn|Init|Disabled)\s+(\S+)\s+(\S+)"
            r"(?:\s+(\S+))?", group),
        row(r"\s{30,}([0-9A-Fa-f:.]+)", more),
        row(r"\s*P indicates configured to preempt\."),
        row(r"\s*\|"),
        row(r"\s*Interface\s+Grp\s+.*"),
        row(r"([A-Za-z][A-Za-z-]*\d[\w/.:]*)", long_name),
    )  # fmt: skip

    def values(self) -> Mapping[str, Any]:
        return {"hsrp": tuple(self.found)}


class StandbyInternal(LineReader):
    """``show standby internal``: the tables of virtual addresses and of virtual MAC addresses."""

    witness = re.compile(r"\bGrp \d+")

    def __init__(self, output: Output) -> None:
        super().__init__(output)
        self.found: list[HsrpVirtual] = []
        self.mac: int | None = None

    def address(self, match: re.Match[str]) -> None:
        self.found.append(HsrpVirtual(interface_name(match[2]), int(match[3]), address=match[1]))

    def hashed(self, match: re.Match[str]) -> None:
        self.mac = mac_address(match[1])

    def group(self, match: re.Match[str]) -> object:
        if self.mac is None:
            return NotImplemented
        self.found.append(HsrpVirtual(interface_name(match[1]), int(match[2]), mac=self.mac))
        return None

    rows = (
        row(r"\s*\d+\s+([0-9A-Fa-f.:]+)\s+(\S+)\s+Grp (\d+)", address),
        row(rf"\s*\d+\s+\S+\s+{_MAC}", hashed),
        row(r"\s*(\S+)\s+Grp (\d+)", group),
        row(r"\s*HSRP (?:common |IPv[46] )?(?:process|Timer|HA|virtual|MAC).*|\s*MsgQ size .*"),
    )

    def values(self) -> Mapping[str, Any]:
        return {"hsrp_virtual": tuple(self.found)}
