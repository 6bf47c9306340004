"""Rules that hold for the tests themselves."""

from __future__ import annotations

import ast

import pytest

from tests.support.root import ROOT

FILES = sorted((ROOT / "tests").rglob("*.py"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_module_imports_a_module_of_tests(path):
    """What two of them need lies in a module beside them: a test is run where it stands, once."""
    named = [name for node in ast.walk(ast.parse(path.read_text())) for name in _imported(node)]
    assert [name for name in named if name.startswith("tests.") and name.rpartition(".")[2].startswith("test_")] == []


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        return [node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)]
    return []
