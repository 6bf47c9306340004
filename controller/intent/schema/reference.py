"""What the documents' keys are, from the tables that read them: JSON Schema for editors, Markdown for people.

Lives here: how shapes are shown. Must not know: any key.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from clos.controller.intent.schema import documents, topology_keys
from clos.controller.intent.schema.shapes import (
    FLAG,
    Choice,
    Either,
    Key,
    ListOf,
    MapOf,
    Number,
    Record,
    Scalar,
    Shape,
)

KINDS: dict[str, Record] = {**documents.KINDS, **topology_keys.KINDS}
DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schema(kind: str | None = None) -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of one kind of document, or of all kinds together. ``KeyError``: no such kind."""
    if kind is not None:
        shape = KINDS[kind]
        return {"$schema": DIALECT, "title": f"Clos {kind}", "description": shape.doc, **shape.json()}
    return {
        "$schema": DIALECT,
        "title": "Clos documents",
        "type": "object",
        "required": ["apiVersion", "kind", "metadata", "spec"],
        "properties": {"kind": {"enum": list(KINDS)}},
        "allOf": [{"if": _is(name), "then": {"$ref": f"#/$defs/{name}"}} for name in KINDS],
        "$defs": {name: {"description": shape.doc, **shape.json()} for name, shape in KINDS.items()},
    }


def _is(kind: str) -> dict[str, Any]:
    return {"properties": {"kind": {"const": kind}}, "required": ["kind"]}


def markdown() -> str:
    """Every key of every kind as Markdown tables."""
    parts = (part for name, shape in KINDS.items() for part in _kind(name, shape))
    return "\n\n".join(parts) + "\n"


def _kind(name: str, shape: Record) -> Iterator[str]:
    yield f"### {name}\n\n{shape.doc}"
    tables: dict[str, list[str]] = {}
    for place, record in _records("", shape):
        tables.setdefault(_table(record), []).append(f"**`{place}`**" if place else "**The document**")
    for table, places in tables.items():
        yield f"{', '.join(places)}\n\n{table}"


def _records(place: str, shape: Shape) -> Iterator[tuple[str, Record]]:
    """A shape's records with the place each stands in, outermost first."""
    if isinstance(shape, Record):
        yield place, shape
        for key in shape.keys:
            yield from _records(f"{place}.{key.name}" if place else key.name, key.shape)
    elif isinstance(shape, MapOf):
        yield from _records(f"{place}.NAME", shape.item)
    elif isinstance(shape, ListOf):
        yield from _records(f"{place}[]", shape.item)
    elif isinstance(shape, Either):
        for option in shape.options:
            yield from _records(place, option)


def _table(record: Record) -> str:
    rows = ((f"`{key.name}`", _value(key.shape), _default(key), key.doc) for key in record.keys)
    lines = (f"| {' | '.join(row)} |" for row in rows)
    return "\n".join(["| key | value | default | meaning |", "|---|---|---|---|", *lines])


def _default(key: Key) -> str:
    return "**required**" if key.required else key.default or "none"


def _value(shape: Shape) -> str:
    """What to write, in a few words."""
    if isinstance(shape, Choice):
        return " or ".join(f"`{word}`" for word in shape.values)
    if isinstance(shape, Number):
        return f"{shape.low} to {shape.high}"
    if isinstance(shape, ListOf):
        return f"list: {_value(shape.item)}"
    if isinstance(shape, MapOf):
        return f"mapping from names: {_value(shape.item)}"
    if isinstance(shape, Either):
        return ", or ".join(_value(option) for option in shape.options)
    if isinstance(shape, Scalar) and shape.example:
        return f"{shape.name}, `{shape.example}`"
    return shape.name if shape is not FLAG else "`true` or `false`"
