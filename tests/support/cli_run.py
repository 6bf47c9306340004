"""The command line run in this process: what it printed, where, and its exit code."""

from __future__ import annotations

import io
import json
import os
from contextlib import chdir, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, NamedTuple

from clos.controller.cli import main
from tests.support.root import ROOT

DEMO = ("intents/demo.yaml", "-t", "topologies/demo.yaml")
BANK = ("intents/bank", "-t", "topologies/bank.yaml")


class Ran(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        return json.loads(self.out)


def clos(*words: object, columns: int = 200) -> Ran:
    """``clos WORDS...`` from the root of the repository."""
    out, err = io.StringIO(), io.StringIO()
    code = 0
    with chdir(ROOT), redirect_stdout(out), redirect_stderr(err):
        os.environ["COLUMNS"] = str(columns)  # what is wrapped, test_cli_width tells
        try:
            main([str(word) for word in words])
        except SystemExit as end:
            code = int(end.code or 0)
    return Ran(code, out.getvalue(), err.getvalue())


def edited(folder: Path, old: str, new: str) -> Path:
    """A copy of the shipped demonstration's intents in which one text is replaced by another."""
    text = (ROOT / "intents/demo.yaml").read_text()
    if text.count(old) != 1:
        raise ValueError(f"{old!r} is there {text.count(old)} times")
    path = folder / "edited.yaml"
    path.write_text(text.replace(old, new))
    return path
