"""Taps: raw sockets on the hosts' ends of their cables. What a host sends and receives there, frame by frame.

Lives here: opening sockets in other network namespaces, sending, and gathering. Must not know: rules, expectations.
Linux takes the outermost 802.1Q or 802.1ad tag off a received frame and reports it beside it (PACKET_AUXDATA,
packet(7)); here it is put back.
"""

from __future__ import annotations

import selectors
import socket
import struct
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from types import TracebackType

from clos.fabric.topology import PortRef
from clos.lab.mininet.namespaces import inside
from clos.lab.ovs.processes import LabError

Frame = tuple[PortRef, bytes]

SOL_PACKET, PACKET_AUXDATA, PACKET_OUTGOING = 263, 8, 4
ETH_P_ALL = 3
_AUX = struct.Struct("=IIIHHHH")
_VALID, _TPID_VALID = 1 << 4, 1 << 6
"""TP_STATUS_VLAN_VALID, TP_STATUS_VLAN_TPID_VALID."""
QUIET = 0.05
BUFFER = 16 << 20


class Taps:
    """``with Taps({port: (namespace, interface)}) as taps: taps.send([(port, frame)]); taps.gather()``."""

    def __init__(self, ends: Mapping[PortRef, tuple[Path, str]]) -> None:
        self.ends = dict(ends)
        self._sockets: dict[PortRef, socket.socket] = {}
        self._selector = selectors.DefaultSelector()

    def __enter__(self) -> Taps:
        try:
            for port, (namespace, interface) in self.ends.items():
                self._sockets[port] = inside(namespace, partial(raw_socket, interface))
        except OSError:
            self.close()
            raise LabError("raw sockets could not be opened in the lab's namespaces; are you root?") from None
        for port, each in self._sockets.items():
            self._selector.register(each, selectors.EVENT_READ, port)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        for each in self._sockets.values():
            each.close()
        self._selector.close()

    def send(self, frames: Iterable[Frame]) -> None:
        for port, frame in frames:
            self._sockets[port].send(frame)

    def gather(self, wanted: int = 0, patience: float = 3.0, quiet: float = QUIET) -> tuple[list[Frame], list[Frame]]:
        """Frames the fabric delivered, and frames the hosts' own systems sent, since the last call.

        Waits until ``wanted`` frames were delivered, at most ``patience`` seconds, and then until ``quiet`` seconds
        passed without any.
        """
        delivered: list[Frame] = []
        sent: list[Frame] = []
        until = time.monotonic() + patience
        while True:
            left = quiet if len(delivered) >= wanted else max(quiet, until - time.monotonic())
            ready = self._selector.select(left)
            if not ready:
                return delivered, sent
            for key, _ in ready:
                frame, outgoing = received(self._sockets[key.data])
                (sent if outgoing else delivered).append((key.data, frame))


def raw_socket(interface: str) -> socket.socket:
    """All frames of an interface here, promiscuously."""
    found = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    found.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
    with suppress(OSError):
        found.setsockopt(socket.SOL_SOCKET, 33, BUFFER)  # SO_RCVBUFFORCE
    found.setsockopt(SOL_PACKET, 1, struct.pack("=IHH8s", socket.if_nametoindex(interface), 1, 0, b""))  # promiscuous
    found.bind((interface, ETH_P_ALL))
    return found


def received(tap: socket.socket) -> tuple[bytes, bool]:
    """A frame as it was on the wire, and whether this system sent it."""
    data, extra, _, address = tap.recvmsg(1 << 16, 256)
    for level, kind, value in extra:
        if level == SOL_PACKET and kind == PACKET_AUXDATA:
            status, _, _, _, _, tci, tpid = _AUX.unpack(value[: _AUX.size])
            if status & _VALID:
                kind_of_tag = tpid if status & _TPID_VALID else 0x8100
                data = data[:12] + struct.pack("!HH", kind_of_tag, tci) + data[12:]
    return data, address[2] == PACKET_OUTGOING
