"""Connections to the API that are idle, slow or many are bounded and given back; a request under way is left alone."""

from __future__ import annotations

import asyncio
import socket
import threading
from contextlib import ExitStack

import pytest

from clos.controller.api import connections
from clos.controller.api.server import Server
from tests.support.waiting import eventually

ASK = b"GET / HTTP/1.1\r\nHost: x\r\n"


@pytest.fixture
def hurry(monkeypatch):
    monkeypatch.setattr(connections, "CHECK_SECONDS", 0.02)


@pytest.fixture
def serving():
    """Gives the server, and what ends the requests for ``/slow``."""
    release = threading.Event()

    async def app(scope, receive, send):
        while (await receive()).get("more_body"):
            pass
        await send({"type": "http.response.start", "status": 200, "headers": []})
        while scope["path"] == "/slow" and not release.is_set():
            await asyncio.sleep(0.01)
        for _ in range(400 if scope["path"] == "/long" else 1):
            await send({"type": "http.response.body", "body": bytes(1 << 16), "more_body": True})
        await send({"type": "http.response.body"})

    with Server(app, "127.0.0.1", 0) as server:
        yield server, release
        release.set()


def connected(server, *sent):
    sock = socket.create_connection(server.address, 20)
    for data in sent:
        sock.sendall(data)
    return sock


def cut(sock):
    """Whether the server has ended it, whatever it had to say before."""
    try:
        while sock.recv(1 << 20):
            pass
    except ConnectionError:
        pass
    except TimeoutError:
        return False
    return True


def count(server):
    return len(server._server.server_state.connections)


@pytest.mark.parametrize(
    "sent",
    [b"", b"GET / HTTP/1.1\r\nX-Slow: ", ASK + b"\r\n", ASK + b"\r\n" + ASK],
    ids=["nothing", "half a header", "a request and nothing more", "half a second request"],
)
def test_a_client_that_does_not_ask_is_dropped(serving, hurry, sent):
    with connected(serving[0], sent) as sock:
        assert cut(sock)


def test_nor_does_it_help_to_send_a_header_byte_by_byte(serving, hurry):
    with connected(serving[0]) as sock:
        ended = threading.Event()

        def dribble():
            try:
                for byte in ASK * 1000:
                    sock.sendall(bytes((byte,)))
                    if ended.wait(0.01):
                        return
            except OSError:
                pass

        thread = threading.Thread(target=dribble)
        thread.start()
        assert cut(sock)
        ended.set()
        thread.join()


def test_a_body_that_does_not_come_is_not_waited_for(serving, hurry):
    with connected(serving[0], b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nhalf") as sock:
        assert cut(sock)


def test_a_client_that_does_not_read_is_dropped(serving, hurry):
    server, _ = serving
    with connected(server, b"GET /long HTTP/1.1\r\nHost: x\r\n\r\n"):
        assert eventually(lambda: count(server) == 1)
        assert eventually(lambda: count(server) == 0)


def test_a_request_under_way_is_left_alone_however_long_it_takes(serving, hurry, monkeypatch):
    for name in ("REQUEST_SECONDS", "IDLE_SECONDS", "BODY_SECONDS", "READING_SECONDS"):
        monkeypatch.setattr(connections, name, 2)
    server, release = serving
    with connected(server, b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n") as sock:
        assert sock.recv(4096).startswith(b"HTTP/1.1 200")
        with connected(server) as idle:
            assert cut(idle)  # many checks have passed
        release.set()
        assert sock.recv(4096)


@pytest.mark.parametrize("limit", ["CONNECTIONS", "PER_ADDRESS"])
def test_where_connections_are_many_the_idle_ones_go_and_who_asks_is_answered(serving, monkeypatch, limit):
    monkeypatch.setattr(connections, limit, 5)
    server, release = serving
    with ExitStack() as stack:
        slow = stack.enter_context(connected(server, b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n"))
        assert slow.recv(4096).startswith(b"HTTP/1.1 200")
        for _ in range(20):
            stack.enter_context(connected(server))
        asking = stack.enter_context(connected(server, ASK + b"\r\n"))
        assert asking.recv(4096).startswith(b"HTTP/1.1 200")
        assert count(server) == 5
        release.set()
        assert slow.recv(4096)


def test_and_where_all_of_them_ask_one_more_is_refused(serving, monkeypatch):
    monkeypatch.setattr(connections, "CONNECTIONS", 3)
    server, release = serving
    with ExitStack() as stack:
        asking = [stack.enter_context(connected(server, b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")) for _ in range(3)]
        assert all(sock.recv(4096).startswith(b"HTTP/1.1 200") for sock in asking)
        assert cut(stack.enter_context(connected(server)))
        release.set()
        assert all(sock.recv(4096) for sock in asking)
