"""Whatever a test does, the run goes on, ends, and names it: real runs of tests that hang and that eat memory."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.root import ROOT

TESTS = """
from itertools import repeat
import pytest
from hypothesis import given, settings, strategies as st

@pytest.mark.timeout(2)
def test_hangs_in_c():
    any(repeat(False))  # keeps the interpreter's lock, and minds no signal

@pytest.mark.timeout(2)
@settings(deadline=None)
@given(st.integers())
def test_hangs_in_an_example(number):
    while True:
        pass

def test_eats_memory():
    held = []
    while True:
        held.append(bytes(1 << 24))

@settings(max_examples=5)
@given(st.integers())
def test_eats_memory_in_an_example(number):
    bytearray(1 << 40)

def test_all_is_well():
    pass
"""


def run(folder: Path, *words: str) -> tuple[int, str]:
    """A run of ``TESTS`` in a process of its own: its exit code, and all that it prints."""
    (folder / "pytest.ini").write_text("[pytest]\ntimeout = 60\ntimeout_method = thread\n")
    (folder / "test_it.py").write_text(TESTS)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "CLOS_TEST_MEMORY": "512"}
    program = [sys.executable, "-m", "pytest", "-p", "tests.support.run_limits", "-p", "no:cacheprovider", "-q", *words]
    ran = subprocess.run(
        program, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    return ran.returncode, ran.stdout


def test_a_test_that_hangs_or_eats_memory_fails_by_its_name_and_the_others_run(tmp_path: Path) -> None:
    code, printed = run(tmp_path, "--numprocesses=1")
    assert code == 1
    assert set(re.findall(r"^FAILED test_it.py::(\w+)", printed, re.MULTILINE)) == {
        "test_hangs_in_c",
        "test_hangs_in_an_example",
        "test_eats_memory",
        "test_eats_memory_in_an_example",
    }, printed
    assert printed.count("CLOS_TEST_MEMORY sets another limit") == 2, printed
    assert re.search(r"^4 failed, 1 passed", printed, re.MULTILINE), printed


@pytest.mark.parametrize("name", ["test_hangs_in_c", "test_hangs_in_an_example"])
def test_without_workers_the_run_ends_and_shows_where_it_hung(tmp_path: Path, name: str) -> None:
    code, printed = run(tmp_path, "-p", "no:xdist", "-k", f"{name} or well")
    assert code == 1
    assert re.search(rf"^  File .* in {name}$", printed, re.MULTILINE), printed
