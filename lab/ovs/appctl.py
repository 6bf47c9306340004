"""Open vSwitch's control socket: JSON-RPC 1.0 over a Unix socket, as ovs-appctl speaks it, without a process per call.

Lives here: calls and the reading of traces. Must not know: fabrics, how the switch was started.
Source: ovs-appctl(8), ovs-vswitchd(8) "ofproto/trace".
"""

from __future__ import annotations

import json
import socket
from itertools import count
from pathlib import Path
from types import TracebackType

PATIENCE = 30.0
"""Seconds an answer may take."""


class AppCtlError(Exception):
    """The switch refused a command, or is gone. The text names the command."""


class AppCtl:
    """A connection to one daemon's control socket. Not for several threads at once."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(PATIENCE)
        self._socket.connect(str(path))
        self._decoder = json.JSONDecoder()
        self._left = ""
        self._ids = count()

    def __enter__(self) -> AppCtl:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._socket.close()

    def call(self, command: str, *arguments: str) -> str:
        """What ovs-appctl would print. Raises ControlError."""
        request = {"id": next(self._ids), "method": command, "params": list(arguments)}
        try:
            self._socket.sendall(json.dumps(request).encode())
            answer = self._answer()
        except OSError as error:
            raise AppCtlError(f"{command}: no answer from the switch: {error}") from error
        if answer.get("error") is not None:
            raise AppCtlError(f"{command}: {str(answer['error']).strip()}")
        return str(answer["result"] or "")

    def trace(self, bridge: str, in_port: int, frame: bytes) -> str:
        """What the bridge would do with a frame, table by table, in Open vSwitch's own words."""
        return self.call("ofproto/trace", bridge, f"in_port={in_port}", frame.hex())

    def _answer(self) -> dict[str, object]:
        while True:
            try:
                found, end = self._decoder.raw_decode(self._left)
            except ValueError:
                more = self._socket.recv(1 << 16)
                if not more:
                    raise OSError("connection closed") from None
                self._left += more.decode()
            else:
                self._left = self._left[end:].lstrip()
                return dict(found)
