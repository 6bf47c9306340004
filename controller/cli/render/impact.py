"""What a plan means, as lines: the sentences of a difference, the first ten unless all are wanted.

Lives here: the text of a difference in its JSON form, made here or by the controller. Must not know: intents, rules.
"""

from __future__ import annotations

from collections.abc import Iterator

from rich.text import Text

from clos.controller.cli.answer import Json
from clos.controller.cli.render.text import count

FIRST = 10
"""Lines shown by default."""

STYLE = {"permits": "green", "refuses": "red"}


def difference_lines(found: Json, every: bool = False) -> Iterator[Text | str]:
    """One line per sentence, and what else there is: nothing, or more lines."""
    sentences, rules = found["sentences"], found["rules"]
    yield "What changes:"
    shown = sentences if every else sentences[:FIRST]
    yield from (Text(f"  {one['text']}", STYLE.get(one["kind"], "")) for one in shown)
    if len(shown) < len(sentences):
        yield f"  and {len(sentences) - len(shown):,} more (--all)"
    nothing = "nothing else changes" if sentences else "nothing changes for any packet"
    if rules["found"]:
        yield Text(f"  the rules change more than the intents, for {count(rules['found'], 'set')} of packets:", "red")
        yield from (Text(f"    {stray['text']}", "red") for stray in rules["strays"])
    elif rules["compared"]:
        other = "all other packets" if sentences else "all packets"
        yield f"  {nothing}: rules before and after treat {other} alike"
    else:
        yield f"  {nothing} by the intents (rules not compared: {rules['why']}; plan --untouched compares any number)"
