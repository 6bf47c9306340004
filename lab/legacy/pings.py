"""Real pings between real hosts, all the time: echo requests by raw sockets in their namespaces, at a steady pace.

Lives here: requests, answers, what each pair lost in each direction. Must not know: who is cabled to what.
Hosts' own systems resolve addresses and answer. A socket at each host hears requests and answers as they arrive, so
that it is known in which direction a packet was lost. Sources: RFC 792; the kernel's raw(7).
"""

from __future__ import annotations

import asyncio
import socket
import struct
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from ipaddress import IPv4Address
from pathlib import Path
from typing import Self

from clos.fabric.packet.checksum import internet
from clos.fabric.sim.world.flows import Direction, PairKey, PairResult
from clos.lab.mininet.namespaces import inside

REQUEST, ANSWER = 8, 0
SOL_RAW, ICMP_FILTER = 255, 1
MARK = b"clos"
LATE = 1.0
"""Seconds after which what has not arrived is lost, unless it still comes."""
_HEAD = struct.Struct("!BBHHH")
_BODY = struct.Struct("!4sII")
_SENT, _THERE, _BACK = range(3)


class Sockets:
    """A socket at each host, by its name. Raises OSError."""

    def __init__(self, hosts: Mapping[str, Path], hear: Callable[[str, int, int, int], object]) -> None:
        """``hear(host, kind, owner, number)``: for each of our packets that arrives."""
        self._hear = hear
        self._at = {name: inside(namespace, _socket) for name, namespace in hosts.items()}

    def __enter__(self) -> Self:
        for name, each in self._at.items():
            asyncio.get_running_loop().add_reader(each, self._read, name, each)
        return self

    def __exit__(self, *_: object) -> None:
        for each in self._at.values():
            asyncio.get_running_loop().remove_reader(each)
            each.close()

    def ask(self, host: str, target: IPv4Address, owner: int, number: int) -> None:
        """Send an echo request. What the host's system refuses (no route, no carrier) is as good as lost."""
        body = _BODY.pack(MARK, owner, number)
        head = _HEAD.pack(REQUEST, 0, 0, owner & 0xFFFF, number & 0xFFFF)
        head = _HEAD.pack(REQUEST, 0, internet(head + body), owner & 0xFFFF, number & 0xFFFF)
        with suppress(OSError):
            self._at[host].sendto(head + body, (str(target), 0))

    def _read(self, name: str, each: socket.socket) -> None:
        with suppress(BlockingIOError, OSError):
            while True:
                data = each.recv(2048)
                start = (data[0] & 15) * 4
                if len(data) >= start + _HEAD.size + _BODY.size:
                    mark, owner, number = _BODY.unpack_from(data, start + _HEAD.size)
                    if mark == MARK:
                        self._hear(name, data[start], owner, number)


class Pair:
    """One pair. A packet is a time, whether it arrived there, whether its answer came back."""

    def __init__(self, key: PairKey, interval: float) -> None:
        self.key, self._interval = key, interval
        self.number = 0
        self._packets: dict[int, list[float | bool]] = {}

    def sent(self, now: float) -> int:
        """Another one leaves: its number."""
        self.number += 1
        self._packets[self.number] = [now, False, False]
        return self.number

    def arrived(self, kind: int, number: int) -> None:
        packet = self._packets.get(number)
        if packet is not None:
            packet[_THERE] = True
            if kind == ANSWER:
                packet[_BACK] = True

    def result(self, now: float) -> PairResult:
        """What is under way counts as sent, and not as lost."""
        packets = list(self._packets.values())
        came = [one for one in packets if one[_THERE]]
        return PairResult(self.key, self._way(packets, _THERE, now), self._way(came, _BACK, now), {})

    def reset(self, now: float) -> None:
        """Count anew; what is under way stays."""
        young = (at for at, one in self._packets.items() if one[_SENT] > now - LATE and not one[_BACK])
        first = min(young, default=self.number + 1)
        self._packets = {at: one for at, one in self._packets.items() if at >= first and not one[_BACK]}

    def _way(self, packets: Sequence[list[float | bool]], which: int, now: float) -> Direction:
        """The longest gap is between packets that arrived with lost ones between them; where none was lost it is the
        pace of the pair."""
        received = sum(bool(one[which]) for one in packets)
        flying = sum(not one[which] and one[_SENT] > now - LATE for one in packets)
        longest = last = None
        lost = False
        for one in packets:
            if not one[which]:
                lost = lost or one[_SENT] <= now - LATE
                last = one[_SENT] if last is None else last
            else:
                if lost and last is not None:
                    longest = max(longest or 0.0, one[_SENT] - last)
                last, lost = one[_SENT], False
        if lost and last is not None:
            longest = max(longest or 0.0, now - last)
        gap = self._interval if longest is None else longest
        return Direction(len(packets), received, len(packets) - received - flying, gap * 1000)


class Pings:
    """All pairs that are asked, in groups by a name, and single questions. ``addresses``: of hosts, by name."""

    def __init__(self, addresses: Mapping[str, IPv4Address]) -> None:
        self.addresses = dict(addresses)
        self.sockets: Sockets | None = None
        self._owners: dict[int, Pair] = {}
        self._groups: dict[str, list[int]] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._single: dict[int, tuple[str, asyncio.Future[bool]]] = {}
        self._owner = 0

    def heard(self, host: str, kind: int, owner: int, number: int) -> None:
        """A packet of ours arrived at a host."""
        pair, single = self._owners.get(owner), self._single.get(owner)
        if pair is not None and host == (pair.key.source if kind == ANSWER else pair.key.target):
            pair.arrived(kind, number)
        elif single is not None and kind == ANSWER and host == single[0] and not single[1].done():
            single[1].set_result(True)

    def start(self, group: str, keys: Sequence[PairKey], interval: float) -> None:
        """Ask these pairs every so many seconds, instead of those that the group asked before. Raises KeyError:
        hosts that are not there or have no address; ValueError: something else than a ping."""
        for key in keys:
            if key.proto != "icmp":
                raise ValueError(f"{key.proto}: in this lab hosts are pinged, by icmp")
            self.address(key.source)
            self.address(key.target)
        self.stop(group)
        for owner in self._groups.pop(group, ()):
            del self._owners[owner]
        for key in keys:
            self._owner += 1
            self._owners[self._owner] = Pair(key, interval)
            self._groups.setdefault(group, []).append(self._owner)
        self._tasks[group] = asyncio.get_running_loop().create_task(self._run(self._groups[group], interval))

    def stop(self, group: str) -> None:
        """No more packets; what they came to can still be read."""
        task = self._tasks.pop(group, None)
        if task is not None:
            task.cancel()

    def results(self, group: str, *, reset: bool = False) -> list[PairResult]:
        now = time.monotonic()
        pairs = [self._owners[owner] for owner in self._groups.get(group, ())]
        found = [pair.result(now) for pair in pairs]
        for pair in pairs if reset else ():
            pair.reset(now)
        return found

    async def answers(self, source: str, target: IPv4Address, patience: float) -> float | None:
        """Ask once: seconds to the answer; None: none came in time. Raises KeyError."""
        self.address(source)
        self._owner += 1
        owner, came = self._owner, asyncio.get_running_loop().create_future()
        self._single[owner] = source, came
        begun = time.monotonic()
        try:
            if self.sockets is not None:
                self.sockets.ask(source, target, owner, 1)
            await asyncio.wait_for(came, patience)
        except TimeoutError:
            return None
        finally:
            del self._single[owner]
        return time.monotonic() - begun

    def address(self, name: str) -> IPv4Address:
        """Of a host. Raises KeyError: it has none, or is not there."""
        if name not in self.addresses:
            raise KeyError(f"there is no host {name} that has an address")
        return self.addresses[name]

    async def _run(self, owners: Sequence[int], interval: float) -> None:
        """At a steady pace; turns that were missed are left out, not made up for."""
        due = time.monotonic()
        while True:
            for owner in owners:
                pair = self._owners[owner]
                if self.sockets is not None:
                    number = pair.sent(time.monotonic())
                    self.sockets.ask(pair.key.source, self.addresses[pair.key.target], owner, number)
            now = time.monotonic()
            due = max(due + interval, now)
            await asyncio.sleep(due - now)


def _socket() -> socket.socket:
    found = socket.socket(socket.AF_INET, socket.SOCK_RAW | socket.SOCK_NONBLOCK, socket.IPPROTO_ICMP)
    found.setsockopt(SOL_RAW, ICMP_FILTER, struct.pack("=I", 0xFFFFFFFF & ~(1 << REQUEST | 1 << ANSWER)))
    return found
