"""Streams, colours, completion, and words nobody expected."""

from __future__ import annotations

import os
import pty
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clos.controller.cli import COMMANDS
from tests.support.cli_run import DEMO, ROOT, clos

CLOS = [sys.executable, "-m", "clos.controller.cli"]
EXPLAIN = ["explain", *DEMO, "--from", "web1", "--to", "app1", "--service", "tcp/8080"]
WORDS = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        ["web1", "leaf1", "leaf1:1", "leaf1:-1", "tcp/80", "tcp/99999999", "0x", "1", "-1", "\0", "[red]", "{}"]
    ),
)


def _on_a_terminal(words: list[str], **environment: str) -> str:
    """What a program prints when its stdout is a terminal."""
    master, slave = pty.openpty()
    keep = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "FORCE_COLOR")}
    running = subprocess.Popen(
        [*CLOS, *words], cwd=ROOT, stdout=slave, stderr=slave, env={**keep, "TERM": "xterm-256color", **environment}
    )
    os.close(slave)
    found = bytearray()
    while True:
        try:
            piece = os.read(master, 65536)
        except OSError:  # the other end is closed
            break
        if not piece:
            break
        found += piece
    os.close(master)
    assert running.wait(30) == 0
    return found.decode()


def test_colours_are_for_terminals_that_want_them() -> None:
    assert "\x1b[1;32mPermitted" in _on_a_terminal(EXPLAIN)
    assert "\x1b[" not in _on_a_terminal(EXPLAIN, NO_COLOR="1")
    assert "\x1b[" not in subprocess.run([*CLOS, *EXPLAIN], cwd=ROOT, capture_output=True, text=True, check=True).stdout


def test_lines_are_never_wrapped() -> None:
    assert max(map(len, clos("inspect", *DEMO, "--switch", "leaf1").out.splitlines())) > 200


def test_a_reader_that_goes_away_is_no_fault_of_ours() -> None:
    running = subprocess.Popen(
        [*CLOS, "compile", *DEMO, "--json"], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert running.stdout.readline() == '{"format_version": 1,\n'
    running.stdout.close()
    assert "internal error" not in running.stderr.read()
    assert running.wait(30) in (0, 3)


def test_the_shell_completes_commands_and_options() -> None:
    def complete(line: str) -> str:
        words = {"_CLOS_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(len(line.split()) - 1)}
        code = "import sys; sys.argv = ['clos']; from clos.controller.cli import main; main()"
        done = subprocess.run(
            [sys.executable, "-c", code], env={**os.environ, **words}, capture_output=True, text=True, check=False
        )
        return done.stdout

    assert set(complete("clos va").split()) == {"validate"}
    assert {row.name for row in COMMANDS if row.name.startswith("h")} == set(complete("clos h").split())
    assert "--detailed-exitcode" in complete("clos plan --det")


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(["--from", "--to", "--service", "--via", "--in", "--packet", "--rule", "--cookie"]),
    WORDS,
    st.data(),
)
def test_no_word_is_an_internal_error(option: str, word: str, data: st.DataObject) -> None:
    rest = data.draw(st.sampled_from([[], EXPLAIN[4:], ["--in", "leaf1:11"], ["--packet", "00" * 60]]))
    ran = clos("explain", *DEMO, *rest, f"{option}={word}")
    assert ran.code in (0, 1, 2), ran.err
    assert "Traceback" not in ran.err


@pytest.mark.parametrize("frame", ["00" * 14, "ff" * 200, "01005e000001020000000101" + "0800" + "4f" * 60])
def test_any_frame_can_be_traced(frame: str) -> None:
    assert clos("trace", *DEMO, "--in", "leaf1:11", "--packet", frame, "--expect", "dropped").code == 0
