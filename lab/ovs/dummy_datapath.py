"""The bench: a fabric of Open vSwitch's own switches on its dummy datapath, cabled by Unix sockets. Needs no root.

Lives here: cabling, and sending and receiving at host ports. Must not know: rules, what should come out.
Packets are real: parsed, matched, cached and rewritten by the switch's datapath as on any interface; only the wire is
a socket, on which a frame follows its length in two bytes.
"""

from __future__ import annotations

import selectors
import socket
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType

from clos.fabric.topology import PortRef, Switch, Topology
from clos.lab.ovs.processes import DUMMY, LabError, PrivateSwitches

QUIET = 0.03
"""Seconds without a frame after which nothing more is expected of frames sent before."""
READY = 10.0

Frame = tuple[PortRef, bytes]
"""A frame at a host's port."""


def bridge_commands(switch: Switch, datapath: str, controller: str | None) -> Iterator[list[str]]:
    """How to make a switch of ours: it forwards by our rules alone, with a controller or without."""
    settings = [f"datapath_type={datapath}", "protocols=OpenFlow13", "fail_mode=secure"]
    extra = [f"other-config:datapath-id={switch.dpid:016x}", "other-config:disable-in-band=true"]
    yield ["--may-exist", "add-br", switch.name]
    yield ["set", "bridge", switch.name, *settings, *extra]
    if controller is not None:
        yield ["set-controller", switch.name, controller]


class DummyDatapath:
    """``with Bench(topology) as bench: bench.send([(port, frame)]); frames = bench.gather()``.

    ``controller``: where its switches connect to, as Open vSwitch writes it (``tcp:127.0.0.1:6653``).
    ``exact``: have the datapath cache decisions for whole headers, not for the parts that rules looked at
    (docs/lab.md, "A second tag").
    """

    def __init__(self, topology: Topology, controller: str | None = None, exact: bool = True) -> None:
        self.topology = topology
        self._exact = exact
        self.switches = PrivateSwitches(DUMMY)
        self._controller = controller
        self._wires: dict[PortRef, _Wire] = {}
        self._selector = selectors.DefaultSelector()

    def __enter__(self) -> DummyDatapath:
        self.switches.__enter__()
        try:
            self._build()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        for wire in self._wires.values():
            wire.close()
        self._selector.close()
        self.switches.stop()

    def send(self, frames: Iterable[Frame]) -> None:
        """Have hosts send frames, in this order."""
        for port, frame in frames:
            self._wires[port].send(frame)

    def gather(self, wanted: int = 0, patience: float = 5.0) -> tuple[list[Frame], list[Frame]]:
        """What reached hosts since the last call: waits until ``wanted`` frames came and then QUIET passed.

        The second list is empty: the bench's hosts send nothing of their own accord.
        """
        found: list[Frame] = []
        until = time.monotonic() + patience
        while True:
            enough = len(found) >= wanted
            left = QUIET if enough else max(QUIET, until - time.monotonic())
            ready = self._selector.select(left)
            if not ready:
                return found, []
            for key, _ in ready:
                wire: _Wire = key.data
                found += [(wire.port, frame) for frame in wire.receive()]

    def cut(self, *ports: PortRef) -> None:
        """Take the ports' carrier away, at both ends of their cables."""
        self._carrier(ports, "down")

    def mend(self, *ports: PortRef) -> None:
        self._carrier(ports, "up")

    def _carrier(self, ports: Iterable[PortRef], state: str) -> None:
        for port in ports:
            for end in (port, self.topology.peers.get(port, port)):
                self.switches.control.call("netdev-dummy/set-admin-state", _name(end), state)

    def _build(self) -> None:
        commands: list[list[str]] = []
        for switch in self.topology.switches.values():
            commands += bridge_commands(switch, DUMMY, self._controller)
        listens = {link.a: link.b for link in self.topology.links}
        for end in (*listens, *self.topology.host_at):
            commands += self._port(end, f"pstream=punix:{self._path(end)}")
        for here, there in listens.items():
            commands += self._port(there, f"stream=unix:{self._path(here)}")
        self.switches.configure(*commands)
        if self._exact:
            self.switches.control.call("upcall/disable-megaflows")
        for port in self.topology.host_at:
            wire = self._wires[port] = _Wire(port, self._path(port))
            self._selector.register(wire.socket, selectors.EVENT_READ, wire)
        self.mend(*self.topology.host_at, *listens)
        self._await_cables([*listens.values()])

    def _port(self, end: PortRef, option: str) -> list[list[str]]:
        settings = ["type=dummy", f"ofport_request={end.port}", f"options:{option}"]
        return [["add-port", end.switch, _name(end)], ["set", "interface", _name(end), *settings]]

    def _path(self, end: PortRef) -> Path:
        return self.switches.directory / _name(end)

    def _await_cables(self, ends: list[PortRef]) -> None:
        """Wait until every socket between switches is connected."""
        until = time.monotonic() + READY
        for end in ends:
            while (
                state := self.switches.control.call("netdev-dummy/conn-state", _name(end)).split()[-1]
            ) != "connected":
                if time.monotonic() > until:
                    raise LabError(f"the cable at {end} does not come up: {state}")
                time.sleep(0.01)


def _name(end: PortRef) -> str:
    return f"{end.switch}-{end.port}"


class _Wire:
    """The host's end of a cable."""

    __slots__ = ("_left", "port", "socket")

    def __init__(self, port: PortRef, path: Path) -> None:
        self.port = port
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(READY)
        self.socket.connect(str(path))
        self._left = b""

    def close(self) -> None:
        self.socket.close()

    def send(self, frame: bytes) -> None:
        self.socket.sendall(len(frame).to_bytes(2, "big") + frame)

    def receive(self) -> list[bytes]:
        """The frames that are whole by now. Raises LabError when the switch is gone."""
        try:
            more = self.socket.recv(1 << 20)
        except ConnectionResetError:
            more = b""
        if not more:
            raise LabError(f"Open vSwitch closed the cable at {self.port}: has it ended?")
        data = self._left + more
        found = []
        while len(data) >= 2 and len(data) >= (end := 2 + int.from_bytes(data[:2], "big")):
            found.append(data[2:end])
            data = data[end:]
        self._left = data
        return found
