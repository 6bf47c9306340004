"""The keys of the world outside: ways out of the fabric, and the addresses that groups have there.

Lives here: one table of keys, and what their values make. Must not know: endpoints, groups.
"""

from __future__ import annotations

from typing import Any

from clos.controller.intent.model import External, Where
from clos.controller.intent.schema.notation import NAME, PREFIX
from clos.controller.intent.schema.shapes import Either, Key, ListOf, MapOf, Record, Scalar

MOST = 4_000
"""Prefixes of one way out, and of one group."""

PREFIXES = Either("a prefix or a list of them", (PREFIX, ListOf(PREFIX, least=1, most=MOST)))


def _name_or_prefix(word: str) -> str | tuple[int, int]:
    found: str | tuple[int, int] = (PREFIX if "/" in word else NAME).parse(word)
    return found


NAME_OR_PREFIX = Scalar("a name or a prefix", _name_or_prefix, f"{NAME.pattern}|{PREFIX.pattern}", "10.0.0.0/8")


def prefixes(written: Any) -> tuple[tuple[int, int], ...]:
    """The prefixes that stand in such a place, sorted; each once. None: there are none."""
    listed = written if isinstance(written, list) else [] if written is None else [written]
    return tuple(sorted(set(listed)))


def _external(name: str, values: dict[str, Any], where: Where) -> External:
    return External(name, values["router"], tuple(sorted(values["prefixes"])), where)


EXTERNAL = MapOf(
    NAME,
    Record(
        "a way out of the fabric",
        (
            Key("router", NAME, "The endpoint that routes there.", required=True),
            Key(
                "prefixes",
                ListOf(PREFIX, least=1, most=MOST),
                "What is reached by it; `0.0.0.0/0` is the default route.",
                required=True,
            ),
        ),
        _external,
    ),
    partial=True,
)
