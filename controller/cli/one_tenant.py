"""One tenant's documents among those of all: taken out, and put in.

Lives here: which documents are whose. Must not know: what they say otherwise, the controller.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from clos.controller.cli.answer import usage
from clos.controller.explain.errors import InvalidInputs, invalid
from clos.controller.intent.problem import Findings, conclude
from clos.controller.intent.source import Chunk, Text, cut
from clos.controller.intent.tree import Node, tree

OWNER = {"Tenant": "name", "Share": "tenant"}
"""Where each kind of document says whose it is."""


def with_tenant(held: Mapping[str, str], given: Mapping[str, str], tenant: str) -> dict[str, str]:
    """The documents in force with those of one tenant replaced by those that are given; of these only that tenant's.

    Lines stay where they are: what is taken out leaves them empty. Raises Stop where no document given is the tenant's,
    InvalidInputs where one cannot be read, so that it is not known whose it is.
    """
    own = {name: text for name, text in ((n, _kept(n, t, tenant, True)) for n, t in given.items()) if text}
    if not own:
        others = ", ".join(sorted({owner for n, t in given.items() for _, owner in _owned(n, t)})) or "nobody"
        raise usage(f"no document of tenant {tenant} is in {', '.join(given)}; these are of {others}")
    found = {name: text for name, text in ((n, _kept(n, t, tenant, False)) for n, t in held.items()) if text}
    for name, text in own.items():
        while name in found:
            name = f"./{name}"
        found[name] = text
    return found


def _kept(name: str, text: str, tenant: str, own: bool) -> str:
    """A file with only the tenant's documents, or with only those of others; "" where there are none."""
    parts = list(_owned(name, text))
    if not any((owner == tenant) is own for _, owner in parts):
        return ""
    lines = text.replace("\r\n", "\n").split("\n")
    for chunk, owner in parts:
        if (owner == tenant) is not own:
            first, last = chunk.line - 1, chunk.line - 1 + chunk.text.count("\n")
            lines[first:last] = [""] * (last - first)
            if not chunk.text.endswith("\n"):
                lines[last] = ""
    return "\n".join(lines)


def _owned(name: str, text: str) -> Iterator[tuple[Chunk, str]]:
    """Every document with the tenant it belongs to. Raises InvalidInputs where that cannot be read."""
    out = Findings(name, [])
    found = cut(Text(name, text))
    out.found += found.findings
    rows = [(chunk, _owner(tree(chunk, out), chunk, out)) for chunk in found.chunks]
    if out.found:
        raise _unreadable(out)
    yield from rows


def _unreadable(out: Findings) -> InvalidInputs:
    return invalid(conclude(out.found))


def _owner(root: Node | None, chunk: Chunk, out: Findings) -> str:
    kind = _word(root, "kind")
    metadata = root.value.get("metadata") if root is not None and isinstance(root.value, dict) else None
    owner = _word(metadata, OWNER.get(kind, ""))
    if root is not None and not owner:
        out.say(chunk.line, 1, (), "whose document this is cannot be read: write kind, and metadata with its names")
    return owner


def _word(node: Node | None, key: str) -> str:
    child = node.value.get(key) if node is not None and isinstance(node.value, dict) else None
    return child.value if child is not None and isinstance(child.value, str) else ""
