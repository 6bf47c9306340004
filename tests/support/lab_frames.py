"""What legacy protocols say on a cable of a lab: every frame of spanning tree, HSRP and EIGRP, in both directions.

Lives here: recording. Must not know: what is expected of them.
"""

from __future__ import annotations

import select
import threading
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Self

from clos.lab.mininet.namespaces import inside
from clos.lab.mininet.taps import raw_socket, received

EIGRP, UDP, HSRP_PORT = 88, 17, b"\x07\xc1"


class Recorder:
    """Records at an interface while the context is open. ``frames``: each once, in the order of their coming."""

    def __init__(self, namespace: Path, interface: str) -> None:
        self._socket = inside(namespace, partial(raw_socket, interface))
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._record, daemon=True)
        self._seen: dict[bytes, None] = {}

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        self._socket.close()

    @property
    def frames(self) -> list[bytes]:
        return list(self._seen)

    def _record(self) -> None:
        while not self._ended.is_set():
            if select.select([self._socket], [], [], 0.1)[0]:
                with suppress(OSError):  # said once where the interface is down
                    frame, _ = received(self._socket)
                    if _spoken(frame):
                        self._seen.setdefault(frame)


def _spoken(frame: bytes) -> bool:
    at = 16 if frame[12:14] == b"\x81\x00" else 12
    kind, packet = int.from_bytes(frame[at : at + 2]), frame[at + 2 :]
    if kind < 0x600:
        return True
    if kind != 0x0800 or len(packet) < 24:
        return False
    return packet[9] == EIGRP or (packet[9] == UDP and packet[22:24] == HSRP_PORT)
