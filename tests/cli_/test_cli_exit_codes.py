"""One table of exit codes for every command: each code is reached, and means what the table says."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from clos.controller.cli import COMMANDS, Row, load
from clos.controller.cli.answer import Answer, answering
from clos.controller.cli.exit_codes import MEANINGS, NO, ExitCode
from clos.controller.cli.remote import EXIT
from clos.controller.daemon import CODES
from tests.support.cli_run import DEMO, ROOT, clos, edited

TOPOLOGY = DEMO[2]


def leaves(name: str, command: Any) -> Iterator[str]:
    """The commands below this one that can be run."""
    inner = getattr(command, "commands", None)
    if inner is None:
        yield name
    for word in inner or ():
        yield from leaves(f"{name} {word}", command.get_command(None, word))


EVERY = [leaf for row in COMMANDS for leaf in leaves(row.name, load(row.name))]


def test_the_table_names_every_command_and_every_code() -> None:
    assert sorted(NO) == sorted(EVERY)
    assert list(MEANINGS) == list(ExitCode)
    assert len({int(code) for code in ExitCode}) == len(ExitCode)


@pytest.mark.parametrize("command", [name for name in EVERY if name != "lab exec"])
def test_a_wrong_flag_is_a_usage_error(command: str) -> None:
    """``lab exec`` takes any flag: it is for the command that it runs."""
    ran = clos(*command.split(), "--no-such-flag")
    assert (ran.code, ran.out) == (ExitCode.USAGE, "")


MISSING = [
    ("validate", "none.yaml", "-t", TOPOLOGY),
    ("plan", "none.yaml", "-t", TOPOLOGY, "--offline"),
    ("apply", "none.yaml", "--yes", "--state", "nowhere"),
    ("diff", "none.yaml", DEMO[0], "-t", TOPOLOGY),
    ("compile", DEMO[0], "-t", "none.yaml"),
    ("verify", "none.yaml", "-t", TOPOLOGY),
    ("verify", "-t", TOPOLOGY, "--dump", "none"),
    ("trace", "none.yaml", "-t", TOPOLOGY),
    ("explain", "none.yaml", "-t", TOPOLOGY),
    ("probe", "none.yaml", "-t", TOPOLOGY),
    ("inspect", "none.yaml", "-t", TOPOLOGY, "-s", "leaf1"),
    ("graph", "-t", "none.yaml"),
    ("topology", "show", "none.yaml"),
    ("topology", "check", "none.yaml"),
    ("topology", "import", "mininet", "none.py:X"),
    ("topology", "import", "containerlab", "none.yaml"),
    ("lab", "up", "none.yaml"),
    ("lab", "apply", "none.yaml"),
    ("serve", "none.yaml"),
    ("sim", "none.yaml"),
]


@pytest.mark.parametrize("words", MISSING, ids=" ".join)
def test_a_missing_file_is_a_usage_error(words: tuple[str, ...]) -> None:
    ran = clos(*words)
    assert (ran.code, ran.out) == (ExitCode.USAGE, ""), ran.err
    assert "none" in ran.err and "Traceback" not in ran.err


NO_CONTROLLER = [
    ("apply", DEMO[0], "--yes"),
    ("rollback", "1", "--yes"),
    ("repair",),
    ("status",),
    ("links",),
    ("history",),
    ("audit",),
    ("compile",),
    ("verify",),
    ("verify", *DEMO, "--live"),
    ("trace",),
    ("explain",),
    ("probe",),
    ("inspect", "-s", "leaf1"),
    ("graph",),
    ("diff", "1", "2"),
]


@pytest.mark.parametrize("words", NO_CONTROLLER, ids=" ".join)
def test_without_a_controller_there_is_no_answer(words: tuple[str, ...], tmp_path: Path) -> None:
    ran = clos(*words, "--state", tmp_path)
    assert (ran.code, ran.out) == (ExitCode.UNCHECKED, "")
    assert "clos serve" in ran.err


@pytest.mark.parametrize("words", [("status",), ("probe",), ("loss",), ("down",), ("shell",), ("exec", "h", "true")])
def test_without_a_lab_there_is_no_answer(words: tuple[str, ...], tmp_path: Path) -> None:
    ran = (
        clos("lab", *words, "--dir", tmp_path)
        if words[0] != "exec"
        else clos("lab", "exec", "--dir", tmp_path, "h", "true")
    )
    assert ran.code == (ExitCode.OK if words == ("down",) else ExitCode.UNCHECKED)


@pytest.mark.parametrize("command", ["validate", "plan", "compile", "verify", "probe", "trace", "explain", "graph"])
def test_invalid_documents_are_a_no(command: str, tmp_path: Path) -> None:
    path = edited(tmp_path, "{from: web, to: app,", "{from: web, to: ap,")
    ran = clos(command, path, "-t", TOPOLOGY)
    assert (ran.code, ran.out) == (ExitCode.FAILED, "")
    assert ran.err.startswith(f"{path}:28:23: ")


@pytest.mark.parametrize(
    "words", [("topology", "show"), ("topology", "check"), ("serve",), ("sim",), ("lab", "up")], ids=" ".join
)
def test_an_invalid_topology_is_a_no(words: tuple[str, ...], tmp_path: Path) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text((ROOT / TOPOLOGY).read_text().replace("role: spine", "role: spin", 1))
    ran = clos(*words, path)
    assert (ran.code, ran.out) == (ExitCode.FAILED, "")
    assert ran.err.startswith(f"{path}:")


def test_changes_have_a_code_that_no_error_has() -> None:
    words = ("plan", *DEMO, "--offline", "--detailed-exitcode")
    assert clos(*words).code == ExitCode.CHANGES
    assert clos(*words, "--nonsense").code == ExitCode.USAGE
    assert clos("diff", DEMO[0], DEMO[0], "-t", TOPOLOGY, "--detailed-exitcode").code == ExitCode.OK
    assert ExitCode.CHANGES not in EXIT.values()


def test_every_refusal_of_the_controller_has_a_code() -> None:
    assert set(CODES) <= EXIT.keys()
    assert set(EXIT.values()) <= {ExitCode.FAILED, ExitCode.USAGE, ExitCode.UNCHECKED, ExitCode.INTERNAL}


def test_a_packet_that_ends_otherwise_is_a_no() -> None:
    words = ("trace", *DEMO, "--from", "web1", "--to", "desk1", "--expect")
    assert clos(*words, "delivered").code == ExitCode.FAILED
    assert clos(*words, "dropped").code == ExitCode.OK


@answering
def boom() -> Answer:
    """An answer that fails."""
    return Answer({}, lambda: [str(1 // 0)])


def bang() -> None:
    """A command that prints by itself."""
    raise ZeroDivisionError("of ours")


inner = typer.Typer(rich_markup_mode=None)
inner.command("bang")(bang)
inner.command("boom")(boom)


@pytest.mark.parametrize("words", [("boom",), ("bang",), ("inner", "boom"), ("inner", "bang")], ids=" ".join)
def test_an_internal_error_is_one_line_and_a_code_of_its_own(
    words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = tuple(Row(name, f"{__name__}:{name}", "More", "") for name in ("boom", "bang", "inner"))
    monkeypatch.setattr("clos.controller.cli.COMMANDS", (*COMMANDS, *rows))
    monkeypatch.delenv("CLOS_DEBUG", raising=False)
    ran = clos(*words)
    assert (ran.code, ran.out) == (ExitCode.INTERNAL, "")
    assert ran.err.count("\n") == 1 and "please report it" in ran.err and "ZeroDivisionError" in ran.err
    monkeypatch.setenv("CLOS_DEBUG", "")  # is put back when the test ends, whatever --debug does
    ran = clos("--debug", *words)
    assert ran.code == ExitCode.INTERNAL and "Traceback" in ran.err


def run(*words: str, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "clos.controller.cli", *words], cwd=ROOT, text=True, check=False, **options
    )


@pytest.mark.parametrize(("words", "code"), [(("validate", *DEMO), 0), (("validate", "none"), 2), (("status",), 3)])
def test_the_module_exits_as_the_script_does(words: tuple[str, ...], code: int, tmp_path: Path) -> None:
    environment = {**os.environ, "CLOS_STATE": str(tmp_path)}
    assert run(*words, env=environment, capture_output=True).returncode == code


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("words", [("--help",), ("schema",), ("validate", *DEMO)], ids=" ".join)
def test_an_answer_that_cannot_be_written_is_no_answer(words: tuple[str, ...]) -> None:
    with open("/dev/full", "w") as full:
        done = run(*words, stdout=full, stderr=subprocess.PIPE)
    assert (done.returncode, done.stderr) == (3, "clos: the answer cannot be written: No space left on device\n")


def test_an_answer_that_nobody_reads_is_no_answer() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as pipe:
        done = run("schema", stdout=pipe, stderr=subprocess.PIPE)
    assert (done.returncode, done.stderr) == (3, "")
