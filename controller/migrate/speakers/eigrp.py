"""Our router in a legacy EIGRP autonomous system, on one VLAN behind a border port.

Lives here: from the plan's words to the machine's, from its effects to frames, neighbours' MAC addresses. Must not
know: ports, time, DUAL. What it learns is shown; forwarding follows the intents alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from clos.controller.migrate.plan.model import EigrpSpeaker
from clos.controller.migrate.speakers.frames import (
    Heard,
    arp_answer,
    arp_asked,
    eigrp_frame,
    gratuitous_arp,
    group_mac,
)
from clos.controller.migrate.speakers.keeping import loaded
from clos.fabric.packet.build import BROADCAST
from clos.fabric.packet.fields import ipv4_text
from clos.fabric.protocols.eigrp.authentication import MD5, SHA256, Authentication
from clos.fabric.protocols.eigrp.config import (
    Config,
    Effect,
    Interface,
    NeighborDown,
    NeighborUp,
    Redistributed,
    Refused,
    Send,
)
from clos.fabric.protocols.eigrp.metric import Composite, KValues, Vector
from clos.fabric.protocols.eigrp.packet import ALL_ROUTERS, STUB_FLAGS
from clos.fabric.protocols.eigrp.router import Router
from clos.fabric.protocols.eigrp.routes import External, Prefix

LINK = Vector(10_000_000, 1_000_000)
"""Of a VLAN interface as IOS has it: 10 microseconds, 1 Gbit/s."""
INSIDE = "fabric"
"""The interface that prefixes of the fabric itself are on."""
_STUB = STUB_FLAGS["connected"] | STUB_FLAGS["redistributed"] | STUB_FLAGS["static"]


class EigrpProcess:
    """``key``: of its authentication. ``kept``: the machine that ran before a restart, for the same speaker."""

    def __init__(self, speaker: EigrpSpeaker, key: bytes | None, kept: bytes | None = None) -> None:
        self.speaker = speaker
        self._mac = int(speaker.mac.replace(":", ""), 16)
        self._address = int(speaker.address.ip)
        config = _config(speaker, key)
        found = loaded(kept, config) if kept else None
        self._fresh = not isinstance(found, Router)
        self.machine = found if isinstance(found, Router) else Router(config)
        self._macs: dict[int, int] = {}
        self._since: dict[int, int] = {}
        self._last = ""

    def start(self, now: int) -> Iterator[bytes]:
        """Hellos leave at once; a machine that ran before goes on."""
        yield gratuitous_arp(self.speaker.vlan, self._mac, self._address)
        yield from self._frames(self.machine.start(now) if self._fresh else self.machine.tick(now), now)

    def reconfigured(self, speaker: EigrpSpeaker, key: bytes | None, now: int) -> Iterator[bytes]:
        """Go on with other prefixes; adjacencies stay where the protocol lets them."""
        self.speaker = speaker
        yield from self._frames(self.machine.reconfigure(_config(speaker, key), now), now)

    def stop(self, now: int) -> Iterator[bytes]:
        """Say farewell: neighbours drop our routes at once."""
        yield from self._frames(self.machine.stop(now), now)

    def heard(self, frame: Heard, now: int) -> Iterator[bytes]:
        """Take an EIGRP packet of the VLAN."""
        if frame.target in (ALL_ROUTERS, self._address):
            self._macs[frame.source] = frame.mac
            yield from self._frames(self.machine.receive(INTERFACE, frame.source, frame.payload, now), now)

    def arp(self, frame: Heard) -> Iterator[bytes]:
        """Answer for our address."""
        asked = arp_asked(frame)
        if asked is not None and asked[2] == self._address and asked[1] != self._address:
            yield arp_answer(self.speaker.vlan, self._mac, self._address, asked[:2])

    def tick(self, now: int) -> Iterator[bytes]:
        """What is due."""
        yield from self._frames(self.machine.tick(now), now)

    def report(self, now: int) -> dict[str, Any]:
        """Neighbours, what they are told, what they tell."""
        speaker = self.speaker
        neighbours = [
            {
                "address": ipv4_text(source.address),
                "up": neighbour.up,
                "seconds": (now - self._up(source.address, now)) // 1000,
            }
            for source, neighbour in sorted(self.machine.neighbors.items())
        ]
        learned = [
            {"prefix": str(prefix), "via": ipv4_text(path.next_hop), "metric": path.metric, "external": change.external}
            for prefix, change in sorted(self.machine.topology.table.items())
            for path in change.paths
            if path.interface == INTERFACE and path.next_hop
        ]
        return {
            "border": speaker.border, "vlan": speaker.vlan, "asn": speaker.asn, "address": str(speaker.address),
            "neighbors": neighbours, "learned": learned,
            "advertised": [str(each.prefix) for each in speaker.advertised],
            "last": self._last,
        }  # fmt: skip

    def _up(self, address: int, now: int) -> int:
        return self._since.setdefault(address, now)

    def _frames(self, effects: Iterable[Effect], now: int) -> Iterator[bytes]:
        for effect in effects:
            if isinstance(effect, Send):
                to = group_mac(ALL_ROUTERS) if effect.destination == ALL_ROUTERS else self._macs.get(effect.destination)
                vlan = self.speaker.vlan
                yield eigrp_frame(vlan, self._mac, to or BROADCAST, self._address, effect.destination, effect.data)
            elif isinstance(effect, NeighborUp):
                self._since[effect.address] = now
                self._last = f"{ipv4_text(effect.address)} is up"
            elif isinstance(effect, NeighborDown):
                self._since.pop(effect.address, None)
                self._last = f"{ipv4_text(effect.address)} is down: {effect.reason}"
            elif isinstance(effect, Refused):
                self._last = f"refused from {ipv4_text(effect.source)}: {effect.reason}"


INTERFACE = "border"
"""The name of the machine's one interface that others are at."""


def _config(speaker: EigrpSpeaker, key: bytes | None) -> Config:
    network = speaker.address.network
    border = Interface(
        INTERFACE, int(speaker.address.ip), (Prefix(int(network.network_address), network.prefixlen),), LINK,
        hello_ms=speaker.hello_ms, hold_ms=speaker.hold_ms, authentication=_authentication(speaker, key),
    )  # fmt: skip
    inside = tuple(_prefix(each.prefix) for each in speaker.advertised if each.tag is None)
    router_id = int(speaker.router_id)
    outside = tuple(
        Redistributed(_prefix(each.prefix), LINK, External(router_id, tag=each.tag))
        for each in speaker.advertised
        if each.tag is not None
    )
    fabric = (Interface(INSIDE, 0, inside, LINK, passive=True),) if inside else ()
    return Config(
        speaker.asn, router_id, (border, *fabric), Composite(KValues(*speaker.k_values[:6])),
        _STUB if speaker.stub else None, redistributed=outside,
    )  # fmt: skip


def _prefix(network: Any) -> Prefix:
    return Prefix(int(network.network_address), network.prefixlen)


def _authentication(speaker: EigrpSpeaker, key: bytes | None) -> Authentication | None:
    if not speaker.authentication or key is None:
        return None
    method, _, number = speaker.authentication.partition(" ")
    return Authentication(MD5 if method == "md5" else SHA256, key, int(number or 0))
