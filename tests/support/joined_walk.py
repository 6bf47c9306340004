"""The legacy bank joined with its fabric, a controller, and devices over SSH: everything real but the cables."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from clos.controller.api import access
from clos.controller.api.app import create_app
from clos.controller.api.client import Client
from clos.controller.api.guard import Guard
from clos.controller.api.server import Server
from clos.controller.cli.migration_fabric import ApiFabric
from clos.controller.cli.migration_world import World as Outside
from clos.controller.daemon import Daemon
from clos.controller.explain.inputs import read_topology
from clos.controller.migrate.discover.inventory import Host
from clos.controller.migrate.discover.ssh import Access
from clos.controller.migrate.plan.model import Plan
from clos.controller.migrate.run.device import Operator
from clos.controller.migrate.run.executor import Executor, Outcome
from clos.controller.migrate.run.journal import opened
from clos.controller.migrate.run.looking import Ports
from clos.controller.migrate.simulated import read_network
from clos.fabric.sim.world.running import Doorway, WorldThread
from clos.fabric.sim.world.world import SETTLED, World
from tests.support.waiting import eventually

BANK = Path("topologies/legacy-bank")
PASSWORD = "legacy"
LIMIT = 1 << 20


@dataclass
class Joined:
    """``world``: the simulation; ``daemon``: the controller; ``operator``: the devices over SSH."""

    world: WorldThread
    daemon: Daemon
    operator: Operator
    directory: Path
    state: Path
    said: list[tuple[str, str]] = field(default_factory=list)

    @contextmanager
    def executor(self, plan: Plan, interval_ms: float = 5.0, **options: Any) -> Iterator[Executor]:
        outside = Outside(self.world.open.control, plan, interval_ms)
        with opened(self.directory, plan.digest) as journal:
            assert journal is not None
            ports = Ports(self.operator, ApiFabric(self.state), outside, outside)
            yield Executor(plan, self.directory, journal, ports, lambda *each: self.said.append(each), **options)

    def forward(self, plan: Plan, to: int | None = None, **options: Any) -> Outcome:
        with self.executor(plan, **options) as executor:
            return executor.forward(to)

    def back(self, plan: Plan, to: int = 0, **options: Any) -> Outcome:
        with self.executor(plan, **options) as executor:
            return executor.back(to)

    def restart(self) -> None:
        """Another daemon on the same state and port, the API's server with it."""
        self._ending.close()
        self.daemon.stop()
        self.daemon = Daemon(self._topology, self.state, of_port=self._port, gather=5)
        self.daemon.start()
        self.serve()

    def serve(self) -> None:
        self._ending = ExitStack()
        app = Guard(create_app(self.daemon), access.token(self.state), LIMIT)
        server = self._ending.enter_context(Server(app, "127.0.0.1", 0))
        of = self.daemon.switches.wire.address
        access.publish(self.state, access.Addresses(server.address, of, os.getpid()))

    _ending: ExitStack = field(default_factory=ExitStack)
    _topology: Path = Path()
    _port: int = 0

    def client(self) -> Client:
        return Client.from_state_dir(self.state)

    def rules(self) -> dict[str, object]:
        """What every switch of the fabric holds."""
        return self.world.do(lambda world: {name: one.model.state() for name, one in world.fabric.switches.items()})

    def in_sync(self) -> bool:
        status = self.daemon.queries.status()
        return status.in_line == status.expected and status.pending is None and not status.doing


def fabric_text() -> str:
    """The bank's fabric with its borders as ways to a legacy network."""
    return (BANK / "fabric.yaml").read_text(encoding="utf-8").replace("mode: trunk}", "mode: legacy}")


@contextmanager
def joined(directory: Path, wait: Callable[[Callable[[], bool]], bool] = eventually) -> Iterator[Joined]:
    """The whole of it, settled: every device up, every switch connected."""
    topology = directory / "fabric.yaml"
    topology.write_text(fabric_text(), encoding="utf-8")
    plan = read_network(BANK)
    world = World(plan, read_topology(topology), dict(plan.borders))
    world.run(SETTLED)
    with ExitStack() as stack:
        daemon = Daemon(topology, directory / "state", of_port=0, gather=5)
        daemon.start()
        stack.callback(lambda: made.daemon.stop())  # noqa: PLW0108 - another one by then
        port = daemon.switches.wire.address[1]
        doorway = Doorway(controller=("127.0.0.1", port), control=directory / "control")
        thread = stack.enter_context(WorldThread(world, doorway))
        listening = thread.open.devices
        known = directory / "known_hosts"
        known.write_text(listening.known_hosts, encoding="utf-8")
        hosts = [Host(name, "127.0.0.1", at, "clos") for name, at in listening.ports.items()]
        operator = stack.enter_context(Operator(hosts, Access("clos", PASSWORD, known_hosts=known, quiet=10.0)))
        made = Joined(thread, daemon, operator, directory, directory / "state")
        made._topology, made._port = topology, port
        made.serve()
        stack.callback(lambda: made._ending.close())  # noqa: PLW0108 - another one by then
        assert wait(made.in_sync)
        daemon.changes.apply([], "ann", "a fabric without tenants", allow=("empty",))
        yield made
