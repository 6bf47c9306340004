"""Three controllers, three members of etcd and a simulated fabric on loopback, and what can go wrong among them.

Every controller is a ``clos serve`` of its own that reaches etcd through a proxy of its own, so that it can be cut off.
The switches note whose changes they take.
"""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

from clos.controller.api.client import Client
from clos.controller.api.transport import Broken, TimedOut, Unreachable, Way
from clos.controller.intent import load_topology
from clos.fabric.openflow.constants import Role
from clos.fabric.openflow.errors import BadRequest, ErrorType
from clos.fabric.sim.openflow.agent import Agent, Session
from clos.fabric.sim.openflow.server import SimThread
from tests.support.etcd_members import Members, free_ports
from tests.support.root import ROOT

LEASE = 3
"""Seconds; the default."""


class Proxy:
    """Passes connections on to a port, until it is shut: then nothing passes, and nobody is told."""

    def __init__(self, target: int) -> None:
        self._target, self.shut = target, False
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._server.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._server.accept()
                try:
                    far = socket.create_connection(("127.0.0.1", self._target), timeout=1)
                except OSError:
                    near.close()
                    continue
                far.settimeout(None)
                for source, sink in ((near, far), (far, near)):
                    threading.Thread(target=self._pass_on, args=(source, sink), daemon=True).start()

    def _pass_on(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                while self.shut:
                    time.sleep(0.02)
                sink.sendall(data)
        for end in (source, sink):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()


class Witness:
    """Notes at every switch whose messages that change something it takes: ``counts`` by what became of them.

    ``deposed``: taken from a controller after another one had been made master there, or from one that asked for no
    role. The number must stay 0.
    """

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self._masters: dict[Agent, Session] = {}

    def __enter__(self) -> Witness:
        self._before = Agent.elect, Session._must_rule
        elect, must_rule = self._before

        def elected(agent: Agent, chosen: Session) -> None:
            self._masters[agent] = chosen
            self.counts["elections"] += 1
            elect(agent, chosen)

        def judged(session: Session) -> None:
            try:
                must_rule(session)
            except Exception as error:
                stale = getattr(error, "type", None), getattr(error, "code", None)
                is_slave = stale == (ErrorType.BAD_REQUEST, BadRequest.IS_SLAVE)
                self.counts["refused" if is_slave else "failed"] += 1
                raise
            master = self._masters.get(session._agent)
            self.counts["taken" if session is master and session.role == Role.MASTER else "deposed"] += 1

        Agent.elect, Session._must_rule = elected, judged  # type: ignore[method-assign]
        return self

    def __exit__(self, *_: object) -> None:
        Agent.elect, Session._must_rule = self._before  # type: ignore[method-assign]


class Controller:
    """One ``clos serve``. Its ports stay the same when it is started again."""

    def __init__(self, name: str, folder: Path, topology: Path, members: Members, seconds: int = LEASE) -> None:
        self.name, self.state, self._topology, self._seconds = name, folder / name, topology, seconds
        self.proxies = [Proxy(port) for port in members.clients]
        self.openflow, api = free_ports(2)
        self.url, self._api = f"http://127.0.0.1:{api}", api
        self._log = (folder / f"{name}.log").open("ab")
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        store = "etcd://" + ",".join(f"127.0.0.1:{proxy.port}" for proxy in self.proxies)
        words = [
            "serve", str(self._topology), "--state", str(self.state), "--listen", f"127.0.0.1:{self.openflow}",
            "--api", f"127.0.0.1:{self._api}", "--store", store, "--name", self.name, "--lease", str(self._seconds),
        ]  # fmt: skip
        program = [sys.executable, "-m", "clos.controller.cli", *words]
        self.process = subprocess.Popen(program, cwd=ROOT, stdout=self._log, stderr=self._log)

    def kill(self) -> None:
        """As if the machine had lost power."""
        if self.process is not None:
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
            self.process.wait()

    def pause(self) -> None:
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, what: signal.Signals) -> None:
        if self.process is not None:
            self.process.send_signal(what)

    def cut(self, is_cut: bool = True) -> None:
        """Off from etcd, and back."""
        for proxy in self.proxies:
            proxy.shut = is_cut

    def close(self) -> None:
        self.cut(False)
        self.kill()
        for proxy in self.proxies:
            proxy.close()
        self._log.close()


class Rig:
    """A context manager. ``count`` controllers, each with a name from c1 on."""

    def __init__(self, topology: Path, count: int = 3, seconds: int = LEASE) -> None:
        self._path, self._count, self._seconds = topology.absolute(), count, seconds
        self.topology = load_topology(topology).topology
        self._closing = ExitStack()

    def __enter__(self) -> Rig:
        with ExitStack() as closing:
            self.folder = Path(closing.enter_context(tempfile.TemporaryDirectory(prefix="clos-cluster-")))
            self.etcd = closing.enter_context(Members(3))
            self.witness = closing.enter_context(Witness())
            self.controllers = {
                f"c{n}": Controller(f"c{n}", self.folder, self._path, self.etcd, self._seconds)
                for n in range(1, self._count + 1)
            }
            for each in self.controllers.values():
                closing.callback(each.close)
                each.start()
            first, *others = [("127.0.0.1", each.openflow) for each in self.controllers.values()]
            self.sim = closing.enter_context(SimThread(self.topology, first, others=others))
            self.wait(lambda: self.leader() is not None, "a leader")
            self.token = self._service_token()
            self._closing = closing.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.close()

    @property
    def urls(self) -> str:
        """As CLOS_URL has it."""
        return ",".join(each.url for each in self.controllers.values())

    def client(self, urls: str = "") -> Client:
        """A client of all controllers, as a service that may do everything."""
        return Client(urls or self.urls, self.token, named=True)

    def said(self, name: str, path: str = "/v1/cluster") -> dict[str, Any] | None:
        """What a controller answers its owner; None: nothing."""
        each = self.controllers[name]
        try:
            token = (each.state / "token").read_text().strip()
            with Way(each.url, token, 0.5).ask("GET", path, patience=1.0) as reply:
                return reply.json() if reply.status == 200 else None
        except (OSError, ValueError, Unreachable, TimedOut, Broken):
            return None

    def leader(self, without: str = "") -> str | None:
        """Who says that it leads; ``without`` is not asked: it may be stopped."""
        for name in self.controllers:
            if name != without and (found := self.said(name)) and found["leads"]:
                return name
        return None

    def wait(self, predicate: Callable[[], object], what: str, seconds: float = 60.0) -> None:
        """Until it is so. Raises TimeoutError with what the controllers have logged last."""
        end = time.monotonic() + seconds
        while not predicate():
            if time.monotonic() > end:
                logs = "\n".join(path.read_text()[-1500:] for path in sorted(self.folder.glob("*.log")))
                raise TimeoutError(f"waited {seconds:.0f} s for {what}; logs:\n{logs}")
            time.sleep(0.03)

    def settled(self) -> bool:
        """Whether somebody leads whose switches all hold what they should, and nothing is under way."""
        name = self.leader()
        found = self.said(name, "/v1/status") if name else None
        return bool(found and found["in_line"] == found["expected"] and not found["pending"] and not found["doing"])

    def _service_token(self) -> str:
        leader = self.leader()
        assert leader is not None
        each = self.controllers[leader]
        with Client(each.url, (each.state / "token").read_text().strip()) as client:
            question = {"name": "rig", "roles": ["admin"], "days": 1}
            return str(client.ask("POST", "/v1/tokens", json=question)["token"])
