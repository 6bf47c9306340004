"""The JSON Schema that editors use accepts what Clos accepts, and refuses what is not shaped like it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from clos.controller.intent import dump, json_schema
from clos.controller.intent.bench import BENCH_2K, bench_intent
from clos.controller.intent.importers.writing import write_intent
from clos.fabric.generate import clos
from tests.support.problem_cases import cases
from tests.support.root import ROOT

FILES = [*(ROOT / "topologies").glob("*.yaml"), *(ROOT / "intents").rglob("*.yaml")]
TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "integer": int, "number": int | float}


def _types(schema) -> list[str]:
    wanted = schema.get("type", [])
    return [wanted] if isinstance(wanted, str) else wanted


def _is(value, name: str) -> bool:
    return isinstance(value, TYPES[name]) and not (isinstance(value, bool) and name in {"integer", "number"})


def complaints(schema, value, root=None) -> list[str]:
    """What JSON Schema 2020-12 says against a value; knows the keywords that our schemas use, and no others."""
    root = root or schema
    found: list[str] = []
    for keyword, operand in schema.items():
        found += KEYWORDS[keyword](operand, value, schema, root)
    return found


def _one(broken: bool, text: str) -> list[str]:
    return [text] if broken else []


def _all(pairs, root) -> list[str]:
    return [complaint for schema, value in pairs for complaint in complaints(schema, value, root)]


def _items(value, kind) -> list:
    return list(value.items() if kind is dict else value) if isinstance(value, kind) else []


def _extra(operand, value, schema, root) -> list[str]:
    extra = [(k, v) for k, v in _items(value, dict) if k not in schema.get("properties", {})]
    if operand is False:
        return [f"extra {key}" for key, _ in extra]
    return _all(((operand, v) for _, v in extra), root)


def _given(operand, value, schema, root) -> list[str]:
    return _all(((operand[k], v) for k, v in _items(value, dict) if k in operand), root)


def _branch(operand, value, schema, root) -> list[str]:
    return complaints(schema["then"], value, root) if not complaints(operand, value, root) else []


def _reference(operand, value, schema, root) -> list[str]:
    return complaints(root["$defs"][operand.removeprefix("#/$defs/")], value, root)


KEYWORDS = {
    **dict.fromkeys(("$schema", "title", "description", "examples", "$defs", "then"), lambda *_: []),
    "type": lambda o, v, s, r: _one(not any(_is(v, name) for name in _types(s)), f"{v!r} is not {o}"),
    "enum": lambda o, v, s, r: _one(v not in o, f"{v!r} is none of {o}"),
    "const": lambda o, v, s, r: _one(v != o, f"{v!r} is not {o}"),
    "pattern": lambda o, v, s, r: _one(isinstance(v, str) and not re.search(o, v), f"{v!r} does not match {o}"),
    "minimum": lambda o, v, s, r: _one(_is(v, "number") and v < o, f"{v} < {o}"),
    "maximum": lambda o, v, s, r: _one(_is(v, "number") and v > o, f"{v} > {o}"),
    "minItems": lambda o, v, s, r: _one(isinstance(v, list) and len(v) < o, "too few"),
    "maxItems": lambda o, v, s, r: _one(isinstance(v, list) and len(v) > o, "too many"),
    "minProperties": lambda o, v, s, r: _one(isinstance(v, dict) and len(v) < o, "too few"),
    "required": lambda o, v, s, r: [f"no {key}" for key in o if isinstance(v, dict) and key not in v],
    "items": lambda o, v, s, r: _all(((o, item) for item in _items(v, list)), r),
    "propertyNames": lambda o, v, s, r: _all(((o, key) for key, _ in _items(v, dict)), r),
    "anyOf": lambda o, v, s, r: _one(all(complaints(option, v, r) for option in o), f"{v!r} fits no option"),
    "allOf": lambda o, v, s, r: _all(((option, v) for option in o), r),
    "properties": _given,
    "additionalProperties": _extra,
    "if": _branch,
    "$ref": _reference,
}


def _documents(text: str) -> list:
    return [document for document in yaml.load_all(text, yaml.CSafeLoader) if document is not None]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_the_schema_accepts_every_shipped_document(file: Path) -> None:
    documents = _documents(file.read_text())
    assert documents
    assert [complaints(json_schema(), document) for document in documents] == [[]] * len(documents)


def test_the_schema_accepts_what_clos_writes() -> None:
    fabric = clos(8, 32, borders=2, hosts_per_leaf=63, pairs=True, dual_homed=1, speed=40_000)
    intent = bench_intent(fabric, *BENCH_2K)
    for document in _documents(write_intent(intent)) + _documents(dump(fabric)):
        assert complaints(json_schema(document["kind"]), document) == []


SHAPES = [
    "an unknown kind",
    "an unknown version",
    "a key is missing",
    "a key is missing further in",
    "an unknown key",
    "nothing after a key",
    "a word where a mapping belongs",
    "a list where a word belongs",
    "an empty mapping",
    "an empty list",
    "a name with other characters",
    "not a subnet",
    "not a MAC address",
    "a VLAN id out of range",
    "not a service",
    "an unknown protocol",
    "ports for a protocol that has none",
    "an action that is neither",
    "not a rate",
    "not a burst",
    "an unknown role",
    "a node tag out of range",
    "not a port",
    "three ends",
    "not a speed",
    "not a latency",
]


@pytest.mark.parametrize("name", SHAPES)
def test_the_schema_refuses_what_is_shaped_otherwise(name: str) -> None:
    files = ("intent_problems.txt", "topology_problems.txt")
    texts = [case.text for file in files for case in cases(file) if case.name == name]
    assert texts
    for text in texts:
        assert any(complaints(json_schema(), document) for document in _documents(text))
