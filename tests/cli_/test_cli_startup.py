"""Light commands load no module that they do not need, and read words as typer would."""

from __future__ import annotations

import json
import subprocess
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import pytest
import typer
from typer.testing import CliRunner

from clos.controller.cli.coercion import lighten
from tests.support.cli_run import DEMO, ROOT

HEAVY = {"networkx", "httpx", "pydantic", "fastapi", "uvicorn", "os_ken", "rich.console", "hypothesis"}
READING = {"yaml", "clos.controller.intent", "clos.fabric"}
COMPILING = {"clos.controller.compile", "clos.controller.plan", "clos.controller.verify"}
SERVING = {"clos.controller.daemon", "clos.controller.wire", "clos.controller.store", "sqlite3", "asyncio"}
ASKING = {"http", "ssl", "clos.controller.api.client"}

LIGHT: dict[tuple[str, ...], set[str]] = {
    ("--version",): HEAVY | READING | COMPILING | SERVING | ASKING | {"rich"},
    ("--help",): HEAVY | READING | COMPILING | SERVING | ASKING | {"rich"},
    ("status", "--state", "nowhere"): HEAVY | READING | COMPILING | SERVING,
    ("history", "--state", "nowhere"): HEAVY | READING | COMPILING | SERVING,
    ("links", "--state", "nowhere"): HEAVY | READING | COMPILING | SERVING,
    ("apply", DEMO[0], "--yes", "--state", "nowhere"): HEAVY | READING - {"clos.fabric"} | COMPILING | SERVING,
    ("validate", *DEMO): HEAVY | COMPILING | SERVING | ASKING | {"rich"},
    ("schema",): HEAVY | COMPILING | SERVING | ASKING | {"rich"},
    ("graph", "-t", DEMO[2]): HEAVY | COMPILING | SERVING | ASKING,
    ("topology", "show", DEMO[2]): HEAVY | COMPILING | SERVING | ASKING,
    ("topology", "check", DEMO[2]): HEAVY | COMPILING | SERVING | ASKING,
    ("topology", "generate", "--spines", "2", "--leaves", "2"): HEAVY | COMPILING | SERVING | ASKING,
    ("compile", *DEMO): HEAVY | SERVING | ASKING | {"clos.controller.verify"},
    ("plan", "--offline", *DEMO): HEAVY | SERVING | ASKING,
}
"""Modules that a command must not load."""

PROGRAM = """
import json, sys
from clos.controller.cli import main
try:
    main(sys.argv[1:])
except SystemExit as end:
    print(json.dumps([end.code, sorted(sys.modules)]), file=sys.stderr)
"""


@pytest.mark.parametrize("words", LIGHT, ids=" ".join)
def test_a_light_command_loads_nothing_that_it_does_not_need(words: tuple[str, ...]) -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM, *words], cwd=ROOT, capture_output=True, text=True, check=True)
    code, loaded = json.loads(done.stderr.splitlines()[-1])
    assert code == (3 if "nowhere" in words else 0)
    assert [name for name in loaded if name in LIGHT[words]] == []


class Colour(StrEnum):
    RED, GREEN = "red", "green"


def every(
    paths: Annotated[list[Path], typer.Argument()],
    whole: Annotated[int, typer.Option(min=1, max=5)] = 3,
    low: Annotated[int, typer.Option(min=0)] = 0,
    free: Annotated[int | None, typer.Option()] = None,
    real: Annotated[float, typer.Option(min=0)] = 1.0,
    word: Annotated[str, typer.Option()] = "",
    words: Annotated[list[str] | None, typer.Option()] = None,
    files: Annotated[list[Path] | None, typer.Option()] = None,
    colour: Annotated[Colour | None, typer.Option()] = None,
    flag: Annotated[bool, typer.Option("--flag", envvar="CLOS_TEST_FLAG")] = False,
) -> None:
    values = [paths, whole, low, free, real, word, words, files, colour, flag]
    typer.echo(repr([(type(value).__name__, value) for value in values]))


def asked(words: tuple[str, ...], flag: str, light: bool) -> tuple[int, str]:
    """The exit code and the values that the command is called with."""
    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    app.command()(every)
    command: Any = typer.main.get_command(app)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("typer.testing._get_command", lambda app: lighten(command) if light else command)
        ran = CliRunner().invoke(app, words, env={"CLOS_TEST_FLAG": flag} if flag else {})
    return ran.exit_code, ran.stdout if ran.exit_code == 0 else ""


WORDS = [
    (),
    ("a",),
    ("a", "b/", "./c"),
    *(("a", "--whole", word) for word in ("1", "5", "0", "6", "x", "", "2.5", "1e0", "+2", " 3 ", "0x3", "-1")),
    *(("a", "--low", word) for word in ("0", "-1", "9007199254740992")),
    *(("a", "--free", word) for word in ("-5", "7", "seven")),
    *(("a", "--real", word) for word in ("0", "0.5", "-0.5", "1e3", "nan", "x", "inf")),
    *(("a", "--word", word) for word in ("", "ü", "-x")),
    ("a", "--words", "1", "--words", "2"),
    ("a", "--files", "1", "--files", "2"),
    *(("a", "--colour", word) for word in ("red", "RED", "blue", "")),
    ("a", "--flag"),
    ("a", "--flag", "x"),
    ("a", "--nonsense"),
]


@pytest.mark.parametrize("words", WORDS, ids=" ".join)
def test_words_are_read_as_typer_reads_them(words: tuple[str, ...]) -> None:
    assert asked(words, "", light=True) == asked(words, "", light=False)


@pytest.mark.parametrize("flag", ["1", "true", "YES", "off", "0", "maybe"])
def test_flags_of_the_environment_are_read_as_typer_reads_them(flag: str) -> None:
    assert asked(("a",), flag, light=True) == asked(("a",), flag, light=False)
