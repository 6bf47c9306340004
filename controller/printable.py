"""Text that people give, as it may be shown: what would move a cursor or colour a terminal is written as an escape.

Must not know: where it is shown.
"""

from __future__ import annotations


def escaped(text: str) -> str:
    """The text with every character that is not printable as Python writes it: ``\\n``, ``\\x1b``."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in text)


def one_line(text: str) -> str:
    """A text as one line that shows all of it, blanks aside.

    A reason with a line break in it could otherwise look like another entry of the history.
    """
    return escaped(" ".join(text.split()))
