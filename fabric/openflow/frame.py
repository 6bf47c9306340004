"""A byte stream cut into OpenFlow messages.

Lives here: Framer. Must not know: sockets, what is in a message.
Source: OpenFlow 1.3.5 §7.1 (length, 16 bits at offset 2, counts the header).
"""

from __future__ import annotations

from clos.fabric.openflow.constants import HEADER_SIZE
from clos.fabric.openflow.errors import BadRequest, DecodeError, bad


class Framer:
    """Feed it bytes as they come; it gives whole messages, however the stream was cut.

    It keeps less than one message (64 KiB) between calls. A length below 8 is past mending: the messages before it
    are still given, ``fault`` is set, and every later ``feed`` raises it.
    """

    __slots__ = ("_need", "_rest", "fault")

    def __init__(self) -> None:
        self._rest = bytearray()
        self._need = HEADER_SIZE
        self.fault: DecodeError | None = None

    def feed(self, data: bytes) -> list[bytes]:
        """The messages that ``data`` completes. Raises DecodeError (BAD_REQUEST/BAD_LEN) once the stream is lost."""
        if self.fault is not None:
            raise self.fault
        self._rest += data
        if len(self._rest) < self._need:
            return []
        return self._cut(bytes(self._rest))

    def _cut(self, data: bytes) -> list[bytes]:
        frames = []
        at, end = 0, len(data)
        self._need = HEADER_SIZE
        while end - at >= HEADER_SIZE:
            size = data[at + 2] << 8 | data[at + 3]
            if size < HEADER_SIZE:
                self.fault = bad(BadRequest.BAD_LEN, f"a message of length {size}; its header alone takes 8")
                self.fault.xid = int.from_bytes(data[at + 4 : at + 8], "big")
                break
            if end - at < size:
                self._need = size
                break
            frames.append(data[at : at + size])
            at += size
        del self._rest[:at]
        if self.fault is not None:
            self._rest.clear()
            if not frames:
                raise self.fault
        return frames
