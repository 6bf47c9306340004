"""What a test may take: memory, and time that nothing outlives.

pytest-timeout ends a worker from a thread of Python, which code in C that keeps the interpreter's lock never lets run;
a little later the C library's own watchdog ends that worker, too. An exception in the test would not do: Hypothesis
takes it for a failure and goes on to shrink it. A worker that is ended is a failure of the test that it ran; the others
run in a new one.
"""

from __future__ import annotations

import faulthandler
import os
import resource
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

import pytest

MEMORY = int(os.environ.get("CLOS_TEST_MEMORY", "3072"))
"""MiB of address space that a test, and each process that it starts, may take beyond what its worker has already."""
STATUS = Path("/proc/self/statm")
STDERR = pytest.StashKey[TextIO]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[STDERR] = os.fdopen(os.dup(2), "w")  # the real one: here nothing is captured yet


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    allowed = item.get_closest_marker("memory")
    with _memory(allowed.args[0] if allowed else MEMORY), _watchdog(item):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    call: pytest.CallInfo[None],
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if call.excinfo is not None and call.excinfo.errisinstance(MemoryError):
        text = f"A test may take {MEMORY} MiB more than its worker has already; CLOS_TEST_MEMORY sets another limit."
        report.sections.append(("memory limit", text))
    return report


@contextmanager
def _memory(mebibytes: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    if not STATUS.exists():
        yield
        return
    size = int(STATUS.read_text().split()[0]) * resource.getpagesize() + (mebibytes << 20)
    resource.setrlimit(resource.RLIMIT_AS, (size if hard == resource.RLIM_INFINITY else min(size, hard), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


@contextmanager
def _watchdog(item: pytest.Item) -> Iterator[None]:
    seconds = _timeout(item)
    if seconds > 0:
        faulthandler.dump_traceback_later(seconds * 1.1 + 1, exit=True, file=item.config.stash[STDERR])
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()


def _timeout(item: pytest.Item) -> float:
    """pytest-timeout's answer: the marker, the option, the configuration file."""
    marker = item.get_closest_marker("timeout")
    if marker is not None:
        return float(marker.args[0] if marker.args else marker.kwargs["timeout"])
    option = item.config.getoption("timeout", None)
    return float(option if option is not None else item.config.getini("timeout") or 0)
