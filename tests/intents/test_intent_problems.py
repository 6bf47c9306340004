"""Every kind of problem is told at its exact place, all of them at once."""

from __future__ import annotations

import pytest

from clos.controller.intent import Problem, Text, load_intent, load_topology
from clos.controller.intent.problem import MAX_PROBLEMS, suggest
from tests.support.problem_cases import FABRIC, Case, cases

TOPOLOGY = load_topology(Text("fabric", FABRIC)).topology


def _told(problems: tuple[Problem, ...]) -> list[tuple[int, int, str]]:
    return [(p.line, p.column, f"{p.path}: {p.message}" if p.path else p.message) for p in problems]


@pytest.mark.parametrize("case", cases("intent_problems.txt"), ids=lambda case: case.name)
def test_every_problem_of_an_intent_is_told_at_its_place(case: Case) -> None:
    loaded = load_intent(Text("file.yaml", case.text), TOPOLOGY)
    assert _told(loaded.problems) == list(case.problems)
    assert loaded.intent is None


@pytest.mark.parametrize("case", cases("topology_problems.txt"), ids=lambda case: case.name)
def test_every_problem_of_a_topology_is_told_at_its_place(case: Case) -> None:
    loaded = load_topology(Text("t", case.text))
    assert _told(loaded.problems) == list(case.problems)
    assert loaded.topology is None


def test_a_problem_prints_as_file_line_column_path_message() -> None:
    problem = Problem("red.yaml", 3, 7, "spec.to[0]", "unknown tenant rad")
    assert str(problem) == "red.yaml:3:7: spec.to[0]: unknown tenant rad"
    assert str(problem._replace(path="")) == "red.yaml:3:7: unknown tenant rad"


@pytest.mark.parametrize("nasty", ["a\nb: c", "a" * 500, "\u202e", "\\", "«"])
def test_a_problem_is_one_short_line_whatever_was_written(nasty: str) -> None:
    quoted = nasty.replace("\\", "\\\\").replace("\n", "\\n")
    text = f'apiVersion: clos/v1\nkind: Tenant\nmetadata: {{name: red, "{quoted}": 1}}\nspec: "{quoted}"\n'
    problems = load_intent(Text("t", text), TOPOLOGY).problems
    assert problems
    assert all("\n" not in str(p) and len(str(p)) < 300 for p in problems)


def test_problems_come_in_the_order_of_files_and_lines() -> None:
    bad = "apiVersion: clos/v1\nkind: Tenant\nmetadata: {name: N}\nspec: {networks: {a: {subnet: 1}}, groups: 5}\n"
    texts = [Text(name, bad.replace("N", name)) for name in ("c", "a", "b")]
    problems = load_intent(texts, TOPOLOGY).problems
    assert [(p.file, p.line, p.column) for p in problems] == sorted((p.file, p.line, p.column) for p in problems)
    assert {p.file for p in problems} == {"a", "b", "c"}


def test_very_many_problems_are_counted_not_listed() -> None:
    endpoints = "\n".join(f"    e{i}: 10.0.{i // 250}.{i % 250 + 2} on nobody{i}" for i in range(3_000))
    text = "apiVersion: clos/v1\nkind: Tenant\nmetadata: {name: red}\nspec:\n  networks: {a: {subnet: 10.0.0.0/16}}\n"
    problems = load_intent(Text("t", f"{text}  endpoints:\n{endpoints}\n"), TOPOLOGY).problems
    assert len(problems) == MAX_PROBLEMS + 1
    assert problems[-1].message == "and 2,000 more problems from here on"


def test_suggestions_are_found_in_large_sets_too() -> None:
    names = [f"server{i}" for i in range(20_000)]
    assert suggest("servr123", names) == "server123"
    assert suggest("printer", names) == ""


def test_files_that_cannot_be_read_are_problems(tmp_path) -> None:
    (tmp_path / "latin.yaml").write_bytes(b"kind: Tenant\nname: \xe9\n")
    (tmp_path / "empty").mkdir()
    (tmp_path / "folder.yaml").mkdir()
    wanted = [tmp_path / "none.yaml", tmp_path / "latin.yaml", tmp_path / "empty", "\0", tmp_path / "folder.yaml"]
    problems = load_intent(wanted, TOPOLOGY).problems
    assert {p.file.removeprefix(f"{tmp_path}/"): (p.line, p.column, p.message) for p in problems} == {
        "none.yaml": (1, 1, "cannot be read: No such file or directory"),
        "latin.yaml": (2, 7, "byte 0xe9 is not UTF-8: save the file as UTF-8"),
        "empty": (1, 1, "no *.yaml files in this directory"),
        "folder.yaml": (1, 1, "no *.yaml files in this directory"),
        "\\x00": (1, 1, "cannot be read: a null character in its path"),
    }


def test_a_file_name_never_moves_the_cursor(tmp_path) -> None:
    (tmp_path / "a\n\x1b[2Jb.yaml").write_text("kind: Nothing\n")
    (problem,) = load_intent([tmp_path], TOPOLOGY).problems
    assert problem.file == f"{tmp_path}/a\\n\\x1b[2Jb.yaml"
    assert str(problem).isprintable()


def test_a_file_that_is_too_large_is_a_problem(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("clos.controller.intent.source.MAX_BYTES", 100)
    (tmp_path / "large.yaml").write_text("# " + "x" * 100)
    problems = load_intent([tmp_path, Text("text", "# " + "x" * 100)], TOPOLOGY).problems
    assert [p.message.split(":")[0] for p in problems] == ["larger than 32 MiB"] * 2


def test_more_values_than_the_limit_are_a_problem(monkeypatch) -> None:
    monkeypatch.setattr("clos.controller.intent.tree.MAX_NODES", 100)
    problems = load_intent(Text("t", f"[{'a, ' * 100}a]"), TOPOLOGY).problems
    assert [str(p) for p in problems] == ["t:1:299: [99]: more than 100 values in one document: split it"]


def test_more_documents_than_the_limit_are_a_problem() -> None:
    problems = load_intent(Text("t", "---\n" * 20_000), TOPOLOGY).problems
    assert [p.message for p in problems] == ["more than 10,000 documents in one file: split it"]
