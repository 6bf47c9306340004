"""All that speaks and listens at the borders: frames and times in, frames out.

Lives here: who takes which frame, what a new configuration starts and ends, what survives a restart. Sans-I/O: times in
milliseconds since 1970 come with every call. Must not know: switches, ports, stores.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from clos.controller.migrate.plan.model import EigrpSpeaker, HsrpSpeaker, Speakers
from clos.controller.migrate.speakers.bpdu import BpduLog
from clos.controller.migrate.speakers.config import eigrp_key, hsrp_key
from clos.controller.migrate.speakers.eigrp import EigrpProcess
from clos.controller.migrate.speakers.frames import EIGRP_PROTOCOL, read_frame
from clos.controller.migrate.speakers.hsrp import HsrpGroup
from clos.controller.migrate.speakers.keeping import Machine, dumped
from clos.fabric.packet.fields import ETH_ARP
from clos.fabric.protocols.hsrp.packet import PORT as HSRP_PORT
from clos.fabric.protocols.pvst.frame import IEEE_GROUP, SSTP_GROUP

_BPDUS = frozenset({IEEE_GROUP.to_bytes(6), SSTP_GROUP.to_bytes(6)})
Key = tuple[str, int, int]
"""Border, VLAN, group or autonomous system."""


class Out(NamedTuple):
    """A frame to be sent out of a border's port."""

    border: str
    data: bytes


class BorderSpeakers:
    """``keys``: how keys are found; the environment by default."""

    def __init__(
        self,
        hsrp_key: Callable[[HsrpSpeaker], bytes | None] = hsrp_key,
        eigrp_key: Callable[[EigrpSpeaker], bytes | None] = eigrp_key,
    ) -> None:
        self.config = Speakers()
        self._hsrp_key, self._eigrp_key = hsrp_key, eigrp_key
        self._groups: dict[Key, HsrpGroup] = {}
        self._processes: dict[Key, EigrpProcess] = {}
        self._bpdus = BpduLog()

    # Configuration.

    def configure(self, config: Speakers, now: int, kept: Mapping[str, bytes] | None = None) -> tuple[Out, ...]:
        """Speak like this from now on. ``kept``: of before a restart, with the same configuration (``machines``)."""
        out = [*self._end(config, now), *self._begin(config, now, kept or {})]
        self._bpdus.configure(config.watches, now)
        self.config = config
        return tuple(out)

    def _end(self, config: Speakers, now: int) -> Iterator[Out]:
        """Groups that change resign, processes that go say farewell."""
        hsrp = {_hsrp(each): each for each in config.hsrp}
        for key, group in list(self._groups.items()):
            if hsrp.get(key) != group.speaker:
                yield from _out(key, group.stop(now))
                del self._groups[key]
        wanted = {_eigrp(each) for each in config.eigrp}
        for key, process in list(self._processes.items()):
            if key not in wanted:
                yield from _out(key, process.stop(now))
                del self._processes[key]

    def _begin(self, config: Speakers, now: int, kept: Mapping[str, bytes]) -> Iterator[Out]:
        for speaker in config.hsrp:
            key = _hsrp(speaker)
            if key not in self._groups:
                self._groups[key] = HsrpGroup(speaker, self._hsrp_key(speaker), kept.get(_name("hsrp", key)))
                yield from _out(key, self._groups[key].start(now))
        for each in config.eigrp:
            key, secret = _eigrp(each), self._eigrp_key(each)
            if key in self._processes:
                yield from _out(key, self._processes[key].reconfigured(each, secret, now))
            else:
                self._processes[key] = EigrpProcess(each, secret, kept.get(_name("eigrp", key)))
                yield from _out(key, self._processes[key].start(now))

    def machines(self) -> dict[str, bytes]:
        """The protocols' machines by name, for ``configure`` after a restart."""
        active = {_name("hsrp", key): group.machine for key, group in self._groups.items() if group.speaker.active}
        processes = {_name("eigrp", key): process.machine for key, process in self._processes.items()}
        found: dict[str, Machine] = {**active, **processes}
        return {name: dumped(machine) for name, machine in found.items()}

    # Frames and time.

    def heard(self, border: str, data: bytes, now: int) -> tuple[Out, ...]:
        """Take a frame that came in at a border."""
        if data[:6] in _BPDUS:
            self._bpdus.heard(border, data, now)
            return ()
        frame = read_frame(data)
        if frame is None or frame.vlan is None:
            return ()
        out: list[Out] = []
        if frame.udp_port == HSRP_PORT:
            for key, group in self._groups.items():
                if key[:2] == (border, frame.vlan):
                    out += _out(key, group.heard(frame, now))
        elif frame.proto == EIGRP_PROTOCOL or frame.kind == ETH_ARP:
            for key, process in self._processes.items():
                if key[:2] == (border, frame.vlan):
                    out += _out(key, process.arp(frame) if frame.kind == ETH_ARP else process.heard(frame, now))
        return tuple(out)

    def tick(self, now: int) -> tuple[Out, ...]:
        """Do what is due."""
        out: list[Out] = []
        for key, group in self._groups.items():
            out += _out(key, group.tick(now))
        for key, process in self._processes.items():
            out += _out(key, process.tick(now))
        return tuple(out)

    # What is known.

    def report(self, now: int) -> dict[str, Any]:
        """States, neighbours, routes and roots."""
        return {
            "hsrp": [group.report(now) for _, group in sorted(self._groups.items())],
            "eigrp": [process.report(now) for _, process in sorted(self._processes.items())],
            "watches": list(self._bpdus.report(now)),
        }

    def wrong(self, now: int) -> tuple[str, ...]:
        """What people should know, in sentences."""
        groups = [group.report(now) for group in self._groups.values()]
        processes = (process.report(now) for process in self._processes.values())
        return (
            *self._bpdus.wrong(now),
            *(_not_active(row) for row in groups if row["state"] not in ("Active", "Listening")),
            *(_doubled(row) for row in groups if row["doubled"]),
            *(_lonely(row) for row in processes if not any(each["up"] for each in row["neighbors"])),
        )


def _not_active(row: Mapping[str, Any]) -> str:
    who = f": {row['active']} is" if row["active"] else ""
    return f"HSRP group {row['group']} of VLAN {row['vlan']} at {row['border']} is {row['state']}, not active{who}"


def _doubled(row: Mapping[str, Any]) -> str:
    why = f": {row['refused']}" if row["refused"] else ""
    where = f"HSRP group {row['group']} of VLAN {row['vlan']} at {row['border']}"
    return f"{where}: {row['doubled']} is active, too, with our MAC address {row['virtual_mac']}{why}"


def _lonely(row: Mapping[str, Any]) -> str:
    return f"EIGRP {row['asn']} has no neighbour in VLAN {row['vlan']} at {row['border']}"


def _hsrp(speaker: HsrpSpeaker) -> Key:
    return speaker.border, speaker.vlan, speaker.group


def _eigrp(speaker: EigrpSpeaker) -> Key:
    return speaker.border, speaker.vlan, speaker.asn


def _name(kind: str, key: Key) -> str:
    return "/".join(map(str, (kind, *key)))


def _out(key: Key, frames: Iterable[bytes]) -> Iterator[Out]:
    return (Out(key[0], frame) for frame in frames)
