"""``standby`` statements of an interface: HSRP groups as configured. Secrets become ``<removed>``."""

from __future__ import annotations

import re
from dataclasses import replace
from ipaddress import IPv4Address
from typing import Any

from clos.controller.migrate.discover.names import interface_name, mac_address
from clos.controller.migrate.model import HsrpGroup

REMOVED = "<removed>"
_GROUP = re.compile(r"standby (?:(\d+) )?(.+)")
_TIMERS = re.compile(r"timers (msec )?(\d+) (msec )?(\d+)")
_PREEMPT = re.compile(r"preempt(?: delay(?: (?:minimum )?(\d+))?(?: reload \d+)?(?: sync \d+)?)?")
_TRACK = re.compile(r"track (\S+?)(?: (?:decrement )?(\d+)| shutdown)?")


class HsrpGroups:
    """The groups of one interface, by number."""

    def __init__(self, interface: str) -> None:
        self.interface, self.version, self.use_bia = interface, 1, False
        self.groups: dict[int, HsrpGroup] = {}

    def done(self) -> tuple[HsrpGroup, ...]:
        """The groups in order, with what holds for the whole interface."""
        return tuple(
            replace(group, version=self.version, use_bia=self.use_bia) for _, group in sorted(self.groups.items())
        )

    def statement(self, text: str) -> bool:
        """Takes a statement; False: it is not known."""
        if re.fullmatch(r"standby version [12]", text):
            self.version = int(text[-1])
            return True
        if re.fullmatch(r"standby use-bia(?: scope interface)?", text):
            self.use_bia = True
            return True
        match = _GROUP.fullmatch(text)
        if match is None:
            return False
        number = int(match[1] or 0)
        group = self.groups.get(number, HsrpGroup(self.interface, number))
        changed = _changed(group, match[2])
        if changed is None:
            return False
        self.groups[number] = changed
        return True


def _changed(group: HsrpGroup, words: str) -> HsrpGroup | None:
    """The group after a statement; None: the statement is not known. Raises ValueError for what cannot be."""
    if match := re.fullmatch(r"ip(?: (\S+))?( secondary)?", words):
        return _address(group, match)
    if match := re.fullmatch(r"priority (\d+)(?: (preempt.*))?", words):
        after: HsrpGroup | None = replace(group, priority=int(match[1]))
        return _changed(after, match[2]) if after and match[2] else after
    if match := _PREEMPT.fullmatch(words):
        return replace(group, preempt=True, preempt_delay=int(match[1] or 0))
    if match := _TIMERS.fullmatch(words):
        hello = int(match[2]) * (1 if match[1] else 1000)
        return replace(group, hello_ms=hello, hold_ms=int(match[4]) * (1 if match[3] else 1000))
    if match := re.fullmatch(r"authentication (?:(md5|text) )?(.+)", words):
        return replace(group, authentication=_authentication(match))
    if match := _TRACK.fullmatch(words):
        lost = 255 if words.endswith(" shutdown") else int(match[2] or 10)
        return replace(group, tracks=(*group.tracks, (interface_name(match[1]), lost)))
    return _plain(group, words)


def _plain(group: HsrpGroup, words: str) -> HsrpGroup | None:
    fields: dict[str, Any] = {}
    if match := re.fullmatch(r"name (\S+)", words):
        fields["name"] = match[1]
    elif match := re.fullmatch(r"mac-address (\S+)", words):
        fields["virtual_mac"] = mac_address(match[1])
    else:
        return None
    return replace(group, **fields)


def _address(group: HsrpGroup, match: re.Match[str]) -> HsrpGroup:
    if match[1] is None:
        return group  # learned from the active router
    if match[2]:
        return replace(group, secondaries=(*group.secondaries, IPv4Address(match[1])))
    return replace(group, address=IPv4Address(match[1]))


def _authentication(match: re.Match[str]) -> str:
    """What kind it is, and the name of a key chain, never a key."""
    chain = re.fullmatch(r"key-chain (\S+)", match[2])
    if match[1] == "md5":
        return f"md5 key-chain {chain[1]}" if chain else f"md5 key-string {REMOVED}"
    return f"text {REMOVED}"
