"""The house rules that a program checks in no time: charters, sizes, packages. `make lint` checks the others."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.support.root import ROOT

SOURCES = sorted(path for folder in ("fabric", "controller", "lab") for path in (ROOT / folder).rglob("*.py"))


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_module_opens_with_its_charter(path: Path) -> None:
    tree = ast.parse(path.read_text())
    assert ast.get_docstring(tree) or not tree.body


def _functions() -> list[tuple[str, int]]:
    found = []
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                name = f"{path.name} {node.name}"
                found.append((name, (node.end_lineno or node.lineno) - node.lineno + 1))
    return found


def test_no_function_is_longer_than_forty_lines() -> None:
    assert [name for name, length in _functions() if length > 40] == []


def test_no_class_and_no_file_of_the_prover_is_too_long_to_be_read() -> None:
    """200 lines and 300: what one reader holds in mind. The prover is what every claim rests on."""
    long = []
    for path in (ROOT / "controller/verify").rglob("*.py"):
        text = path.read_text()
        long += [path.name] if len(text.splitlines()) > 300 else []
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.ClassDef) and (node.end_lineno or node.lineno) - node.lineno >= 200:
                long.append(node.name)
    assert long == []


def test_every_folder_of_modules_is_a_package() -> None:
    assert [str(folder) for folder in {path.parent for path in SOURCES} if not (folder / "__init__.py").exists()] == []


def test_installed_everything_is_under_one_name() -> None:
    assert sorted(path.name for path in (ROOT / "src").iterdir() if path.suffix != ".egg-info") == ["clos"]
