"""What the demonstration of a migration plays on: the legacy bank with its fabric, and the controller, as processes.

Lives here: starting them, orders to the simulation, looks at devices over SSH and at switches over OpenFlow. Must not
know: the story.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from clos.controller.api.client import Client
from clos.controller.cli.answer import usage
from clos.controller.cli.demo_stage import PACKAGE, Program, folder, start_controller, wait_in_line
from clos.controller.cli.remote import DEFAULT
from clos.controller.migrate.discover.assemble import network
from clos.controller.migrate.discover.files import collect
from clos.controller.migrate.discover.readers import RUNNING_CONFIG
from clos.controller.migrate.plan.model import Plan
from clos.controller.migrate.run.configuration import digest
from clos.fabric.sim.control.server import ControlError, call

BANK, RUN = Path("topologies/legacy-bank"), Path("bank-run")
FABRIC, INVENTORY, CONTROL = BANK / "fabric.yaml", RUN / "inventory.yaml", RUN / "control"
SETTINGS = {"CLOS_LEGACY_PASSWORD": "legacy", "CLOS_MIGRATE_PASSWORD": "legacy", "CLOS_EIGRP_KEY": "eigrp-bank"}
"""The simulated devices' password, and the key of their EIGRP process, with which the controller's speaker signs."""
SETTLES_SECONDS = 60.0
PROBES = "demonstration"
"""The name of our own probes: those of a run start and end with it."""


class Lost(NamedTuple):
    """Probes and answers. ``ms``: the longest time without an arrival, where any was lost."""

    sent: int
    lost: int
    ms: float


class Losses(NamedTuple):
    """What was lost since the last look: by host, the worst of its pairs, both ways; and of all packets."""

    hosts: dict[str, Lost]
    sent: int
    lost: int


class BankEnvironment:
    """The bank's devices, its fabric and hosts, under orders. ``plan``: once it is made. ``rules``: what the switches
    held before, by a digest of each."""

    def __init__(self) -> None:
        self.plan: Plan | None = None
        self.rules: dict[str, str] = {}

    def order(self, operation: str, **fields: Any) -> Any:
        """An order to the simulation, or a question. Raises ControlError, OSError."""
        return call(CONTROL, operation, timeout=SETTLES_SECONDS, **fields)

    def answers(self, source: str, target: str) -> bool:
        """Whether a ping between two hosts is answered now."""
        return bool(self.order("probe", source=source, target=target)["answered"])

    def probe(self, pairs: Sequence[tuple[str, str]], interval_ms: float) -> None:
        """Probe these pairs from now on, without end."""
        self.order("flows_start", pairs=[list(pair) for pair in pairs], interval_ms=interval_ms, group=PROBES)

    def losses(self, hosts: Sequence[str]) -> Losses:
        """Since the last look."""
        found, sent, lost = dict.fromkeys(hosts, Lost(0, 0, 0.0)), 0, 0
        for row in self.order("flows", reset=True, group=PROBES):
            ways = (row["there"], row["back"])
            pair = Lost(sum(way["sent"] for way in ways), sum(way["lost"] for way in ways), 0.0)
            if pair.lost:
                pair = pair._replace(ms=max(way["longest_gap_ms"] for way in ways))
            sent, lost = sent + pair.sent, lost + pair.lost
            for host in {row["source"], row["target"]} & found.keys():
                one = found[host]
                found[host] = Lost(one.sent + pair.sent, one.lost + pair.lost, max(one.ms, pair.ms))
        return Losses(found, sent, lost)

    def quiet(self, seconds: float) -> None:
        """No more probes; then virtual time jumps ahead."""
        self.order("flows_stop", group=PROBES)
        self.order("flows_stop")
        self.order("leap", seconds=seconds)

    def switches(self) -> dict[str, str]:
        """By switch of the fabric, a digest of what it holds, read back from it now."""
        with Client.from_state_dir(DEFAULT) as client:
            return client.digests()

    def empty(self) -> int:
        """Give the fabric to the controller, without tenants: the revision. Raises ApiError, NoDaemon."""
        with Client.from_state_dir(DEFAULT) as client:
            done = client.apply({}, who="demo", why="no tenants yet", allow=("empty",))
            return int(done["revision"])

    def speaking(self) -> int:
        """How many speakers of HSRP and EIGRP there are at the borders."""
        with Client.from_state_dir(DEFAULT) as client:
            found = client.speakers()
        return sum(len(found[kind]) for kind in ("hsrp", "eigrp"))

    def shows(self, device: str, command: str) -> str:
        """What a device answers over SSH."""
        from clos.controller.cli.legacy_access import operator  # noqa: PLC0415 - SSH takes half a second to load

        with operator(str(INVENTORY), "", None, 15.0) as devices:
            return devices.show(device, command)


def configurations(kept: Path) -> dict[str, object]:
    """By device, a digest of its running configuration, as a discovery kept it."""
    return {
        one.name: digest(output.text)
        for one in collect(kept)
        for output in one.outputs
        if output.command == RUNNING_CONFIG
    }


def tables(kept: Path) -> Mapping[str, dict[str, object]]:
    """What the devices' tables held, as a discovery kept it: by what it is, then by device."""
    devices = network(collect(kept)).devices
    return {
        "spanning trees": {name: device.state.trees for name, device in devices.items()},
        "routes": {name: device.state.routes for name, device in devices.items()},
        "HSRP groups": {name: device.state.hsrp for name, device in devices.items()},
        "EIGRP neighbours": {
            name: sorted((str(one.address), one.interface) for one in device.state.eigrp_neighbors or ())
            for name, device in devices.items()
        },
    }


@contextmanager
def bank_stage() -> Iterator[BankEnvironment]:
    """A stage with the bank and its fabric up and the controller's switches in line; whatever happens, nothing of it
    stays. Raises Stop (UNCHECKED); USAGE where an extra is not installed."""
    for library in ("asyncssh", "netmiko"):
        if find_spec(library) is None:
            raise usage(f"a migration needs {library}: pip install 'clos-fabric[migrate]'")
    files = {path.relative_to(PACKAGE): path.relative_to(PACKAGE) for path in _bank_files()}
    with folder(files, SETTINGS), ExitStack() as closing:
        controller, addresses = start_controller(FABRIC)
        closing.callback(controller.kill)
        at = f"tcp:127.0.0.1:{addresses.openflow[1]}"
        words = (str(BANK), "--fabric", str(FABRIC), "--controller", at, "--out", str(RUN), "--ssh", "127.0.0.1:0")
        bank = Program("bank", "sim-legacy", *words)
        closing.callback(bank.kill)
        bank.wait_until(_connected, SETTLES_SECONDS)
        wait_in_line()
        yield BankEnvironment()


def _bank_files() -> list[Path]:
    """The bank as it is installed; its topology is named even where it is missing, so that this is told."""
    found = (PACKAGE / BANK).rglob("*")
    return sorted({PACKAGE / FABRIC, *(path for path in found if path.suffix in (".yaml", ".cfg"))})


def _connected() -> bool:
    if not INVENTORY.exists():
        return False
    try:
        fabric = call(CONTROL, "status")["fabric"]
    except (ControlError, OSError):
        return False
    return bool(fabric["connected"] == len(fabric["switches"]))
