"""What the documents show is what there is: generated files are up to date, commands print what is shown."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest

from clos.controller.cli import COMMANDS
from tests.support import docs
from tests.support.cli_run import ROOT, clos
from tests.support.docs import Shown

DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
SHOWN = list(docs.consoles((ROOT / "README.md").read_text()))
FORMS = re.findall(r"^```json clos (.*)\n((?:.*\n)*?)```$", (ROOT / "docs/cli.md").read_text(), re.MULTILINE)


def test_generated_files_are_up_to_date() -> None:
    stale = [str(path) for path, text in docs.written().items() if (ROOT / path).read_text() != text]
    assert stale == [], "run make docs and read what changed"


def test_every_block_of_entries_has_some() -> None:
    blocks = docs.FENCE.findall((ROOT / "docs/pipeline.md").read_text())
    assert len(blocks) > 25
    assert re.findall(r"^```golden .*\n\n```$", (ROOT / "docs/pipeline.md").read_text(), re.MULTILINE) == []


@pytest.mark.parametrize("shown", SHOWN, ids=lambda shown: shown.command)
def test_the_commands_of_the_readme_print_what_it_shows(shown: Shown) -> None:
    program, *words = shlex.split(shown.command)
    ran = clos(*words)
    assert program == "clos"
    assert shown.agrees(ran.out + ran.err), ran.out + ran.err


def test_an_ellipsis_stands_for_any_lines() -> None:
    shown = Shown("x", "one\n...\nfour\n")
    assert shown.agrees("one\ntwo\nthree\nfour\n") and shown.agrees("one\nfour\n")
    assert not shown.agrees("one\ntwo\n") and not shown.agrees("zero\none\nfour\n")


@pytest.mark.parametrize(("command", "form"), FORMS, ids=[command for command, _ in FORMS])
def test_json_answers_have_the_keys_that_are_documented(command: str, form: str) -> None:
    told, given = json.loads(form), clos(*shlex.split(command)).data
    assert list(given) == list(told)
    assert _kinds(told) <= _kinds(given)


def _kinds(value: object, at: str = "") -> set[str]:
    """The keys of a JSON value, however deep; lists are one place."""
    if isinstance(value, dict):
        return {f"{at}.{key}" for key in value} | {
            k for key, item in value.items() for k in _kinds(item, f"{at}.{key}")
        }
    if isinstance(value, list):
        return {kind for item in value for kind in _kinds(item, f"{at}[]")}
    return set()


def test_every_command_is_in_the_reference() -> None:
    text = (ROOT / "docs/cli.md").read_text()
    assert [row.name for row in COMMANDS if f"### `clos {row.name}`\n" not in text] == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(path: Path) -> None:
    targets = re.findall(r"\]\(([^)#:]+)\)", path.read_text())
    assert [target for target in targets if not (path.parent / target).exists()] == []
