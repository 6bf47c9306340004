"""Tests that need more than Python: Open vSwitch, Mininet, root. Without them they are skipped, and say so.

``CLOS_REQUIRE_LAB=1`` makes every test that is skipped a failure: CI shows that it ran all of them.
"""

from __future__ import annotations

import os
from collections.abc import Generator
from typing import TypeVar

import pytest

from clos.lab.mininet.sandbox import lacking
from clos.lab.ovs.processes import missing

Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)
REQUIRED = os.environ.get("CLOS_REQUIRE_LAB") == "1"


def require_lab() -> None:
    """Leave the module out where there is no lab; before it imports what only a lab has."""
    if lacking() and not REQUIRED:
        pytest.skip(f"no lab here: {lacking()}", allow_module_level=True)


def require_switch() -> None:
    """The same where Open vSwitch's programs are enough, and root is not needed."""
    if missing() and not REQUIRED:
        pytest.skip(f"Open vSwitch is not installed: {', '.join(missing())}", allow_module_level=True)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    return _judged((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    return _judged((yield))


def _judged(report: Report) -> Report:
    """A skip is a failure where the lab is required; an expected failure is not a skip."""
    if REQUIRED and report.skipped and not hasattr(report, "wasxfail"):
        _, _, reason = report.longrepr if isinstance(report.longrepr, tuple) else ("", 0, str(report.longrepr))
        report.outcome, report.longrepr = "failed", f"CLOS_REQUIRE_LAB=1 and yet {reason}"
    return report
