"""A lab as an engineer uses it: a cell, its layout, probes on its hosts' cables, and failures.

Lives here: joining cell, layout and taps. Must not know: command lines, how the inside works.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from clos.controller.compile import compile_fabric
from clos.controller.intent import Text
from clos.controller.intent.model import Intent
from clos.fabric.dataplane.ruleset import Ruleset
from clos.fabric.topology import PortRef, Topology
from clos.lab.mininet.layout import PASS_ON, Layout, layout
from clos.lab.mininet.sandbox import DEFAULT, Sandbox, down, find_sandbox, up
from clos.lab.mininet.taps import Taps
from clos.lab.order import read
from clos.lab.ovs.processes import LabError
from clos.lab.witness.compare import Fabric


class Lab(NamedTuple):
    """A running lab, and what it should be like."""

    cell: Sandbox
    topology: Topology
    intent: Intent
    ruleset: Ruleset
    plan: Layout

    @contextmanager
    def taps(self) -> Iterator[Taps]:
        """Raw sockets at every host port."""
        stations = {station.name for station in self.plan.stations}
        ends = {
            port: (self.cell.net(node if node in stations else ""), interface)
            for port, (node, interface) in self.plan.ends.items()
        }
        with Taps(ends) as taps:
            yield taps

    def fabric(self, down: Iterable[PortRef] = ()) -> Fabric:
        """What the evaluator makes of it."""
        return Fabric.of(self.ruleset, self.topology, frozenset(down))

    def cut(self, *ports: PortRef) -> None:
        """Take these interfaces down: the far ends of their cables lose carrier, as when a cable is pulled."""
        self._set(ports, "down")

    def mend(self, *ports: PortRef) -> None:
        self._set(ports, "up")

    def sent(self, switch: str) -> dict[int, int]:
        """Bytes each of a switch's cabled ports has sent."""
        ports = [port for port in self.topology.peers if port.switch == switch]
        counted = json.loads(self.cell.run("", "ip", "-json", "-stats", "link").stdout)
        octets = {link["ifname"]: link["stats64"]["tx"]["bytes"] for link in counted}
        return {port.port: octets[self.plan.device(port)] for port in ports}

    def texts(self) -> list[Text]:
        """The intents it was ordered with."""
        return [Text(*item) for item in json.loads((self.cell.directory / "order.json").read_text())["intents"]]

    def await_in_line(self, patience: float = 30.0) -> None:
        """Wait until the lab's own controller has every switch holding what it should. Raises LabError."""
        until = time.monotonic() + patience
        while time.monotonic() < until:
            told = self.cell.ask("status")
            sound = all(drift == [0, 0, 0] for drift in told["drift"].values())
            if sound and set(told["connected"]) == set(self.topology.switches) == set(told["drift"]):
                return
            time.sleep(0.1)
        raise LabError("the lab's switches are not in sync: see clos lab status")

    def _set(self, ports: Sequence[PortRef], state: str) -> None:
        lines = "".join(f"link set dev {self.plan.device(port)} {state}\\n" for port in ports)
        words = f"printf '{lines}' | ip -batch -"  # one process, so that all go at once
        done = self.cell.run("", "sh", "-c", words)
        if done.returncode:
            raise LabError(done.stderr.strip())


def texts(paths: Iterable[Path]) -> list[Text]:
    """The documents in these files, and in all YAML files of these directories."""
    found: list[Text] = []
    for path in paths:
        files = sorted(f for f in path.rglob("*") if f.suffix in {".yaml", ".yml"}) if path.is_dir() else [path]
        found += [Text(str(file), file.read_text(encoding="utf-8")) for file in files]
    return found


@contextmanager
def running(
    topology: Path, intents: Iterable[Path], directory: Path, exact: bool = True, cabling: Text | None = None
) -> Iterator[Lab]:
    """A lab for as long as the block; it ends with this process at the latest."""
    document, documents = texts([topology])[0], texts(intents)
    cell = up(document, documents, directory, keep=False, exact=exact, cabling=cabling)
    try:
        yield describe(cell, document, documents)
    finally:
        down(directory)


def current(directory: Path = DEFAULT) -> Lab:
    """The lab that runs in this directory, as it was ordered. Raises LabError, also where it has a legacy network."""
    cell = find_sandbox(directory)
    order = json.loads((directory / "order.json").read_text())
    if order["legacy"]:
        raise LabError(
            f"the lab in {directory} has a legacy network: see clos lab legacy status; its controller is reached with "
            f"--state {directory}"
        )
    return describe(cell, Text(*order["topology"]), [Text(*item) for item in order["intents"]])


def apply(lab: Lab, documents: Sequence[Text], why: str = "", allow: Iterable[str] = ()) -> dict[str, Any]:
    """Have the running lab do what other intents say: its revision, entries and seconds. Raises LabError.

    The stations stay as they are: intents that need others are refused, with their names.
    """
    old = json.loads((lab.cell.directory / "order.json").read_text())
    new = describe(lab.cell, Text(*old["topology"]), documents)
    changed = _hosts(lab.plan) ^ _hosts(new.plan)
    if changed:
        names = ", ".join(sorted({name for name, *_ in changed}))
        raise LabError(
            f"these intents move or readdress hosts ({names}): run clos lab down, then clos lab up with them"
        )
    told = lab.cell.ask("apply", intents=list(documents), why=why, allow=list(allow))
    for station in new.plan.stations:
        if station.passes_on:
            lab.cell.run(station.name, "sh", "-c", PASS_ON)
    fresh = lab.cell.directory / "order.new"
    fresh.write_text(json.dumps({**old, "intents": list(documents)}))
    fresh.rename(lab.cell.directory / "order.json")
    return told


def _hosts(plan: Layout) -> set[tuple[str, str]]:
    """What of a layout is built when a lab comes up, by name."""
    found = {(one.name, f"{one.mac:x} {one.address} {one.party.gateway if one.party else 0}") for one in plan.stations}
    boxes = {(box.name, str([(guest.name, vlan) for guest, vlan in box.guests])) for box in plan.hypervisors}
    return found | boxes


def describe(cell: Sandbox, document: Text, documents: Sequence[Text]) -> Lab:
    topology, intent = read(document, documents)
    return Lab(cell, topology, intent, compile_fabric(intent, topology).ruleset, layout(topology, intent))
