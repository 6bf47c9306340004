"""Tables fit the terminal: columns of words are wrapped, and nothing is lost."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clos.controller.cli.render.text import columns, fitted, line_width
from tests.support.cli_run import DEMO, ROOT

WORDS = st.lists(st.text("abcdefgh", min_size=1, max_size=12), max_size=12).map(" ".join)


@given(st.lists(st.tuples(st.from_regex(r"[a-z]{1,8}", fullmatch=True), WORDS, WORDS), min_size=1, max_size=4))
def test_wrapped_columns_are_within_the_width_and_lose_no_word(rows: list[tuple[str, str, str]]) -> None:
    lines = [str(line) for line in columns(rows)]
    assert all(len(line) <= line_width() for line in lines)
    assert sorted(" ".join(lines).split()) == sorted(" ".join(cell for row in rows for cell in row).split())


def test_what_fits_is_left_as_it_is_and_what_cannot_is_not_cut() -> None:
    assert fitted([5, 20], [5, 9], 80) == [5, 20]
    assert fitted([5, 40, 60], [5, 9, 9], 80) == [5, 38, 37]
    assert fitted([90, 10], [90, 4], 80) == [90, 4]


@pytest.mark.parametrize(
    "words",
    [
        ("topology", "show", "topologies/bank.yaml"),
        ("topology", "show", DEMO[2]),
        ("verify", *DEMO),
        ("verify", *DEMO, "--plan"),
        ("status", "--help"),
        ("verify", "--help"),
        ("--help",),
    ],
    ids=" ".join,
)
def test_answers_fit_eighty_columns_where_there_is_no_terminal(words: tuple[str, ...]) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    done = subprocess.run(
        [sys.executable, "-m", "clos.controller.cli", *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        env=environment,
        stdin=subprocess.DEVNULL,
    )
    assert [line for line in done.stdout.splitlines() if len(line) > 80] == []


def test_a_simulated_fabric_without_a_controller_says_what_it_waits_for() -> None:
    port = 1  # nobody listens there
    words = [sys.executable, "-u", "-m", "clos.controller.cli", "sim", DEMO[2], "--controller", f"127.0.0.1:{port}"]
    with subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        lines = [running.stdout.readline() for _ in range(2)]
        running.terminate()
    assert re.fullmatch(
        r"clos: 0 of 6 connected; waiting for a controller at 127.0.0.1:1 \(.+\), trying again\n", lines[1]
    )
