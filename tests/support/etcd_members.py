"""etcd's members on this machine's loopback, for tests: started, stopped, paused, killed by their own process ids."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest

START_SECONDS = 20.0


def lacking() -> str:
    """Why there can be no etcd here; empty where there can."""
    if shutil.which("etcd") is None:
        return "etcd is not installed (Debian: etcd-server; make lab-deps)"
    if find_spec("etcd3gw") is None:
        return "etcd3gw is not installed (pip install 'clos-fabric[etcd]')"
    return ""


def require_etcd() -> None:
    """Leave the test, or the module, out where there is no etcd, and say so."""
    if why := lacking():
        pytest.skip(why, allow_module_level=True)


def free_ports(count: int) -> list[int]:
    """Ports that nobody has at the moment."""
    taken = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in taken]
    for each in taken:
        each.close()
    return ports


class Members:
    """``count`` members of one etcd, as a context manager; what they keep goes with it."""

    def __init__(self, count: int = 1, *options: str) -> None:
        ports = free_ports(2 * count)
        self.clients, self._peers = ports[:count], ports[count:]
        self._options = options
        self.processes: list[subprocess.Popen[bytes]] = []

    @property
    def address(self) -> str:
        """As ``clos serve --store`` takes it."""
        return "etcd://" + ",".join(f"127.0.0.1:{port}" for port in self.clients)

    def __enter__(self) -> Members:
        memory = Path("/dev/shm")  # a busy disk makes members think that others are gone
        self._folder = tempfile.TemporaryDirectory(prefix="clos-etcd-", dir=memory if memory.is_dir() else None)
        self.processes = [self._start(number) for number in range(len(self.clients))]
        try:
            self.wait()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for process in self.processes:
            process.send_signal(signal.SIGCONT)
            process.kill()
            process.wait()
        self._folder.cleanup()

    def _start(self, number: int) -> subprocess.Popen[bytes]:
        client, peer = (f"http://127.0.0.1:{ports[number]}" for ports in (self.clients, self._peers))
        cluster = ",".join(f"m{n}=http://127.0.0.1:{port}" for n, port in enumerate(self._peers))
        options = {
            "name": f"m{number}", "data-dir": str(Path(self._folder.name) / f"m{number}"),
            "listen-client-urls": client, "advertise-client-urls": client,
            "listen-peer-urls": peer, "initial-advertise-peer-urls": peer, "initial-cluster": cluster,
            "logger": "zap", "log-level": "error",
            "quota-backend-bytes": str(256 << 20),  # mapped at the start, and a test has only so much address space
        }  # fmt: skip
        words = [f"--{name}={value}" for name, value in options.items()]
        log = (Path(self._folder.name) / f"m{number}.log").open("ab")
        return subprocess.Popen(["etcd", *words, *self._options], stdout=log, stderr=log)

    def wait(self) -> None:
        """Until every member says that it is healthy."""
        end = time.monotonic() + START_SECONDS
        for port in self.clients:
            while True:
                with suppress(URLError, OSError), urlopen(f"http://127.0.0.1:{port}/health", timeout=1) as reply:
                    if b"true" in reply.read():
                        break
                if time.monotonic() > end:
                    said = [path.read_text()[-500:] for path in Path(self._folder.name).glob("*.log")]
                    raise TimeoutError(f"etcd at port {port} did not start within {START_SECONDS:.0f} s: {said}")
                time.sleep(0.02)

    def signal(self, number: int, what: signal.Signals) -> None:
        self.processes[number].send_signal(what)

    def kill(self, number: int) -> None:
        """As if the machine had lost power."""
        self.processes[number].kill()
        self.processes[number].wait()

    def revive(self, number: int) -> None:
        """Start a member that was killed, on what it had kept."""
        self.processes[number] = self._start(number)
