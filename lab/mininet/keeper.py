"""The lab's keeper: process 1 of the lab's own namespaces. When it ends, the kernel ends all that the lab ever was.

    python -m lab.mininet.keeper DIRECTORY LOCK OUTSIDE     (started by lab.mininet.sandbox, as root, under unshare)

Lives here: building in order, the daemon that programs the switches, and answering lab.mininet.sandbox on a Unix
socket. DIRECTORY holds order.json (what to build) and receives ready.json or failed.txt, and the logs.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clos.controller.daemon import Daemon
from clos.controller.intent import Text
from clos.lab.mininet import network as lab_net
from clos.lab.mininet.layout import Layout, layout
from clos.lab.mininet.sandbox import RELEASE
from clos.lab.order import read
from clos.lab.ovs.processes import LabError, PrivateSwitches

if TYPE_CHECKING:
    from clos.lab.legacy.stage import LegacyStage

RESTART = 30.0
"""Seconds in which switches must be programmed again."""
PATIENCE = 10.0
"""Seconds in which who asks must have asked, as all others wait meanwhile."""


def main() -> None:
    directory = Path(sys.argv[1])
    lock, outside = map(int, sys.argv[2:4])
    os.set_inheritable(lock, False)  # the lock on the directory: this process's, and of none that it starts
    os.set_inheritable(outside, False)
    threading.Thread(target=_until_released, daemon=True).start()
    order = json.loads((directory / "order.json").read_text())
    try:
        with ExitStack() as stack:
            keeper = Keeper(directory, order, stack, outside)
            (directory / "ready.new").write_text(json.dumps(keeper.about))
            (directory / "ready.new").rename(directory / "ready.json")
            keeper.serve()
    except LabError as error:
        (directory / "failed.txt").write_text(str(error))
    except BaseException:
        (directory / "failed.txt").write_text(traceback.format_exc())
        raise
    finally:
        os._exit(0)  # process 1: everything else in the lab ends with it


class Keeper:
    """The running lab. ``outside``: a descriptor of the machine's network namespace."""

    def __init__(self, directory: Path, order: dict[str, Any], stack: ExitStack, outside: int) -> None:
        _run_ip("link", "set", "lo", "up")
        self.intents = [Text(*item) for item in order["intents"]]
        topology_text = Text(*order["topology"])
        self.legacy = _legacy(directory, order, topology_text, outside)
        self.plan = ordered(order)
        (directory / "ovs").mkdir(exist_ok=True)
        self.switches = switches = stack.enter_context(PrivateSwitches(order["datapath"], directory / "ovs"))
        os.environ.update(switches.environment)
        self.exact = bool(order["exact"])
        self._cache()
        self.net = lab_net.network(self.plan, order["datapath"])
        if self.legacy:
            self.legacy.address(self.net)
        self.daemon = Daemon(topology_text, directory, of_port=0)
        self.daemon.start()
        stack.callback(self.daemon.stop)
        lab_net.control(self.plan.topology, "tcp:{}:{}".format(*self.daemon.switches.wire.address))
        self.daemon.switches.wire.wait_for(self.plan.topology.switches, 20)
        self.about: dict[str, Any] = {
            "nodes": {node.name: node.pid for node in (*self.net.hosts, *self.net.switches)}, **self._begin()
        }  # fmt: skip
        if self.legacy:
            self.legacy.serve(self.daemon, stack)
            self.about["legacy"] = self.legacy.await_devices()
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.bind(str(directory / "lab.sock"))
        self._socket.listen()

    def _begin(self) -> dict[str, Any]:
        """Apply the first intents; beside a legacy network, that there are no tenants yet."""
        if not self.intents and not self.legacy:
            return {"entries": 0, "offline": []}
        allow = ["offline", "empty"] if self.legacy else ["offline"]
        applied = self.daemon.changes.apply(self.intents, "lab", "lab up", allow=allow)
        return {"entries": applied.entries, "offline": list(applied.offline)}

    def serve(self) -> None:
        """Answer requests, one connection each: a JSON line in, a JSON line out."""
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        while True:
            connection, _ = self._socket.accept()
            connection.settimeout(PATIENCE)
            with connection, suppress(OSError):
                request = _request(connection.makefile().readline())
                if request["do"] == "down":
                    connection.sendall(b'{"ok": true}\n')
                    return
                connection.sendall((json.dumps(self._answer(request)) + "\n").encode())
            _reap()

    def _answer(self, request: dict[str, Any]) -> dict[str, Any]:
        try:
            return {"ok": True, **ANSWERS[request["do"]](self, request)}
        except Exception as error:
            return {"ok": False, "error": f"{type(error).__name__}: {error}"}

    def apply(self, request: dict[str, Any]) -> dict[str, Any]:
        done = self.daemon.changes.apply(
            [Text(*item) for item in request["intents"]], "lab", request.get("why", ""), allow=request.get("allow", [])
        )
        return {"revision": done.revision, "entries": done.entries, "seconds": done.seconds}

    def status(self, _: dict[str, Any]) -> dict[str, Any]:
        drift = {one.switch: [one.missing, one.changed, one.unexpected] for one in self.daemon.queries.drift()}
        links = [link._asdict() for link in self.daemon.queries.links()]
        ended = self.legacy is not None and self.legacy.ended
        connected = sorted(self.daemon.switches.wire.connected())
        return {"connected": connected, "drift": drift, "links": links, "devices_ended": ended}

    def controller(self, request: dict[str, Any]) -> dict[str, Any]:
        """Stop the controller, as a crash would, or start it again on its store."""
        if request["state"] == "stop":
            self.daemon.stop()
        else:
            self.daemon.start()
            lab_net.control(self.plan.topology, "tcp:{}:{}".format(*self.daemon.switches.wire.address))
        return {}

    def restart(self, _: dict[str, Any]) -> dict[str, Any]:
        """Kill the switch daemon, which holds all switches' rules, and start it again: seconds until it was back, and
        until the controller had each switch in line. Hypervisors, which share the daemon, get their rules meanwhile."""
        began = time.monotonic()
        roster = self.daemon.switches.inventory
        left = {name: standing.joins for name, standing in roster.standings().items()}
        self.switches.restart()
        self._cache()
        back = time.monotonic() - began
        hypervisors = threading.Thread(target=lab_net.bridge, args=(self.plan,))
        hypervisors.start()
        programmed: dict[str, float] = {}
        while len(programmed) < len(left) and time.monotonic() < began + RESTART:
            for name, standing in roster.standings().items():
                if standing.in_line and standing.joins > left[name]:
                    programmed.setdefault(name, time.monotonic() - began)
            time.sleep(0.002)
        hypervisors.join()
        return {"back": back, "programmed": programmed, "all": time.monotonic() - began}

    def _cache(self) -> None:
        if self.exact:
            self.switches.control.call("upcall/disable-megaflows")


ANSWERS: dict[str, Callable[[Keeper, dict[str, Any]], dict[str, Any]]] = {
    "apply": Keeper.apply,
    "status": Keeper.status,
    "controller": Keeper.controller,
    "restart": Keeper.restart,
}


def plan(topology_text: Text, intents: list[Text]) -> Layout:
    """What is built for these documents. Raises LabError with their problems."""
    return layout(*read(topology_text, intents))


def _legacy(directory: Path, order: dict[str, Any], topology: Text, outside: int) -> LegacyStage | None:
    """What is needed for a legacy network, where one is ordered."""
    if not order["legacy"]:
        return None
    from clos.lab.legacy.stage import LegacyStage  # noqa: PLC0415 - for labs with a legacy network

    return LegacyStage(directory, order, read(topology, [])[0], outside)


def ordered(order: dict[str, Any]) -> Layout:
    """What is built for an order. Raises LabError with the problems of its documents."""
    if order["legacy"]:
        from clos.controller.migrate.simulated import read_network  # noqa: PLC0415 - for labs with a legacy network
        from clos.lab.legacy.patching import patching  # noqa: PLC0415

        topology, _ = read(Text(*order["topology"]), [])
        return patching(topology, read_network(Path(order["legacy"]["directory"]))).layout
    return plan(Text(*(order["cabling"] or order["topology"])), [Text(*item) for item in order["intents"]])


def _until_released() -> None:
    """End with the process that started the lab, as long as it has not said that the lab is up."""
    if os.read(0, len(RELEASE)) != RELEASE:
        os._exit(1)


def _request(line: str) -> dict[str, Any]:
    """What was asked; what cannot be read asks for nothing."""
    with suppress(ValueError, TypeError):
        return {"do": "", **json.loads(line)}
    return {"do": ""}


def _reap() -> None:
    """Orphans of the lab's processes are children of process 1."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _run_ip(*words: str) -> None:
    lab_net._run("ip", *words)


if __name__ == "__main__":
    main()
