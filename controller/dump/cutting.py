"""Lists of words cut at their commas, but for those in parentheses and quotes: one walk over the text, no search.

Must not know: what words mean.
"""

from __future__ import annotations

from collections.abc import Iterator

from clos.controller.dump.words import Unread, clip


def parts(text: str) -> list[str]:
    """The words of a list. Raises Unread for an empty one, and for quotes and parentheses that do not close."""
    found: list[str] = []
    start = 0
    for at in (*_commas(text), len(text)) if text else ():
        word = text[start:at].strip()
        if not word:
            raise Unread(f"{clip(text[start:])}: quotes or parentheses that do not close, or an empty word")
        found.append(word)
        start = at + 1
    return found


def _commas(text: str) -> Iterator[int]:
    """Where the commas are that part words."""
    depth, quoted, escaped, opened = 0, False, False, 0
    for at, sign in enumerate(text):
        if escaped:
            escaped = False
        elif quoted:
            quoted, escaped = sign != '"', sign == "\\"
        elif sign == '"':
            quoted, opened = True, at if not depth else opened
        elif sign == "(":
            depth, opened = depth + 1, at if not depth else opened
        elif sign == ")":
            depth -= 1
            if depth < 0:
                break
        elif sign == "," and not depth:
            yield at
    if depth or quoted:
        raise Unread(f"{clip(text[opened:])}: quotes or parentheses that do not close, or an empty word")
