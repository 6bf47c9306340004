"""A legacy network in the keeper of a lab: the devices' process, hosts' addresses, and the controller's API outside.

Lives here: starting these. Must not know: what Mininet does, how devices work.
The devices and the API are reached on the machine's own loopback: their listening sockets are in its network namespace,
which the keeper holds open, and their processes are the lab's and end with it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from clos.controller.api import access
from clos.controller.api.app import create_app
from clos.controller.api.guard import Guard
from clos.controller.api.server import Server
from clos.controller.daemon import Daemon
from clos.controller.migrate.simulated import read_network
from clos.fabric.sim.legacy.network import NetworkPlan
from clos.fabric.topology import Topology
from clos.lab.legacy.patching import Patching, patching
from clos.lab.legacy.places import FAILED, LOG, NODES, READY, write
from clos.lab.mininet.namespaces import inside
from clos.lab.ovs.processes import LabError

PATIENCE = 60.0
"""Seconds in which the devices must be up."""


class LegacyStage:
    """``outside``: a descriptor of the machine's network namespace. The devices' process starts at once, as it needs a
    while."""

    def __init__(self, directory: Path, order: dict[str, Any], topology: Topology, outside: int) -> None:
        self.directory, self.outside = directory, outside
        plan = read_network(Path(order["legacy"]["directory"]))
        self.patching: Patching = patching(topology, plan)
        words = ["nsenter", f"--net=/proc/self/fd/{outside}", "--", sys.executable, "-m", "clos.lab.legacy.devices"]
        key = _key(plan)
        if key is not None:
            os.environ.setdefault("CLOS_EIGRP_KEY", key)  # sudo passes none on
        with (directory / LOG).open("wb") as log:
            self._devices = subprocess.Popen(
                [*words, str(directory)], stdin=subprocess.DEVNULL, stdout=log, stderr=log, pass_fds=[outside]
            )

    def address(self, net: Any) -> None:
        """Give the hosts their addresses; then the devices may have their cables."""
        for name, plan in self.patching.plans.items():
            words = [f"ip addr add {plan.address}/{plan.prefix_len} dev eth0"] if plan.address else []
            words += [f"ip addr add {other}/32 dev eth0" for other in plan.behind]
            words += [f"ip route replace default via {plan.gateway}"] if plan.gateway else []
            net[name].cmd("; ".join(words) or ":")
        nodes = {name: net[name].pid for name in self.patching.plans}
        write(self.directory / NODES, json.dumps(nodes))

    def serve(self, daemon: Daemon, stack: ExitStack) -> None:
        """The controller's API, for commands with ``--state DIRECTORY``."""
        app = Guard(create_app(daemon), access.token(self.directory), people=lambda: daemon.people)
        server = stack.enter_context(inside(self.outside, lambda: Server(app, "127.0.0.1", 0)))
        access.publish(self.directory, access.Addresses(server.address, daemon.switches.wire.address, os.getpid()))

    def await_devices(self) -> dict[str, Any]:
        """Where they are reached. Raises LabError with what went wrong."""
        until = time.monotonic() + PATIENCE
        while not (self.directory / READY).exists():
            if (self.directory / FAILED).exists():
                raise LabError((self.directory / FAILED).read_text().strip())
            if self._devices.poll() is not None or time.monotonic() > until:
                log = (self.directory / LOG).read_text(errors="replace").strip()
                raise LabError(f"the simulated devices did not come up: {log[-2000:] or 'no reason given'}")
            time.sleep(0.01)
        return dict(json.loads((self.directory / READY).read_text()))

    @property
    def ended(self) -> bool:
        """Whether the devices' process is no more."""
        return self._devices.poll() is not None


def _key(plan: NetworkPlan) -> str | None:
    """The key of the devices' key chains, with which the controller's EIGRP speakers sign; None where there is not just
    one."""
    lines = (line.strip() for device in plan.devices for line in device.startup)
    found = {line.removeprefix("key-string ") for line in lines if line.startswith("key-string ")}
    return found.pop() if len(found) == 1 else None
