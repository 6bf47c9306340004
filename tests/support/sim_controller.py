"""A small blocking controller for tests: it accepts switches and talks to them with our own codec."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

from clos.fabric.openflow import Framer, Message, decode, encode
from clos.fabric.openflow import messages as m


class Datapath:
    """One switch's connection, past its handshake."""

    def __init__(self, sock: socket.socket) -> None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.settimeout(10)
        self.sock = sock
        self.heard: list[Message] = []
        self._framer = Framer()
        self._xid = 0
        self.dpid = self.ask(m.Hello(), m.FeaturesRequest(), until=m.FeaturesReply).datapath_id

    def say(self, *messages: Message) -> None:
        self._xid += 1
        self.sock.sendall(b"".join(encode(message, self._xid) for message in messages))

    def ask(self, *messages: Message, until: type[Message]) -> Message:
        """Say these; the first message of a kind that comes in afterwards. The rest stays in ``heard``."""
        self.say(*messages)
        return self.wait_for(until)

    def wait_for(self, kind: type[Message]) -> Message:
        while True:
            found = next((message for message in self.heard if isinstance(message, kind)), None)
            if found is not None:
                self.heard.remove(found)
                return found
            data = self.sock.recv(1 << 16)
            if not data:
                raise ConnectionError("the switch closed the connection")
            self.heard += [decode(frame)[0] for frame in self._framer.feed(data)]


class Controller:
    """Accepts switches; ``datapaths`` by datapath id, newest connection last."""

    def __init__(self, server: socket.socket) -> None:
        self._server = server
        self.address: tuple[str, int] = server.getsockname()[:2]
        self.joined: list[Datapath] = []
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def _accept(self) -> None:
        while True:
            try:
                sock = self._server.accept()[0]
            except OSError:
                return
            with contextlib.suppress(OSError):
                self.joined.append(Datapath(sock))

    def wait(self, count: int, timeout: float = 20) -> None:
        """Until so many connections have been made in all."""
        end = time.monotonic() + timeout
        while len(self.joined) < count:
            if time.monotonic() > end:
                raise TimeoutError(f"{len(self.joined)} of {count} connections")
            time.sleep(0.005)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._thread.join(5)
        for datapath in self.joined:
            datapath.sock.close()


@contextlib.contextmanager
def listening(backlog: int = 256) -> Iterator[Controller]:
    controller = Controller(socket.create_server(("127.0.0.1", 0), backlog=backlog))
    try:
        yield controller
    finally:
        controller.close()
