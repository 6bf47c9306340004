"""A lab with a legacy network, as an engineer uses it: up, found again, looked at.

Lives here: what it is ordered with, and its state. Must not know: command lines, how it is built.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import clos
from clos.controller.intent import Text
from clos.controller.migrate.simulated import INVENTORY, Unreadable, read_network, refused_lines
from clos.fabric.sim.control.server import ControlError, call
from clos.fabric.sim.legacy.network import LegacyNetwork
from clos.lab.legacy.patching import patching
from clos.lab.legacy.places import CONTROL, LOG
from clos.lab.mininet.sandbox import DEFAULT, Sandbox, down, find_sandbox, up
from clos.lab.order import Invalid, read
from clos.lab.ovs.processes import LabError

BANK = Path(clos.__file__).parent / "topologies/legacy-bank"
"""The network that is shipped."""
FABRIC = "fabric.yaml"
MOMENT = 2.0
"""Seconds in which a process that was killed is gone."""


class LegacyLab(NamedTuple):
    """A running one. ``state``: where commands that need ``--state`` find its controller."""

    cell: Sandbox
    name: str
    ports: dict[str, int]
    switches: tuple[str, ...]

    @property
    def state(self) -> Path:
        return self.cell.directory

    @property
    def inventory(self) -> Path:
        """For ``clos migrate discover``."""
        return self.cell.directory / INVENTORY

    @property
    def control(self) -> Path:
        """Where it takes orders: hosts that are plugged, cables that break, pings."""
        return self.cell.directory / CONTROL

    def order(self, operation: str, **fields: Any) -> Any:
        """An order, or a question. Raises LabError with what it says, or when the devices have ended."""
        try:
            return call(self.control, operation, **fields)
        except ControlError as error:
            raise LabError(str(error)) from None
        except OSError as error:
            raise LabError(f"{self._why(error)}: clos lab legacy down, then up again") from None

    def _why(self, error: OSError) -> str:
        """Why they do not answer. A process that is being ended has a moment for it."""
        until = time.monotonic() + MOMENT
        while time.monotonic() < until:
            if self.cell.ask("status")["devices_ended"]:
                return f"the simulated devices have ended (see {self.cell.directory / LOG})"
            time.sleep(0.05)
        return f"the simulated devices do not answer ({error.strerror or error})"


def start(
    place: Path, topology: Path, directory: Path = DEFAULT, ssh: tuple[str, int] = ("127.0.0.1", 2200), *,
    keep: bool = True, silent: bool = False,
) -> LegacyLab:  # fmt: skip
    """Bring it up: the network of ``place`` (as ``clos sim-legacy`` reads it) beside the fabric of ``topology``.

    ``keep``: it outlives this process, until ``down``. ``silent``: hosts ping nobody by themselves.
    Raises Invalid with the problems of the files; LabError, and then nothing is left.
    """
    document = _checked(place, topology)
    order = {"directory": str(place.absolute()), "ssh": list(ssh), "silent": silent}
    return _described(up(document, [], directory, keep=keep, legacy=order))


def find(directory: Path = DEFAULT) -> LegacyLab:
    """The one that runs in this directory. Raises LabError when there is none."""
    return _described(find_sandbox(directory))


@contextmanager
def running(place: Path, topology: Path, directory: Path) -> Iterator[LegacyLab]:
    """One for as long as the block, at any free ports; it ends with this process at the latest."""
    lab = start(place, topology, directory, ("127.0.0.1", 0), keep=False)
    try:
        yield lab
    finally:
        down(directory)


def _described(cell: Sandbox) -> LegacyLab:
    order = json.loads((cell.directory / "order.json").read_text())
    if not order["legacy"]:
        raise LabError(f"the lab in {cell.directory} has no legacy network: see clos lab status, clos lab down")
    ready = json.loads((cell.directory / "ready.json").read_text())["legacy"]
    topology, _ = read(Text(*order["topology"]), [])
    return LegacyLab(cell, Path(order["legacy"]["directory"]).name, ready["ports"], tuple(topology.switches))


def _checked(place: Path, topology: Path) -> Text:
    """The topology's text, once all files are known to be right. Raises Invalid, LabError."""
    try:
        plan = read_network(place)
        document = Text(str(topology), topology.read_text(encoding="utf-8"))
    except Unreadable as error:
        raise Invalid("\n".join(error.problems)) from None
    except (OSError, UnicodeDecodeError) as error:
        what = error.strerror if isinstance(error, OSError) else "is no UTF-8"
        raise Invalid(f"{getattr(error, 'filename', None) or topology}: {what}") from None
    if refused := refused_lines(LegacyNetwork(plan), place):
        raise Invalid("\n".join(refused))
    try:
        patching(read(document, [])[0], plan)
    except Invalid:
        raise
    except LabError as error:
        raise Invalid("\n".join(f"{place} and {topology}: {line}" for line in str(error).splitlines())) from None
    return document
