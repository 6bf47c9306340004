"""Dumps of rules, from files or directories to values. Must not know: what is asked about them."""

from __future__ import annotations

import codecs
from collections.abc import Mapping, Sequence
from pathlib import Path

from clos.controller.cli.answer import usage
from clos.controller.cli.sources import unreadable
from clos.controller.dump import Dump, read_dump
from clos.controller.input_file import MIB, read_input, reason
from clos.controller.intent import Text

MAX_BYTES = 512 * MIB
"""Of one file: ten million flows are longer, and no switch has them."""


def read_whole(
    texts: Sequence[Text],
    dpids: Mapping[str, int],
    whole: bool = True,
    *,
    partial: bool = False,
    assume: int | None = None,
) -> Dump:
    """The dump. Raises Stop (UNCHECKED) with every problem: rules that cannot be read are neither right nor wrong.

    With ``partial``, what is not modelled is no problem. ``assume``: the ct_state of tracked packets.
    """
    dump, problems = read_dump(texts, dpids, whole, partial=partial, assume=assume)
    if dump is None:
        raise unreadable(problems)
    return dump


def dump_texts(paths: Sequence[Path]) -> list[Text]:
    """The files, and all files in the directories. Raises Stop for one that cannot be read."""
    found = []
    for path in paths:
        if not path.exists():
            raise usage(f"{path}: no such file or directory")
        files = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
        for file in files:
            try:
                found.append(Text(str(file), decoded(read_input(file, MAX_BYTES))))
            except (OSError, UnicodeDecodeError) as error:
                raise usage(f"{file}: cannot be read: {reason(error)}") from None
    return found


def decoded(data: bytes) -> str:
    """Text in UTF-8, or in UTF-16 where a byte-order mark says so: shells of Windows write files so. Raises
    UnicodeDecodeError."""
    marked = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    return data.decode("utf-16" if marked else "utf-8-sig")
