"""What a plan means, as lines: the sentences of a difference, the first ten unless all are wanted.

Lives here: the text of a difference in its JSON form, made here or by the controller. Must not know: intents, rules.
"""

from __future__ import annotations

from collections.abc import Iterator

from rich.text import Text

from controller.cli.answer import Json

FIRST = 10
"""Lines shown by default."""

STYLE = {"permits": "green", "refuses": "red"}


def difference_lines(found: Json, every: bool = False) -> Iterator[Text | str]:
    """One line per sentence, and what else there is: nothing, or more lines."""
    sentences = found["sentences"]
    if not sentences:
        yield _capital(found["text"]) + "."
    else:
        yield "What changes:"
    shown = sentences if every else sentences[:FIRST]
    yield from (Text(f"  {one['text']}", STYLE.get(one["kind"], "")) for one in shown)
    if len(shown) < len(sentences):
        yield f"  and {len(sentences) - len(shown):,} more (--all)"
    elif sentences:
        yield "  nothing else changes"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
