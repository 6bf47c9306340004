"""A migration carried out in tests: two simulated switches over SSH, a plan for them, and a fabric on paper."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from clos.controller.migrate.discover.inventory import Host
from clos.controller.migrate.discover.ssh import Access
from clos.controller.migrate.plan.model import FORMAT, Brake, Check, DeviceCommands, Phase, Plan, Plug, Step
from clos.controller.migrate.run.configuration import digest
from clos.controller.migrate.run.device import Operator
from clos.controller.migrate.run.executor import Executor
from clos.controller.migrate.run.journal import Journal, opened
from clos.controller.migrate.run.looking import Ports
from clos.controller.migrate.run.ports import Applied, NoProbes
from clos.controller.migrate.run.seen import FabricState
from tests.support.legacy import PASSWORD
from tests.support.legacy_thread import LegacyThread

PORT = "GigabitEthernet1/0/3"


class PaperFabric:
    """Revisions and nothing else: what a fabric's controller answers, for runs in which it is not the subject."""

    def __init__(self) -> None:
        self.revision, self.spoken = 1, []

    def state(self) -> FabricState:
        return FabricState(self.revision)

    def apply(self, intents: Path, topology: Path, why: str, allow: tuple[str, ...]) -> Applied:
        self.revision += 1
        return Applied(self.revision, True, "proved")

    def back(self, revision: int, why: str) -> Applied:
        self.revision = revision
        return Applied(revision, True, "proved")

    def speak(self, speakers: object) -> None:
        self.spoken.append(speakers)

    def hits(self) -> dict[str, object]:
        return {"lines": [], "denied": {"packets": 0}, "counted": 0, "switches": 0}

    def heard(self) -> dict[str, object]:
        return {}


class Mover:
    """Moves cables, and keeps a list."""

    def __init__(self) -> None:
        self.moved: list[tuple[str, bool]] = []

    def move(self, plug: Plug, back: bool) -> bool:
        self.moved.append((plug.host, back))
        return True


def described(device: str, number: int, word: str, risky: bool = True) -> DeviceCommands:
    """A harmless change of one port."""
    port = f"GigabitEthernet1/0/{number}"
    lines = (f"interface {port}", f" description {word}", f" switchport access vlan {20 if number % 2 else 10}")
    inverse = (f"interface {port}", " no description", " no switchport access vlan")
    return DeviceCommands(device, lines, inverse, risky)


def small_plan(configs: dict[str, str], **last: object) -> Plan:
    """Three phases of a step or two each; ``last``: of the last step, instead of what it would be."""
    has = Check("config-has", device="sw2", expect=("description two",))
    both = (described("sw2", 3, "two"), described("sw1", 4, "two", risky=False))
    steps = (
        Step("2.one", "one", commands=(described("sw1", 3, "one"),)),
        Step("2.two", "two", commands=both, checks=(has,)),
        Step("3.state", "state", intents="intents.yaml", commands=(described("sw2", 5, "three"),), fabric_first=True),
    )
    final = Step(**{"id": "4.last", "what": "last", "commands": (described("sw1", 5, "last"),),
                    "plugs": (Plug("h1", f"sw1 {PORT}", "leaf1:1"),), **last})  # type: ignore[arg-type]  # fmt: skip
    phases = (
        Phase(2, "extend", "", "", steps[:2]),
        Phase(3, "coexist", "", "", steps[2:], brakes=(Brake("routes", "routes change", "change board"),)),
        Phase(4, "gateways", "", "", (final,)),
    )
    return Plan(FORMAT, "small", "d", "fabric.yaml", phases, configs=configs)


def configs(operator: Operator) -> dict[str, str]:
    return {device: operator.running(device) for device in ("sw1", "sw2")}


@contextmanager
def operating(running: LegacyThread, tmp_path: Path, quiet: float = 2.0) -> Iterator[Operator]:
    known = tmp_path / "known_hosts"
    known.write_text(running.listening.known_hosts, encoding="utf-8")
    hosts = [Host(name, "127.0.0.1", port, "root") for name, port in running.listening.ports.items()]
    with Operator(hosts, Access("root", PASSWORD, known_hosts=known, quiet=quiet)) as made:
        yield made


class Walk:
    """A plan for the small network, its journal, and executors for it, one after another."""

    def __init__(self, running: LegacyThread, operator: Operator, tmp_path: Path, **last: object) -> None:
        self.running, self.operator, self.directory = running, operator, tmp_path
        self.start = configs(operator)
        self.plan = small_plan({name: digest(text) for name, text in self.start.items()}, **last)
        self.fabric, self.hands, self.said = PaperFabric(), Mover(), []

    @contextmanager
    def journal(self) -> Iterator[Journal]:
        with opened(self.directory, self.plan.digest) as journal:
            assert journal is not None
            yield journal

    @contextmanager
    def executor(self, **options: object) -> Iterator[Executor]:
        with self.journal() as journal:
            ports = Ports(self.operator, self.fabric, self.hands, NoProbes())
            settings = {"allow": ("routes",), "patience": 5.0, **options}
            yield Executor(self.plan, self.directory, journal, ports, lambda *each: self.said.append(each), **settings)  # type: ignore[arg-type]

    def forward(self, to: int | None = None, **options: object):
        with self.executor(**options) as executor:
            return executor.forward(to)

    def back(self, to: int = 0, **options: object):
        with self.executor(**options) as executor:
            return executor.back(to)

    def on(self, device: str, do: Callable[[object], object]):
        return self.running.do(lambda net: do(net.devices[device]))

    def saved(self, device: str) -> bool:
        """Whether the startup configuration is the running one."""
        return bool(self.on(device, lambda at: at.running == at.startup))

    def changed(self) -> dict[str, bool]:
        """Whether each device holds something else than at the start."""
        return {name: digest(text) != digest(self.start[name]) for name, text in configs(self.operator).items()}
