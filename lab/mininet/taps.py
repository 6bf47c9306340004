"""Taps: raw sockets on the hosts' ends of their cables. What a host sends and receives there, frame by frame.

Lives here: opening sockets in other network namespaces, sending, and gathering. Must not know: rules, expectations.
Linux takes the outermost 802.1Q or 802.1ad tag off a received frame and reports it beside it (PACKET_AUXDATA,
packet(7)); here it is put back.
"""

from __future__ import annotations

import ctypes
import os
import selectors
import socket
import struct
import threading
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from clos.fabric.topology import PortRef
from clos.lab.ovs.processes import LabError

Frame = tuple[PortRef, bytes]

CLONE_NEWNET = 0x40000000
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
        thread = threading.Thread(target=self._open)
        thread.start()
        thread.join()
        if len(self._sockets) < len(self.ends):
            self.close()
            raise LabError("raw sockets could not be opened in the lab's namespaces; are you root?")
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
                frame, outgoing = _receive(self._sockets[key.data])
                (sent if outgoing else delivered).append((key.data, frame))

    def _open(self) -> None:
        """Runs on a thread of its own, which changes namespace, and ends; sockets stay where they were made."""
        libc = ctypes.CDLL(None, use_errno=True)
        with suppress(OSError):
            for port, (namespace, interface) in self.ends.items():
                descriptor = os.open(namespace, os.O_RDONLY)
                try:
                    if libc.setns(descriptor, CLONE_NEWNET):
                        return
                finally:
                    os.close(descriptor)
                self._sockets[port] = _raw(interface)


def _raw(interface: str) -> socket.socket:
    found = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    found.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
    with suppress(OSError):
        found.setsockopt(socket.SOL_SOCKET, 33, BUFFER)  # SO_RCVBUFFORCE
    found.setsockopt(SOL_PACKET, 1, struct.pack("=IHH8s", socket.if_nametoindex(interface), 1, 0, b""))  # promiscuous
    found.bind((interface, ETH_P_ALL))
    return found


def _receive(tap: socket.socket) -> tuple[bytes, bool]:
    data, extra, _, address = tap.recvmsg(1 << 16, 256)
    for level, kind, value in extra:
        if level == SOL_PACKET and kind == PACKET_AUXDATA:
            status, _, _, _, _, tci, tpid = _AUX.unpack(value[: _AUX.size])
            if status & _VALID:
                kind_of_tag = tpid if status & _TPID_VALID else 0x8100
                data = data[:12] + struct.pack("!HH", kind_of_tag, tci) + data[12:]
    return data, address[2] == PACKET_OUTGOING
