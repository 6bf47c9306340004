"""The pytest plugin: options, markers and fixtures. pytest loads it at every start, so it imports the rest when needed.

Lives here: what pytest calls. Must not know: packets.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

if TYPE_CHECKING:
    from clos.controller.testing.fabric import Fabric, Told
    from clos.fabric.topology import PortRef

BACKENDS = ("sim", "lab")
MARKERS = (
    "clos(topology=FILE, intents=FILE_OR_LIST): the fabric of this test, relative to the root directory",
    "sim_only: needs the simulated fabric",
    "lab_only: needs real switches (--clos-backend=lab)",
)


class Order(NamedTuple):
    """Which fabric a test wants."""

    backend: str
    topology: Path
    intents: tuple[Path, ...]


class Running:
    """The fabric that is up, if any. One at a time: a test that wants another one ends it."""

    def __init__(self) -> None:
        self._order: Order | None = None
        self._fabric: Fabric | None = None
        self._stack = ExitStack()
        self.item: pytest.Item | None = None
        self.sent: set[tuple[PortRef, bytes]] = set()
        """What all fabrics of the session were sent."""

    def fabric(self, order: Order) -> Fabric:
        from clos.controller.testing.backends import started  # noqa: PLC0415 - see above

        if self._fabric is None or order != self._order:
            self.end()
            self._fabric = self._stack.enter_context(started(order.backend, order.topology, order.intents))
            self._order = order
        return self._fabric

    def mend(self) -> None:
        if self._fabric is not None:
            self._fabric.damage.mend()

    def end(self) -> None:
        if self._fabric is not None:
            self.sent |= self._fabric.sent
        self._fabric = None
        self._stack.close()


RUNNING = pytest.StashKey[Running]()
_configs: list[pytest.Config] = []
"""Of the sessions in this process, the innermost last: pytest's own pytester runs one inside another."""


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("clos", "packets through a Clos fabric")
    group.addoption("--clos-backend", choices=BACKENDS, help="simulated fabric (sim, the default) or real switches")
    group.addoption("--clos-topology", metavar="FILE", help="the topology")
    group.addoption("--clos-intents", metavar="PATH", action="append", help="intents: a file or directory; repeatable")
    group.addoption(
        "--clos-coverage", metavar="FILE", help="write the packets that tests send, for clos coverage --run"
    )
    parser.addini("clos_backend", "sim (the default) or lab", default="sim")
    parser.addini("clos_topology", "the topology, relative to the root directory", default="")
    parser.addini("clos_intents", "intents, relative to the root directory", type="linelist", default=[])


def pytest_configure(config: pytest.Config) -> None:
    for marker in MARKERS:
        config.addinivalue_line("markers", marker)
    config.stash[RUNNING] = Running()
    _configs.append(config)


def pytest_unconfigure(config: pytest.Config) -> None:
    if RUNNING in config.stash:
        config.stash[RUNNING].end()
        _configs.remove(config)


def pytest_sessionfinish(session: pytest.Session) -> None:
    file = session.config.getoption("clos_coverage", None)
    if file and RUNNING in session.config.stash:
        from clos.controller.probe.touched import run_text  # noqa: PLC0415 - see above

        running = session.config.stash[RUNNING]
        running.end()
        Path(session.config.invocation_params.dir, file).write_text(run_text(running.sent), encoding="utf-8")


def pytest_report_header(config: pytest.Config) -> str | None:
    topology = config.getoption("clos_topology") or config.getini("clos_topology")
    return f"clos: {topology} on {_backend(config)}" if topology else None


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    backend = _backend(item.config)
    for other in BACKENDS:
        if item.get_closest_marker(f"{other}_only") and backend != other:
            pytest.skip(f"{other}_only: this run is on {backend}; try --clos-backend={other}")
    item.config.stash[RUNNING].item = item


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item) -> None:
    """What a test has broken is whole again when it ends."""
    item.config.stash[RUNNING].mend()


@pytest.fixture
def fabric(request: pytest.FixtureRequest) -> Fabric:
    """The fabric under test: ``fabric.assert_isolated(a, b)``, ``fabric.assert_reachable(a, b, "tcp/8443")``."""
    return _fabric_of(request.node)


@pytest.fixture
def probe(fabric: Fabric) -> Callable[..., Told]:
    """Send one packet: ``probe("retail/web1", "core/db1", "tcp/1433").delivered``."""
    return fabric.probe


def current() -> Fabric:
    """The fabric of the test that runs now. Raises RuntimeError outside of one."""
    item = _configs[-1].stash[RUNNING].item if _configs else None
    if item is None:
        raise RuntimeError("no test is running: assert_isolated and assert_reachable are for tests")
    return _fabric_of(item)


def _fabric_of(item: pytest.Item) -> Fabric:
    def record(name: str, value: str) -> None:
        item.user_properties.append((name, value))

    return item.config.stash[RUNNING].fabric(_order(item)).noting(record)


def _order(item: pytest.Item) -> Order:
    """From the marker, else the command line, else the configuration file. Raises UsageError when none says."""
    config, marker = item.config, item.get_closest_marker("clos")
    said = marker.kwargs if marker is not None else {}
    here, there = Path(config.rootpath), Path(config.invocation_params.dir)
    topology = _first(
        _paths(here, said.get("topology")),
        _paths(there, config.getoption("clos_topology")),
        _paths(here, config.getini("clos_topology")),
    )
    intents = _first(
        _paths(here, said.get("intents")),
        _paths(there, config.getoption("clos_intents")),
        _paths(here, config.getini("clos_intents")),
    )
    if not topology or not intents:
        lacking = "topology" if not topology else "intents"
        raise pytest.UsageError(
            f"{item.nodeid}: which {lacking}? Say --clos-{lacking}=..., clos_{lacking} in the configuration file, or "
            f"@pytest.mark.clos({lacking}=...)"
        )
    return Order(_backend(config), topology[0], intents)


def _first(*choices: tuple[Path, ...]) -> tuple[Path, ...]:
    return next(filter(None, choices), ())


def _paths(base: Path, said: str | Path | Iterable[str | Path] | None) -> tuple[Path, ...]:
    words = [said] if isinstance(said, str | Path) else list(said or ())
    return tuple(base / word for word in words if word)


def _backend(config: pytest.Config) -> str:
    backend = str(config.getoption("clos_backend") or config.getini("clos_backend"))
    if backend not in BACKENDS:
        raise pytest.UsageError(f"clos_backend = {backend}: one of {' or '.join(BACKENDS)}")
    return backend


__all__ = ["current", "fabric", "probe"]
