"""Passwords as a person types them, or a program sends them to stdin; never on the command line, where others see it.

Must not know: what they are for.
"""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from clos.controller.cli.answer import failed, usage

FromStdin = Annotated[bool, typer.Option("--password-stdin", help="Read the password from stdin, its first line.")]


def known_password(name: str, stdin: bool) -> str:
    """A password that there is already."""
    return _read(f"Password of {name}", stdin)


def new_password(prompt: str, stdin: bool) -> str:
    """A new one, typed twice."""
    first = _read(prompt, stdin)
    if not stdin and _read("The same again", stdin) != first:
        raise failed("the two are not the same; nothing was changed")
    return first


def _read(prompt: str, stdin: bool) -> str:
    if stdin:
        return _utf8(sys.stdin.readline().rstrip("\r\n"))
    if not sys.stdin.isatty():
        raise usage("stdin is not a terminal: pass --password-stdin")
    import getpass  # noqa: PLC0415 - for those who are asked

    return _utf8(getpass.getpass(f"{prompt}: "))


def _utf8(word: str) -> str:
    """The word, which the controller can be sent. Raises Stop."""
    try:
        word.encode()
    except UnicodeEncodeError:
        raise usage("the password is not in UTF-8; type it on a terminal that is") from None
    return word
