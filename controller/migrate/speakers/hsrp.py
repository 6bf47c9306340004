"""Our router in one legacy HSRP group: the protocol's machine behind a border port.

Lives here: from the plan's words to the machine's, from its effects to frames. Must not know: ports, time.
One that is not to be active sends nothing: it listens who is, and would take over from nobody.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from clos.controller.migrate.plan.model import HsrpSpeaker
from clos.controller.migrate.speakers.frames import Heard, gratuitous_arp, hsrp_frame
from clos.controller.migrate.speakers.keeping import loaded
from clos.fabric.packet.fields import ipv4_text
from clos.fabric.protocols.hsrp.machine import Config, Effect, Group, Own, Refused, Send, StateChanged
from clos.fabric.protocols.hsrp.packet import (
    ACTIVE,
    DEFAULT_TEXT,
    GROUP_ADDRESS,
    HELLO,
    INITIAL,
    PORT,
    STANDBY,
    STATE_NAMES,
    Keyed,
    Malformed,
    decode,
)

LISTENING = "Listening"
"""The state of one that is not to be active."""


class HsrpGroup:
    """``key``: of its authentication. ``kept``: the machine that ran before a restart, for the same speaker."""

    def __init__(self, speaker: HsrpSpeaker, key: bytes | None, kept: bytes | None = None) -> None:
        self.speaker = speaker
        self._mac = int(speaker.mac.replace(":", ""), 16)
        self._virtual = int(speaker.virtual_mac.replace(":", ""), 16)
        config = _config(speaker, key, self._mac)
        found = loaded(kept, config) if kept else None
        self.machine = found if isinstance(found, Group) else Group(config)
        self._others: dict[int, tuple[str, int, int]] = {}
        """Of other routers, by address: state, priority, when it was last heard."""
        self._refused = ""
        self._since: int | None = None
        """When it became active."""

    def start(self, now: int) -> Iterator[bytes]:
        """Take over where it is to be active. A machine that ran before goes on."""
        if self.speaker.active and self.machine.state == INITIAL:
            yield from self._frames(self.machine.up(now))
        if self.speaker.active:
            yield from self._frames(self.machine.take_over(now))

    def stop(self, now: int) -> Iterator[bytes]:
        """Resign: the standby router takes over at once."""
        yield from self._frames(self.machine.down(now))

    def heard(self, frame: Heard, now: int) -> Iterator[bytes]:
        """Take a packet of the group's VLAN."""
        try:
            packet = decode(frame.payload)
        except Malformed as fault:
            self._refused = str(fault)
            return
        if (packet.version, packet.group) != (self.speaker.version, self.speaker.group):
            return
        if packet.opcode == HELLO:
            self._others[frame.source] = (STATE_NAMES[packet.state], packet.priority, now)
        if self.speaker.active:
            yield from self._frames(self.machine.receive(frame.source, frame.payload, now))
        self._note(now)

    def tick(self, now: int) -> Iterator[bytes]:
        """What is due."""
        if self.speaker.active:
            yield from self._frames(self.machine.tick(now))
        self._note(now)

    def _note(self, now: int) -> None:
        active = self.machine.state == ACTIVE
        self._since = (self._since or now) if active else None

    def report(self, now: int) -> dict[str, Any]:
        """Its state and that of the other routers of the group, as far as they were heard lately."""
        speaker, hold = self.speaker, self.speaker.hold_ms
        others = {source: row for source, row in self._others.items() if now - row[2] <= hold}
        return {
            "border": speaker.border, "vlan": speaker.vlan, "group": speaker.group,
            "state": STATE_NAMES[self.machine.state] if speaker.active else LISTENING,
            "address": str(speaker.address), "priority": speaker.priority,
            "virtual": [str(each) for each in speaker.virtual], "virtual_mac": speaker.virtual_mac,
            "active": _first(others, STATE_NAMES[ACTIVE]), "standby": _first(others, STATE_NAMES[STANDBY]),
            "refused": self._refused, "doubled": self._doubled(others),
        }  # fmt: skip

    def _doubled(self, others: dict[int, tuple[str, int, int]]) -> str | None:
        """Who says to be active although we are, and should have heard so; both answer from one MAC address."""
        if self.machine.state != ACTIVE or self._since is None:
            return None
        after = self._since + self.speaker.hold_ms
        return _first({source: row for source, row in others.items() if row[2] > after}, STATE_NAMES[ACTIVE])

    def _frames(self, effects: Iterable[Effect]) -> Iterator[bytes]:
        """Frames for what the machine wants done; those of an active router come from the virtual MAC."""
        speaker = self.speaker
        for effect in effects:
            if isinstance(effect, Send):
                active = decode(effect.data).state == ACTIVE
                mac, group = self._virtual if active else self._mac, GROUP_ADDRESS[speaker.version]
                yield hsrp_frame(speaker.vlan, mac, int(speaker.address), group, PORT, effect.data)
            elif isinstance(effect, Own):
                yield from (gratuitous_arp(speaker.vlan, self._virtual, address) for address in effect.addresses)
            elif isinstance(effect, Refused):
                self._refused = f"{ipv4_text(effect.source)}: {effect.reason}"
            elif isinstance(effect, StateChanged):
                self._refused = ""


def _first(others: dict[int, tuple[str, int, int]], state: str) -> str | None:
    return next((ipv4_text(source) for source, row in sorted(others.items()) if row[0] == state), None)


def _config(speaker: HsrpSpeaker, key: bytes | None, mac: int) -> Config:
    first, *others = (int(each) for each in speaker.virtual)
    text = DEFAULT_TEXT if speaker.version == 1 else None
    if speaker.authentication == "text" and key is not None:
        text = key.ljust(8, b"\0")[:8]
    elif speaker.version == 2 and speaker.authentication is None:
        text = DEFAULT_TEXT
    return Config(
        speaker.group, int(speaker.address), first, tuple(others), speaker.version, speaker.priority, preempt=True,
        hello_ms=speaker.hello_ms, hold_ms=speaker.hold_ms, text=text,
        key=Keyed(key) if speaker.authentication == "md5" and key is not None else None, mac=mac,
    )  # fmt: skip
