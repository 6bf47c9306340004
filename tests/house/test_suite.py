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


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_test_expects_anything_to_be_quick(path):
    """A busy machine is not a fault: count work (support/work.py), or wait for it (support/waiting.py)."""
    asserts = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Assert)]
    assert [node.lineno for node in asserts if _limits_time(node) and path.name != "waiting.py"] == []


def _limits_time(node: ast.Assert) -> bool:
    inside = list(ast.walk(node))
    clocks = {f"time.{name}" for name in ("monotonic", "perf_counter", "process_time", "time")}
    asked = any(ast.unparse(part) in clocks for part in inside if isinstance(part, ast.Attribute))
    return asked and any(isinstance(part, ast.Lt | ast.LtE) for part in inside)


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        return [node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)]
    return []
