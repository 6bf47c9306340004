"""docs/intents.md says what the code says: its tables are generated, its examples load, its errors are real.

``CLOS_UPDATE_DOCS=1`` writes the generated parts anew.
"""

from __future__ import annotations

import os
import re

import pytest

from clos.controller.intent import Text, json_schema, load_intent, load_topology
from clos.controller.intent.schema.reference import DIALECT, KINDS, markdown
from tests.support.problem_cases import cases
from tests.support.root import ROOT

PAGE = ROOT / "docs" / "intents.md"
EXAMPLES = dict(re.findall(r"^```yaml (\S+)\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL))


def _fabric():
    return load_topology(Text("fabric.yaml", EXAMPLES["fabric.yaml"])).topology


def _problems(file: str) -> str:
    rows = [
        f"| {case.name} | `{'`<br>`'.join(message.replace('|', chr(92) + '|') for _, _, message in case.problems)}` |"
        for case in cases(file)
    ]
    return "\n".join(["| problem | what Clos says |", "|---|---|", *rows])


def _broken() -> str:
    problems = load_intent(Text("broken.yaml", EXAMPLES["broken.yaml"]), _fabric()).problems
    return "\n".join(["```text", *map(str, problems), "```"])


GENERATED = {
    "broken.yaml": _broken,
    "keys": lambda: markdown().strip(),
    "problems": lambda: f"{_problems('intent_problems.txt')}\n\nIn topologies:\n\n{_problems('topology_problems.txt')}",
}


def _page() -> str:
    """The page with its generated parts as they should be."""
    page = PAGE.read_text()
    for section, generate in GENERATED.items():
        start, end = f"<!-- {section}: written by tests/intents/test_intent_docs.py -->\n", "<!-- end -->"
        before, rest = page.split(start)
        page = f"{before}{start}\n{generate()}\n\n{end}{rest.split(end, 1)[1]}"
    return page


def test_generated_parts_are_what_the_generators_say() -> None:
    expected = _page()
    if os.environ.get("CLOS_UPDATE_DOCS"):
        PAGE.write_text(expected)
    assert PAGE.read_text() == expected


@pytest.mark.parametrize("name", sorted(EXAMPLES.keys() - {"broken.yaml"}))
def test_every_example_loads(name: str) -> None:
    text = Text(name, EXAMPLES[name])
    loaded = load_topology(text) if "kind: Topology" in text.text else load_intent(text, _fabric())
    assert loaded.problems == ()


# --- the same tables as JSON Schema ---------------------------------------------------------------------------------


def _objects(schema, path=()):
    """Every schema inside a schema."""
    yield path, schema
    for key, value in schema.items():
        if key in {"properties", "$defs"}:
            for name, inner in value.items():
                yield from _objects(inner, (*path, key, name))
        elif isinstance(value, dict):
            yield from _objects(value, (*path, key))
        elif key in {"anyOf", "allOf", "oneOf"}:
            for inner in value:
                yield from _objects(inner, (*path, key))


@pytest.mark.parametrize("kind", KINDS)
def test_the_schema_of_a_kind_is_closed_and_described(kind: str) -> None:
    schema = json_schema(kind)
    assert schema["$schema"] == DIALECT
    for path, inner in _objects(schema):
        if "properties" in inner:
            assert inner["additionalProperties"] is False, path
            assert set(inner["required"]) <= set(inner["properties"]), path
            assert all(prop["description"] for prop in inner["properties"].values()), path


def test_the_schema_of_all_kinds_asks_for_the_kind() -> None:
    schema = json_schema()
    assert schema["properties"]["kind"]["enum"] == list(KINDS) == list(schema["$defs"])
    for branch, kind in zip(schema["allOf"], KINDS, strict=True):
        assert branch["if"]["properties"]["kind"]["const"] == kind
        assert branch["then"] == {"$ref": f"#/$defs/{kind}"}
        assert schema["$defs"][kind]["properties"]["kind"]["enum"] == [kind]


@pytest.mark.parametrize("kind", KINDS)
def test_the_schemas_own_examples_match_its_patterns(kind: str) -> None:
    seen = 0
    for path, inner in _objects(json_schema(kind)):
        for example in inner.get("examples", ()):
            seen += 1
            assert re.search(inner["pattern"], example), path
    assert seen > 0


def test_there_is_no_schema_of_another_kind() -> None:
    with pytest.raises(KeyError):
        json_schema("Tenat")
