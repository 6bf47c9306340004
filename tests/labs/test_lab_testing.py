"""The pytest plugin on real switches: the same tests of a user's repository, by packets through Open vSwitch."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.support.lab_ready import require_lab
from tests.support.testing_repo import repository

pytestmark = pytest.mark.lab
require_lab()

pytest_plugins = ["pytester"]


def test_the_page_s_tests_hold_on_open_vswitch_too_and_leave_nothing(pytester: pytest.Pytester) -> None:
    repository(pytester)
    before = Path("/proc/mounts").read_text(), os.listdir("/sys/class/net")
    ran = pytester.runpytest("-rs", "-p", "no:cacheprovider", "--clos-backend=lab")
    ran.assert_outcomes(passed=9)
    assert (Path("/proc/mounts").read_text(), os.listdir("/sys/class/net")) == before


def test_a_failure_on_open_vswitch_tells_the_packet_and_every_table(pytester: pytest.Pytester) -> None:
    here = repository(pytester)
    (here / "tests/test_isolation.py").write_text(
        "def test_it(fabric): fabric.assert_isolated('shop/web', 'shop/app', 'tcp/8080')\n"
    )
    ran = pytester.runpytest("-p", "no:cacheprovider", "--clos-backend=lab", "tests/test_isolation.py")
    ran.assert_outcomes(failed=1)
    ran.stdout.fnmatch_lines(["*shop/web1 -> shop/app1 tcp/8080: delivered", "*delivered to app1 at *"])
