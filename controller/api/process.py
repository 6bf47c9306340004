"""``clos serve``: a daemon and its API as one process, from the first signal handler to the last byte.

Lives here: signals, address files, the order of starting and stopping. Must not know: what a change is.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from clos.controller.api.access import Addresses, publish, token, withdraw
from clos.controller.api.app import create_app
from clos.controller.api.guard import Guard
from clos.controller.api.server import Server
from clos.controller.daemon import Daemon

LOG = logging.getLogger(__name__)

OPENFLOW = ("127.0.0.1", 6653)
API = ("127.0.0.1", 8181)
ENDING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def serve(
    topology: Path | str,
    state_dir: Path | str,
    openflow: tuple[str, int] = OPENFLOW,
    api: tuple[str, int] = API,
    *,
    api_anywhere: bool = False,
    api_tls: tuple[str, str] | None = None,
    say: Callable[[str], object] | None = None,
    stop: threading.Event | None = None,
    **options: Any,
) -> None:
    """Run a daemon until SIGTERM, SIGINT or SIGHUP (or ``stop``); says one line through ``say`` when it is ready.

    ``api_anywhere``: consent to serve the API where other machines reach it. ``api_tls``: its key and
    certificate. ``options`` are Daemon's.
    Raises Claimed, Refused (the topology), StoreError, CannotListen, CannotServe.
    """
    place = Path(state_dir)
    ended = stop or threading.Event()
    with ExitStack() as closing:
        closing.enter_context(_signals(ended))
        daemon = closing.enter_context(Daemon(topology, place, *openflow, **options))
        app = Guard(create_app(daemon), token(place), people=lambda: daemon.people)
        server = closing.enter_context(Server(app, *api, anywhere=api_anywhere, tls=api_tls))
        closing.callback(daemon.stop)  # before the API ends, so that a change being told of comes to its last line
        where = Addresses(server.address, daemon.switches.wire.address, os.getpid(), api_tls is not None)
        closing.callback(withdraw, place)
        publish(place, where)
        daemon.advertise(where.url)
        (say or _print)(f"clos: ready; switches connect to {_text(where.openflow)}, API at {where.url}")
        ended.wait()
        LOG.info("stopping")


@contextmanager
def _signals(ended: threading.Event) -> Iterator[None]:
    """Signals that end the daemon in order, from the first moment on, whatever was inherited: a shell has its jobs in
    the background ignore SIGINT. Only SIGHUP stays ignored where it is (nohup).

    In the main thread only: no other may handle signals.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    heard = [name for name in ENDING if name != signal.SIGHUP or signal.getsignal(name) != signal.SIG_IGN]
    before = {name: signal.signal(name, lambda *_: ended.set()) for name in heard}
    try:
        yield
    finally:
        for name, handler in before.items():
            signal.signal(name, handler)


def _text(address: tuple[str, int]) -> str:
    return f"{address[0]}:{address[1]}"


def _print(line: str) -> None:
    print(line, flush=True, file=sys.stdout)
