"""Questions and orders to a running simulation from other processes: one JSON object per line, each way.

    {"op": "ping", "source": "web1", "target": "app1"}
    {"ok": true, "result": {"arrived": true, "answered": true, "rtt_us": 26, ...}}
    {"ok": false, "error": "ping: no endpoint web9 is attached"}

Lives here: the server and a blocking client. What can be asked is in fabric.sim.control.operations.
The server listens on a Unix socket of its owner's or on a loopback port, never on a network.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import ipaddress
import json
import os
import socket
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Self

from clos.fabric.sim.control.operations import Json, answer
from clos.fabric.sim.openflow.server import SimThread, Simulation

Place = Path | tuple[str, int]
"""A Unix socket's path, or a loopback address and a port (0: any)."""
LONGEST_LINE = 1 << 20
LONGEST_REPLY = 1 << 30


class Control:
    """The control server of a simulation: an asynchronous context manager. ``place`` says where it listens;
    ``reply`` answers a line."""

    def __init__(self, reply: Callable[[bytes], Awaitable[Json]], place: Place) -> None:
        if isinstance(place, tuple) and not ipaddress.ip_address(place[0]).is_loopback:
            raise ValueError(f"the control interface listens on loopback only, not on {place[0]}")
        self._reply, self.place = reply, place
        self._busy: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        if isinstance(self.place, Path):
            self._server = await _private(self._serve, self.place)
        else:
            self._server = await asyncio.start_server(self._serve, *self.place, limit=LONGEST_LINE)
            self.place = self._server.sockets[0].getsockname()[:2]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._busy:
            task.cancel()
        await asyncio.gather(*self._busy, return_exceptions=True)
        await self._server.wait_closed()
        if isinstance(self.place, Path):
            self.place.unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._busy.add(task)
        try:
            while line := await reader.readline():
                writer.write(json.dumps(await self._reply(line)).encode() + b"\n")
                await writer.drain()
        except (ValueError, ConnectionError):
            pass  # a line without an end, or a client that went away
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
            if task is not None:
                self._busy.discard(task)


async def _private(
    serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]], path: Path
) -> asyncio.Server:
    """A Unix socket that only its owner may open, from its first moment on. Raises OSError where a file is."""
    if path.exists() and not path.is_socket():
        raise FileExistsError(errno.EEXIST, "a file is there, and no socket", str(path))
    path.unlink(missing_ok=True)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        sock.bind(str(path))
    finally:
        os.umask(before)
    return await asyncio.start_unix_server(serve, sock=sock, limit=LONGEST_LINE)


@contextlib.contextmanager
def controlled(running: SimThread, place: Place) -> Iterator[Place]:
    """Open a running simulation to other processes; gives the place where it listens."""

    async def open_at(simulation: Simulation) -> Control:
        return await Control(partial(answer, simulation), place).__aenter__()

    control = running.run(open_at)
    try:
        yield control.place
    finally:
        running.run(lambda _: control.__aexit__())


def _reply(line: bytes) -> dict[str, Json]:
    """What it answered. Raises OSError for what no simulation says."""
    try:
        found = json.loads(line or b'{"ok": false, "error": "the simulation ended, or closed the connection"}')
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict) or not found.keys() & {"error", "result"}:
        raise OSError(f"it is no simulation that takes orders: it says {line[:40]!r}")
    return {"ok": False, **found}


class ControlError(Exception):
    """The simulation refused a request; the text is its answer."""


def call(place: Place, op: str, *, timeout: float = 60.0, **fields: Json) -> Json:
    """One operation of a running simulation, waiting for its result.

    Raises ControlError for a refusal, OSError when nothing listens there (TimeoutError among them).
    """
    family = socket.AF_UNIX if isinstance(place, Path) else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as sock:
        sock.settimeout(timeout)
        try:
            sock.connect(str(place) if isinstance(place, Path) else place)
        except OverflowError:
            raise OSError(f"{place[1]} is no port" if isinstance(place, tuple) else "no place") from None
        sock.sendall(json.dumps({"op": op, **fields}).encode() + b"\n")
        with sock.makefile("rb") as lines:
            reply = _reply(lines.readline(LONGEST_REPLY))
    if not reply["ok"]:
        raise ControlError(reply["error"])
    return reply["result"]
