"""A lab that is required is not left out in silence."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.root import ROOT

SKIPPED = """
import pytest

def test_left_out():
    pytest.skip("there is no lab")

@pytest.mark.xfail(reason="known", strict=True)
def test_known_to_fail():
    assert False
"""


@pytest.mark.parametrize(("required", "code", "words"), [("0", 0, "1 skipped, 1 xfailed"), ("1", 1, "1 failed, 1 xf")])
def test_where_the_lab_is_required_a_skip_is_a_failure_with_its_reason(
    tmp_path: Path, required: str, code: int, words: str
) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = -q -rs\n")
    (tmp_path / "test_it.py").write_text(SKIPPED)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "CLOS_REQUIRE_LAB": required}
    program = [sys.executable, "-m", "pytest", "-p", "tests.support.lab_ready", "-p", "no:cacheprovider"]
    ran = subprocess.run(program, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == code
    assert words in ran.stdout and "there is no lab" in ran.stdout


def test_a_module_that_is_left_out_is_a_failure_too(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text("import pytest\npytest.skip('no lab', allow_module_level=True)\n")
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "CLOS_REQUIRE_LAB": "1"}
    program = [sys.executable, "-m", "pytest", "-p", "tests.support.lab_ready", "-p", "no:cacheprovider"]
    ran = subprocess.run(program, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 2 and "no lab" in ran.stdout
