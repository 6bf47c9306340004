"""The API's description as a page for people: one HTML document, without scripts and without anything from elsewhere.

Lives here: layout. Must not know: what the API does; the page says what ``/openapi.json`` says.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

PATH = "/docs"
HEADERS = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'", "Cache-Control": "no-store"}

_STYLE = (
    "body{font:16px/1.5 sans-serif;max-width:60em;margin:2em auto;padding:0 1em}"
    "code{font-family:monospace;background:#eee;padding:0 .2em}h2{border-bottom:1px solid #ccc}"
    "table{border-collapse:collapse}td,th{border:1px solid #ccc;padding:.2em .6em;text-align:left;vertical-align:top}"
)
_INTRODUCTION = (
    "Every request but <code>GET /openapi.json</code> carries the token: "
    "<code>Authorization: Bearer TOKEN</code>, where TOKEN is what the file <code>token</code> of the state directory "
    "holds. The machine-readable form of this page is <a href='/openapi.json'>/openapi.json</a>."
)


def page(described: Mapping[str, Any]) -> str:
    """The page of an OpenAPI description."""
    title = escape(f"{described['info']['title']} {described['info']['version']}: HTTP API")
    return (
        f"<!doctype html><html lang='en'><head><meta charset='utf-8'><title>{title}</title>"
        f"<style>{_STYLE}</style></head><body><h1>{title}</h1><p>{_INTRODUCTION}</p>{''.join(_operations(described))}"
        f"<h2>Documents</h2>{''.join(_schemas(described['components']['schemas']))}</body></html>\n"
    )


def _operations(described: Mapping[str, Any]) -> Iterator[str]:
    for path, methods in described["paths"].items():
        for method, about in methods.items():
            yield f"<h2 id='{escape(about['operationId'])}'><code>{method.upper()} {escape(path)}</code></h2>"
            yield f"<p>{escape(about.get('description', ''))}</p>"
            rows = [
                (f"{each['name']} ({each['in']})", each.get("description", ""), each["schema"])
                for each in about.get("parameters", ())
            ]
            yield from _table(rows)
            if "requestBody" in about:
                (content,) = about["requestBody"]["content"].values()
                yield f"<p>Body: {_type(content['schema'])}</p>"
            answers = (f"<code>{escape(code)}</code> {_answer(each)}" for code, each in about["responses"].items())
            yield f"<p>Answers: {'; '.join(answers)}</p>"


def _answer(about: Mapping[str, Any]) -> str:
    forms = [_type(content["schema"]) for content in about.get("content", {}).values() if content.get("schema")]
    return ", ".join(forms) or escape(about["description"])


def _schemas(schemas: Mapping[str, Any]) -> Iterator[str]:
    for name, schema in sorted(schemas.items()):
        yield f"<h3 id='{escape(name)}'>{escape(name)}</h3><p>{escape(schema.get('description', ''))}</p>"
        yield from _table(
            [(key, each.get("description", ""), each) for key, each in schema.get("properties", {}).items()]
        )


def _table(rows: list[tuple[str, str, Mapping[str, Any]]]) -> Iterator[str]:
    if rows:
        yield "<table>"
        for name, meaning, schema in rows:
            yield f"<tr><td><code>{escape(name)}</code></td><td>{_type(schema)}</td><td>{escape(meaning)}</td></tr>"
        yield "</table>"


def _type(schema: Mapping[str, Any]) -> str:
    """A type in words; documents are links."""
    if "$ref" in schema:
        name = escape(schema["$ref"].rpartition("/")[2])
        return f"<a href='#{name}'>{name}</a>"
    for key in ("anyOf", "oneOf", "allOf"):
        if key in schema:
            return " or ".join(_type(each) for each in schema[key])
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    return escape(str(schema.get("type", schema.get("const", "any value"))))
