"""HSRP groups of a device, run by fabric.protocols.hsrp on the network's virtual time.

Lives here: from configuration lines to groups, packets to the link and back, virtual addresses. Must not know: how a
group decides, layouts.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Address
from typing import TYPE_CHECKING

from clos.fabric.packet import build
from clos.fabric.packet.build import BROADCAST
from clos.fabric.protocols.hsrp import machine as hsrp
from clos.fabric.protocols.hsrp.packet import ACTIVE, DEFAULT_TEXT, GROUP_ADDRESS, PORT, STATE_NAMES, Keyed, virtual_mac
from clos.fabric.sim.clock import MILLISECOND, SECOND
from clos.fabric.sim.journey import Journey
from clos.fabric.sim.legacy.l3.alarm import Alarm
from clos.fabric.sim.legacy.l3.interfaces import Interface
from clos.fabric.sim.legacy.state import HsrpGroup
from clos.fabric.sim.legacy.tree import Tree, starting, value

if TYPE_CHECKING:
    from clos.fabric.sim.legacy.l3.router import Router

Key = tuple[str, int]
"""An interface and a group."""
LEAST_PREEMPTION = 100
DECREMENT = 10


@dataclass(slots=True)
class _Running:
    """A group that runs. ``mac``: the virtual one; ``owned``: the virtual addresses it answers for now."""

    group: hsrp.Group
    name: str | None
    mac: int
    tracked: dict[str, bool] = field(default_factory=dict)
    owned: tuple[int, ...] = ()
    changes: int = 0
    changed_at: int = 0


class Standby:
    """The groups of one router."""

    def __init__(self, router: Router) -> None:
        self._router = router
        self._running: dict[Key, _Running] = {}
        self._alarm = Alarm(router.device.clock, self._rang)

    @property
    def _now(self) -> int:
        return self._router.device.clock.now // MILLISECOND

    # configuration and links

    def follow(self) -> None:
        """The configuration changed: groups go on where only what they compare and track is another."""
        wanted: dict[Key, hsrp.Config] = {}
        for one in self._router.interfaces.values():
            for number, config in groups_of(self._router.device.interface(one.name), one).items():
                wanted[one.name, number] = config
        for key in self._running.keys() - wanted.keys():
            self._end(key)
        for key, config in wanted.items():
            self._follow(key, config)
        self.links_changed()

    def _follow(self, key: Key, config: hsrp.Config) -> None:
        running, lines = self._running.get(key), self._router.device.interface(key[0])
        name, words = value(lines, f"standby {key[1]} name"), value(lines, f"standby {key[1]} mac-address")
        mac = int(words.replace(".", ""), 16) if words else virtual_mac(config.version, config.group)
        if running is not None and (_alike(running.group.config), running.mac) == (_alike(config), mac):
            running.group.config, running.name = config, name
            return
        if running is not None:
            self._end(key)
        self._running[key] = _Running(hsrp.Group(config), name, mac)

    def _end(self, key: Key) -> None:
        running = self._running[key]
        self._do(key, running, running.group.down(self._now))
        del self._running[key]
        self._router.owned()

    def links_changed(self) -> None:
        """Interfaces, or what is tracked, may have come up or gone down."""
        tracked = {
            line.words()[1]: self._router.works(line.words()[3])
            for line in starting(self._router.device.running, "track")
        }
        for key, running in list(self._running.items()):
            for name, _ in running.group.config.tracks:
                up = tracked.get(name, True)
                if running.tracked.get(name, True) != up:
                    running.tracked[name] = up
                    self._do(key, running, running.group.track(name, up, self._now))
            up = key[0] in self._router.up
            self._do(key, running, running.group.up(self._now) if up else running.group.down(self._now))
        self._wind()

    # time and packets

    def _rang(self) -> None:
        for key, running in list(self._running.items()):
            due = running.group.next_deadline()
            if due is not None and due <= self._now:
                self._do(key, running, running.group.tick(self._now))
        self._wind()

    def _wind(self) -> None:
        due = min((at for one in self._running.values() if (at := one.group.next_deadline()) is not None), default=None)
        self._alarm.set(None if due is None else due * MILLISECOND)

    def receive(self, interface: str, source: int, data: bytes) -> None:
        """A packet to HSRP's port came in."""
        for key, running in list(self._running.items()):
            if key[0] == interface:
                self._do(key, running, running.group.receive(source, data, self._now))
        self._wind()

    def _do(self, key: Key, running: _Running, effects: Iterable[hsrp.Effect]) -> None:
        for effect in effects:
            if isinstance(effect, hsrp.Send):
                self._send(key, running, effect.data)
            elif isinstance(effect, hsrp.StateChanged):
                running.changes += 1
                running.changed_at = self._router.device.clock.now
                before, after = (_state(one) for one in (effect.before, effect.after))
                if effect.after:
                    log = f"%HSRP-5-STATECHANGE: {key[0]} Grp {key[1]} state {before} -> {after}"
                    self._router.device.logged(log)
            elif isinstance(effect, hsrp.Own):
                running.owned = effect.addresses
                self._router.owned()
                self._announce(key, running)
            elif isinstance(effect, hsrp.Release):
                running.owned = ()
                self._router.owned()

    def _send(self, key: Key, running: _Running, data: bytes) -> None:
        config = running.group.config
        frame = build.udp(
            eth_src=running.mac if running.owned else 0, eth_dst=0, ipv4_src=config.source,
            ipv4_dst=GROUP_ADDRESS[config.version], udp_src=PORT, udp_dst=PORT, ttl=1, payload=data,
        )  # fmt: skip
        self._router.send_at(key[0], GROUP_ADDRESS[config.version], frame.data, last=True)

    def _announce(self, key: Key, running: _Running) -> None:
        """Gratuitous ARP for what the group has taken over."""
        mac, one = running.mac, self._router.interfaces[key[0]]
        for address in running.owned:
            frame = build.arp(eth_dst=BROADCAST, eth_src=mac, op=2, sha=mac, spa=address, tha=BROADCAST, tpa=address)
            self._router.transmit(one, frame.data, Journey())

    # what the router asks

    def macs(self, interface: str) -> set[int]:
        """Virtual MACs that are this device's at an interface now."""
        return {one.mac for (name, _), one in self._running.items() if name == interface and one.owned}

    def mac_of(self, interface: str, address: int) -> int | None:
        """The virtual MAC of an address that a group of the interface answers for."""
        for (name, _), one in self._running.items():
            if name == interface and address in one.owned:
                return one.mac
        return None

    def addresses(self, interface: str) -> list[tuple[int, int]]:
        """(address, MAC) of what the groups of an interface answer for."""
        found = [one for (name, _), one in self._running.items() if name == interface]
        return [(address, one.mac) for one in found for address in one.owned]

    # what is shown

    def shown(self) -> tuple[HsrpGroup, ...] | None:
        return tuple(
            self._shown(key, one) for key, one in sorted(self._running.items(), key=lambda item: _order(item[0]))
        )

    def _shown(self, key: Key, one: _Running) -> HsrpGroup:
        group, config, clock = one.group, one.group.config, self._router.device.clock
        due = group.next_deadline()
        own = IPv4Address(config.source)
        active, standby = (None if who is None else IPv4Address(who[1]) for who in (group.active, group.standby))
        state = _state(group.state)
        return HsrpGroup(
            key[0], key[1], config.version, state, IPv4Address(group.address),
            own if group.state == ACTIVE else active, own if state == "Standby" else standby, own,
            group.priority, config.priority, config.preempt, one.mac, config.hello_ms, config.hold_ms,
            0 if due is None else max(0, due - self._now), one.changes, (clock.now - one.changed_at) // SECOND,
            tuple(IPv4Address(address) for address in config.secondaries), one.name,
            None if group.active is None else group.active[0], None if group.standby is None else group.standby[0],
            config.preempt_delay_ms // 1000,
            tuple((name, less, one.tracked.get(name, True)) for name, less in config.tracks),
            None if config.key is None else "MD5", None if config.key is not None else _text(config.text),
        )  # fmt: skip


def _order(key: Key) -> tuple[int, str, int]:
    digits = "".join(letter for letter in key[0] if letter.isdecimal())
    return (int(digits or 0), key[0], key[1])


def _text(text: bytes | None) -> str | None:
    return None if text is None or text == DEFAULT_TEXT else text.rstrip(b"\0").decode("latin-1")


def _state(number: int) -> str:
    return "Init" if not number else STATE_NAMES[number]


def _alike(config: hsrp.Config) -> hsrp.Config:
    """What must not change while a group runs."""
    return replace(config, priority=LEAST_PREEMPTION, preempt=False, preempt_delay_ms=0, tracks=())


def groups_of(lines: Tree, interface: Interface) -> dict[int, hsrp.Config]:
    """The groups that an interface's lines configure, by number."""
    version = int(value(lines, "standby version") or 1)
    settings: dict[int, list[list[str]]] = {}
    for line in starting(lines, "standby"):
        words = line.words()[1:]
        if words[0] in {"version", "delay"}:
            continue
        number = int(words.pop(0)) if words[0].isdecimal() else 0
        settings.setdefault(number, []).append(words)
    return {
        number: _config(number, version, rows, interface)
        for number, rows in settings.items()
        if any(row[0] == "ip" and row[-1] != "secondary" for row in rows)
    }


def _config(number: int, version: int, rows: list[list[str]], interface: Interface) -> hsrp.Config:
    config = hsrp.Config(number, interface.address, version=version, mac=interface.mac)
    for words in rows:
        config = _READ.get(words[0], _ignored)(config, words[1:])
    return config


def _ignored(config: hsrp.Config, words: list[str]) -> hsrp.Config:
    return config


def _ip(config: hsrp.Config, words: list[str]) -> hsrp.Config:
    if not words:
        return config
    address = int(IPv4Address(words[0]))
    if words[-1] == "secondary":
        return replace(config, secondaries=(*config.secondaries, address))
    return replace(config, address=address)


def _timers(config: hsrp.Config, words: list[str]) -> hsrp.Config:
    times: list[int] = []
    unit = 1000
    for word in words:
        if word == "msec":
            unit = 1
        else:
            times.append(int(word) * unit)
            unit = 1000
    return replace(config, hello_ms=times[0], hold_ms=times[1])


def _preempt(config: hsrp.Config, words: list[str]) -> hsrp.Config:
    delay = int(words[words.index("minimum") + 1]) if "minimum" in words else 0
    return replace(config, preempt=True, preempt_delay_ms=delay * 1000)


def _authentication(config: hsrp.Config, words: list[str]) -> hsrp.Config:
    if words[0] == "md5":
        return replace(config, key=Keyed(words[-1].encode()))
    return replace(config, text=words[-1].encode()[:8].ljust(8, b"\0"))


def _track(config: hsrp.Config, words: list[str]) -> hsrp.Config:
    less = int(words[words.index("decrement") + 1]) if "decrement" in words else DECREMENT
    return replace(config, tracks=(*config.tracks, (words[0], less)))


_READ = {
    "ip": _ip,
    "timers": _timers,
    "priority": lambda config, words: replace(config, priority=int(words[0])),
    "preempt": _preempt,
    "authentication": _authentication,
    "track": _track,
}
"""What each setting makes of a group's configuration."""
