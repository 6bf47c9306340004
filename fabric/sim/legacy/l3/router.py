"""The router of a legacy device: frames for it are answered, taken by a protocol, or sent on by the routing table.

Lives here: ARP, access lists at interfaces, forwarding, which interface is up. Must not know: how protocols choose,
layouts of outputs. Hellos of EIGRP and HSRP to groups of the link are not judged by access lists, as switches that
take them out of their hardware's path do not.
Source: RFC 1812 §5 (forwarding), RFC 826 (ARP), RFC 1027 (proxy ARP).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from clos.fabric.packet import build
from clos.fabric.packet.fields import ipv4_text
from clos.fabric.sim.journey import Journey
from clos.fabric.sim.legacy.device import LegacyDevice
from clos.fabric.sim.legacy.l2.bridge import Bridge
from clos.fabric.sim.legacy.l3 import show
from clos.fabric.sim.legacy.l3.access import AccessLists, facts_of
from clos.fabric.sim.legacy.l3.eigrp import Eigrp
from clos.fabric.sim.legacy.l3.interfaces import Interface, interfaces_of
from clos.fabric.sim.legacy.l3.neighbors import Neighbors
from clos.fabric.sim.legacy.l3.packets import (
    TIME_EXCEEDED,
    UNREACHABLE,
    addressed,
    echo_reply,
    forwarded,
    group_mac,
    icmp_error,
)
from clos.fabric.sim.legacy.l3.routes import connected, static, usable
from clos.fabric.sim.legacy.l3.standby import Standby
from clos.fabric.sim.legacy.l3.table import Hop, Row, Table
from clos.fabric.sim.legacy.names import split_name
from clos.fabric.sim.legacy.state import ArpEntry, EigrpProcess, HsrpGroup, Route

ARP_TYPE, IPV4_TYPE = b"\x08\x06", b"\x08\x00"
EIGRP_PROTOCOL, UDP, HSRP_PORT = 88, 17, 1985
BROADCAST = b"\xff" * 6
HOST = 32


class Router:
    """``forwards``: whether a VLAN has a port that forwards; ``changed``: called where frames may go another way."""

    def __init__(
        self, device: LegacyDevice, bridge: Bridge, forwards: Callable[[int], bool], changed: Callable[[], object]
    ) -> None:
        self.device, self.bridge = device, bridge
        self._forwards, self._changed = forwards, changed
        self.interfaces: dict[str, Interface] = {}
        self.up: set[str] = set()
        self.lists = AccessLists()
        self.table = Table()
        self.neighbors = Neighbors(changed)
        self.standby = Standby(self)
        self.eigrp = Eigrp(self)
        self._of_vlan: dict[int, Interface] = {}
        self._of_line: dict[tuple[str, int | None], Interface] = {}
        self._own: dict[int, Interface] = {}
        self._macs: dict[str, set[int]] = {}
        self._routes = False

    # what the configuration, the links or the power did

    def follow(self) -> None:
        """Carry configuration, links and power into interfaces, tables and protocols."""
        device = self.device
        self.interfaces = interfaces_of(device) if device.alive else {}
        self._of_vlan = {one.vlan: one for one in self.interfaces.values() if one.vlan is not None}
        self._of_line = {(one.line, one.tag): one for one in self.interfaces.values() if one.line is not None}
        self._routes = device.hardware.router or any(line.text == "ip routing" for line in device.running)
        self.lists.follow(device.running)
        if not device.alive:
            self.neighbors.clear()
            self.lists.clear()
        self.links_changed()
        self.standby.follow()
        self.eigrp.follow()

    def links_changed(self) -> None:
        """Interfaces may have come up or gone down."""
        before, self.up = self.up, {name for name in self.interfaces if self._works(name)}
        self._own = {address: one for one in self._live() for address, _ in one.addresses}
        self.neighbors.keep(self.up)
        self.owned()
        self.rebuild()
        if before != self.up:
            self.standby.links_changed()
            self.eigrp.links_changed()

    def _works(self, name: str) -> bool:
        one = self.interfaces[name]
        if not self.device.alive or self.device.shut(name):
            return False
        if one.vlan is not None:
            return one.vlan in self.device.vlans() and self._forwards(one.vlan)
        return one.line is None or one.line in self.bridge.ports.lines

    def _live(self) -> Iterator[Interface]:
        return (one for name, one in self.interfaces.items() if name in self.up)

    def owned(self) -> None:
        """Which MACs frames for the router have: the interfaces' own, and virtual ones of groups that are active."""
        self._macs = {one.name: {one.mac, *self.standby.macs(one.name)} for one in self._live()}
        self._changed()

    def rebuild(self) -> None:
        """Work out the routing table anew."""
        if self.table.replace(self._rows(), self.device.clock.now):
            self._changed()
            self.eigrp.table_changed()

    def _rows(self) -> Iterator[Row]:
        live, learned = tuple(self._live()), tuple(self.eigrp.rows())
        yield from connected(live)
        if self.device.alive:
            yield from usable(static(self.device.running, self._routes), live, learned)
        yield from learned

    # frames for the router

    def owns(self, vlan: int, address: bytes) -> bool:
        one = self._of_vlan.get(vlan)
        return one is not None and one.name in self.up and int.from_bytes(address) in self._macs[one.name]

    def from_vlan(self, vlan: int, frame: bytes, journey: Journey) -> None:
        one = self._of_vlan.get(vlan)
        if one is not None and one.name in self.up:
            self._receive(one, frame, journey)

    def from_line(self, line: str, tag: int | None, frame: bytes, journey: Journey) -> None:
        one = self._of_line.get((line, tag))
        if one is None or one.name not in self.up:
            journey.drop(f"{self.device.name} {line}", "no interface takes the frame")
            return
        if frame[0] & 1 or int.from_bytes(frame[:6]) in self._macs[one.name]:
            self._receive(one, frame, journey)
        else:
            journey.drop(f"{self.device.name} {line}", "the frame is for another station")

    def _receive(self, one: Interface, frame: bytes, journey: Journey) -> None:
        if frame[12:14] == IPV4_TYPE and len(frame) >= 34:
            self._ip(one, frame, journey)
        elif frame[12:14] == ARP_TYPE and len(frame) >= 42:
            self._arp(one, frame, journey)

    def _arp(self, one: Interface, frame: bytes, journey: Journey) -> None:
        op, sender_mac = int.from_bytes(frame[20:22]), int.from_bytes(frame[22:28])
        sender, target = int.from_bytes(frame[28:32]), int.from_bytes(frame[38:42])
        mac = self._answers(one, target)
        if sender and one.reaches(sender) and self._own.get(sender) is None:
            self.neighbors.learn((one.name, sender), sender_mac, self.device.clock.now, wanted=mac is not None)
        if op == 1 and mac is not None and sender != target:
            reply = build.arp_reply(mac, target, sender_mac, sender)
            self.transmit(one, reply.data, journey)

    def _answers(self, one: Interface, address: int) -> int | None:
        """The MAC to say for an address; None where it is somebody else's business."""
        virtual = self.standby.mac_of(one.name, address)
        if virtual is not None:
            return virtual
        if any(own == address for own, _ in one.addresses):
            return one.mac
        if not one.proxy_arp or not self._routes or one.reaches(address) or not address:
            return None
        row = self.table.find(address)
        return one.mac if row is not None and all(hop.interface != one.name for hop in row.hops) else None

    def _ip(self, one: Interface, frame: bytes, journey: Journey) -> None:
        target = int.from_bytes(frame[30:34])
        if target >> 28 == 14:
            self._group(one, target, frame, journey)
            return
        if frame[:6] == BROADCAST or not self._permits(one, "in", frame, journey):
            return
        if target in self._own or self.standby.mac_of(one.name, target) is not None:
            self._local(one, target, frame, journey)
        else:
            self._forward(one, target, frame, journey)

    def _group(self, one: Interface, target: int, frame: bytes, journey: Journey) -> None:
        """Packets to groups of the link are its routers' protocols'; others go nowhere."""
        if target >> 8 == 0xE0_0000:
            self._protocol(one, frame, journey)

    def _protocol(self, one: Interface, frame: bytes, journey: Journey) -> bool:
        proto, head, end = frame[23], 14 + (frame[14] & 15) * 4, 14 + int.from_bytes(frame[16:18])
        source = int.from_bytes(frame[26:30])
        if proto == EIGRP_PROTOCOL:
            self.neighbors.learn((one.name, source), int.from_bytes(frame[6:12]), self.device.clock.now, wanted=True)
            self.eigrp.receive(one.name, source, frame[head:end])
            return True
        if proto == UDP and frame[head + 2 : head + 4] == HSRP_PORT.to_bytes(2):
            self.standby.receive(one.name, source, frame[head + 8 : end])
            return True
        return False

    def _permits(self, one: Interface, direction: str, frame: bytes, journey: Journey) -> bool:
        name = one.acl_in if direction == "in" else one.acl_out
        if name is None:
            return True
        permit, entry = self.lists.decide(name, facts_of(frame))
        if entry is not None:
            entry.hit()
            if journey.trail is not None:
                journey.trail.counts.append(entry.hit)
        if not permit:
            words = "" if entry is None else f" ({entry.key} {entry.text})"
            journey.drop(f"{self.device.name} {one.name}", f"access list {name} {direction} denies it{words}")
        return permit

    def _local(self, one: Interface, target: int, frame: bytes, journey: Journey) -> None:
        if journey.trail is not None:
            journey.trail.whole = False
        if self._protocol(one, frame, journey):
            return
        reply = echo_reply(frame, target, 0, 0)
        if reply is not None:
            self.send(int.from_bytes(frame[26:30]), reply, journey)

    def _forward(self, one: Interface, target: int, frame: bytes, journey: Journey) -> None:
        where = self.device.name
        if not self._routes:
            journey.drop(where, "the switch does not route")
            return
        if frame[22] <= 1:
            journey.drop(where, "its time to live is over")
            self._error(one, frame, TIME_EXCEEDED, 0, journey)
            return
        hop = self._hop(target, frame)
        if hop is None or hop.interface == "Null0":
            journey.drop(where, f"no route to {ipv4_text(target)}" if hop is None else "its route leads to Null0")
            self._error(one, frame, UNREACHABLE, 1, journey)
            return
        out = self.interfaces[hop.interface or ""]
        if self._permits(out, "out", frame, journey):
            self._to(out, target if hop.via is None else hop.via, frame, forwarded, journey)

    def _error(self, one: Interface, frame: bytes, kind: int, code: int, journey: Journey) -> None:
        if journey.trail is not None:
            journey.trail.whole = False
        error = icmp_error(frame, kind, code, one.address)
        if error is not None:
            self.send(int.from_bytes(frame[26:30]), error, journey)

    def _hop(self, target: int, frame: bytes) -> Hop | None:
        """The way to a target; equal ones are spread by the packet's addresses. None: there is none that works."""
        row = self.table.find(target)
        for _ in range(4):
            if row is None:
                return None
            hop = row.hops[(frame[29] ^ frame[33]) % len(row.hops)]
            if hop.interface is not None:
                return hop if hop.interface in self.up or hop.interface == "Null0" else None
            via = hop.via or 0
            row = self.table.find(via)
            if row is not None and row.hops[0].interface is not None and row.hops[0].via is None:
                return Hop(row.hops[0].interface, via)
        return None

    def _to(
        self, out: Interface, hop: int, frame: bytes, make: Callable[[bytes, int, int], bytes], journey: Journey
    ) -> None:
        """Send a frame to a neighbour, after ARP where its MAC is not known."""
        mac = self.neighbors.find(out.name, hop, self.device.clock.now)
        if mac is not None:
            self.transmit(out, make(frame, out.mac, mac), journey)
            return
        if journey.trail is not None:
            journey.trail.whole = False
        key = (out.name, hop)
        if self.neighbors.wait(key, lambda found: self.transmit(out, make(frame, out.mac, found), journey), journey):
            asking = Journey()
            asking.ended = lambda: self._unanswered(key, asking)
            asking.depart()
            self.transmit(out, build.arp_request(out.mac, out.source_for(hop), hop).data, asking)
            asking.land()

    def _unanswered(self, key: tuple[str, int], asking: Journey) -> None:
        why = asking.why() or "nobody answered"
        self.neighbors.give_up(key, self.device.name, f"no answer to ARP for {ipv4_text(key[1])} ({why})")

    # what the router sends

    def send(self, target: int, frame: bytes, journey: Journey) -> None:
        """Send a packet of the router's own by the routing table."""
        hop = self._hop(target, frame)
        if hop is None or hop.interface == "Null0":
            journey.drop(self.device.name, f"no route to {ipv4_text(target)}")
            return
        out = self.interfaces[hop.interface or ""]
        self._to(out, target if hop.via is None else hop.via, frame, addressed, journey)

    def send_at(self, name: str, target: int, frame: bytes, *, last: bool = False) -> None:
        """Send a protocol's packet out of an interface: to a group, or to a neighbour there. ``last``: it may be the
        farewell of an interface that has just been shut."""
        one = self.interfaces.get(name)
        if one is None or (name not in self.up and not last):
            return
        journey = Journey()
        if target >> 28 == 14:
            source = int.from_bytes(frame[6:12]) or one.mac
            self.transmit(one, addressed(frame, source, group_mac(target)), journey)
        else:
            self._to(one, target, frame, addressed, journey)

    def transmit(self, one: Interface, frame: bytes, journey: Journey) -> None:
        """Put an untagged frame on an interface's VLAN or cable."""
        if one.vlan is not None:
            self.bridge.emit(one.vlan, frame, journey)
        elif one.line is not None:
            self.bridge.emit_at(one.line, one.tag, frame, journey)

    def works(self, name: str) -> bool:
        """Whether an interface, with an address or without, is up: what is tracked."""
        if name in self.interfaces:
            return name in self.up
        if split_name(name)[0] == "Vlan":
            return False
        return self.device.up(name)

    # what is shown

    def hsrp_groups(self) -> tuple[HsrpGroup, ...] | None:
        return self.standby.shown()

    def eigrp_processes(self) -> tuple[EigrpProcess, ...] | None:
        return self.eigrp.shown()

    def shown_routes(self) -> tuple[Route, ...] | None:
        return show.routes(self.table, self.device.clock.now) if self._routes else ()

    def shown_arp(self) -> tuple[ArpEntry, ...] | None:
        return show.arp(self._live(), self.standby, self.neighbors, self.device.clock.now)
