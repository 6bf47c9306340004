"""The panel's ends of real cables: frames that arrive there, frames to send, light.

Lives here: raw sockets, the interfaces' flags, the kernel's word on carriers. Must not know: which cable leads where.
A cable is dark for the other end while our interface is down; it is dark for us while the other end's is.
"""

from __future__ import annotations

import asyncio
import fcntl
import socket
import struct
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple, Self

from clos.lab.mininet.namespaces import inside
from clos.lab.mininet.taps import SOL_PACKET, raw_socket, received

SIOCGIFFLAGS, SIOCSIFFLAGS = 0x8913, 0x8914
IFF_UP, IFF_LOWER_UP = 0x1, 0x10000
PACKET_IGNORE_OUTGOING = 23
RTMGRP_LINK, RTM_NEWLINK = 1, 16
AT_ONCE = 64
"""Frames that are taken from a cable before others have their turn."""
_MESSAGE = struct.Struct("=IHHII")
"""``struct nlmsghdr`` (linux/netlink.h)."""
_LINK = struct.Struct("=BxHiII")
"""``struct ifinfomsg`` (linux/rtnetlink.h)."""


class _Sockets(NamedTuple):
    frames: dict[str, socket.socket]
    flags: socket.socket
    news: socket.socket
    names: dict[int, str]


class Wires:
    """The ends with these names in a namespace. ``frame(interface, bytes)`` hears what arrives; ``carrier(interface,
    up)`` when the other end begins or ceases to send light. Raises OSError: an end is not there."""

    def __init__(
        self,
        namespace: Path,
        interfaces: Iterable[str],
        frame: Callable[[str, bytes], object],
        carrier: Callable[[str, bool], object],
    ) -> None:
        self._frame, self._carrier = frame, carrier
        self._sockets = inside(namespace, lambda: _opened(interfaces))
        self._carriers: dict[str, bool] = {}
        self.refused = 0
        """Frames that the kernel did not take."""

    def __enter__(self) -> Self:
        loop = asyncio.get_running_loop()
        for name, each in self._sockets.frames.items():
            loop.add_reader(each, self._read, name, each)
        loop.add_reader(self._sockets.news, self._news)
        return self

    def __exit__(self, *_: object) -> None:
        loop = asyncio.get_running_loop()
        for each in (*self._sockets.frames.values(), self._sockets.news, self._sockets.flags):
            loop.remove_reader(each)
            each.close()

    def send(self, interface: str, data: bytes) -> bool:
        """Put a frame on the cable; whether the kernel took it."""
        try:
            self._sockets.frames[interface].send(data)
        except OSError:  # the interface is down, or its queue is full
            self.refused += 1
            return False
        return True

    def light(self, interface: str, up: bool) -> None:
        """Send light there, or none. Also for other interfaces of the namespace."""
        name = interface.encode()
        asked = fcntl.ioctl(self._sockets.flags, SIOCGIFFLAGS, struct.pack("16sH22x", name, 0))
        flags = struct.unpack_from("H", asked, 16)[0]
        wanted = flags | IFF_UP if up else flags & ~IFF_UP
        if wanted != flags:
            fcntl.ioctl(self._sockets.flags, SIOCSIFFLAGS, struct.pack("16sH22x", name, wanted))

    def _read(self, name: str, each: socket.socket) -> None:
        with suppress(BlockingIOError, OSError):
            for _ in range(AT_ONCE):
                data, ours = received(each)
                if not ours:
                    self._frame(name, data)

    def _news(self) -> None:
        with suppress(BlockingIOError, OSError):
            while True:
                for index, flags in _links(self._sockets.news.recv(1 << 16)):
                    name = self._sockets.names.get(index)
                    if name is not None and flags & IFF_UP:
                        self._tell(name, bool(flags & IFF_LOWER_UP))

    def _tell(self, name: str, up: bool) -> None:
        if self._carriers.get(name) != up:
            self._carriers[name] = up
            self._carrier(name, up)


def _opened(interfaces: Iterable[str]) -> _Sockets:
    frames = {}
    for name in interfaces:
        frames[name] = each = raw_socket(name)
        each.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
        each.setblocking(False)
    news = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_NONBLOCK, socket.NETLINK_ROUTE)
    news.bind((0, RTMGRP_LINK))
    index = {socket.if_nametoindex(name): name for name in frames}
    return _Sockets(frames, socket.socket(socket.AF_INET, socket.SOCK_DGRAM), news, index)


def _links(data: bytes) -> Iterable[tuple[int, int]]:
    """Index and flags of the links that the kernel tells of."""
    while len(data) >= _MESSAGE.size:
        length, kind, *_ = _MESSAGE.unpack_from(data)
        if kind == RTM_NEWLINK and length >= _MESSAGE.size + _LINK.size:
            _, _, index, flags, _ = _LINK.unpack_from(data, _MESSAGE.size)
            yield index, flags
        if length < _MESSAGE.size:
            return
        data = data[(length + 3) & ~3 :]
