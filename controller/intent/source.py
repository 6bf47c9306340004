"""Intent and topology files as texts, cut into documents.

Lives here: what may be read, how much of it, and where documents begin. Must not know: YAML's grammar, kinds, keys.
"""

from __future__ import annotations

import errno
import re
from bisect import bisect_right
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path as FilePath
from typing import NamedTuple

from clos.controller.input_file import LARGEST_DOCUMENT, read_input
from clos.controller.intent.model import Where
from clos.controller.intent.problem import Finding, Findings
from clos.controller.printable import escaped

MAX_BYTES = LARGEST_DOCUMENT
MAX_DOCUMENTS = 10_000
"""Limits of one file."""

_TOO_LARGE = f"larger than {MAX_BYTES // 1024**2} MiB: split it into several files"
_CUT = re.compile(r"^---(?=[ \t\n]|\Z)", re.MULTILINE)
_COMMENTS = re.compile(r"\s*(?:#.*\s*)*")
_FOREIGN = re.compile("[^\\t\\n -~\u00a0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")


class Text(NamedTuple):
    """A file's content that did not come from a file. ``name`` stands for the file in problems."""

    name: str
    text: str


Source = str | FilePath | Text
"""Where to read: a file, a directory (every ``*.yaml`` and ``*.yml`` below it), or the text itself."""


class Chunk(NamedTuple):
    """The text of one document; ``line`` is the line of the file it starts on, from 1."""

    file: str
    line: int
    text: str


class Cut(NamedTuple):
    """A text cut into documents, and what is wrong with it as a whole."""

    chunks: tuple[Chunk, ...]
    findings: tuple[Finding, ...]


def texts(source: Source, out: list[Finding]) -> Iterator[Text]:
    """The texts of a source, in order of file name. A file that cannot be read becomes a finding."""
    if isinstance(source, Text):
        yield source
        return
    path = FilePath(source)
    try:
        found = sorted(p for p in path.rglob("*") if p.suffix in {".yaml", ".yml"}) if path.is_dir() else [path]
        if not found:
            out.append(Finding(Where(escaped(str(path)), 1, 1), (), "no *.yaml files in this directory"))
        for file in found:
            name = escaped(str(file))
            if (text := _file(file, Findings(name, out))) is not None:
                yield Text(name, text)
    except (OSError, ValueError) as error:
        out.append(_unreadable(path, error))


def _unreadable(path: FilePath, error: Exception) -> Finding:
    nul = "\0" in str(path)  # each Python has words of its own for it
    reason = "a null character in its path" if nul else getattr(error, "strerror", None) or str(error)
    return Finding(Where(escaped(str(path)), 1, 1), (), f"cannot be read: {reason}")


def _file(path: FilePath, out: Findings) -> str | None:
    """The text of a file; None, and a finding, when it cannot be had."""
    try:
        data = read_input(path, MAX_BYTES)
        return data.decode("utf-8")
    except OSError as error:
        if error.errno == errno.EFBIG:
            out.say(1, 1, (), _TOO_LARGE)
        else:
            out.found.append(_unreadable(path, error))
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8")
        line, column = _position(before, len(before))
        out.say(line, column, (), f"byte {data[error.start]:#04x} is not UTF-8: save the file as UTF-8")
    return None


def cut(source: Text) -> Cut:
    """Cut at ``---`` lines: no YAML value reaches over one. Parts with no content but comments are left out."""
    out = Findings(source.name, [])
    found = tuple(_cut(source, out))
    return Cut(found, tuple(out.found))


def _cut(source: Text, out: Findings) -> Iterator[Chunk]:
    text = source.text.removeprefix("\ufeff").replace("\r\n", "\n")
    if len(text) > MAX_BYTES:
        out.say(1, 1, (), _TOO_LARGE)
        return
    if foreign := _FOREIGN.search(text):
        line, column = _position(text, foreign.start())
        out.say(line, column, (), f"the character U+{ord(foreign.group()):04X} is not allowed")
        return
    starts = [0, *(cut.start() for cut in _CUT.finditer(text) if cut.start()), len(text)]
    if len(starts) > MAX_DOCUMENTS:
        out.say(1, 1, (), f"more than {MAX_DOCUMENTS:,} documents in one file: split it")
        return
    line = 1
    for start, end in pairwise(starts):
        part = text[start:end]
        first = _content(part)
        if part[first : first + 1] == "%":
            place = _position(part, first)
            out.say(line + place[0] - 1, place[1], (), "YAML directives are not read: leave the % line out")
        elif first < len(part):
            yield Chunk(source.name, line, part)
        line += part.count("\n")


def _content(part: str) -> int:
    """Where a document begins, comments aside; its end when it is empty."""
    found = _COMMENTS.match(part, 3 if part.startswith("---") else 0)
    return found.end() if found else 0


def _position(text: str, index: int) -> tuple[int, int]:
    return text.count("\n", 0, index) + 1, index - text.rfind("\n", 0, index)


def chunk_at(ordered: list[Chunk], where: Where) -> Chunk | None:
    """The document of a file that a place lies in; ``ordered`` is sorted by file and line."""
    i = bisect_right(ordered, (where.file, where.line), key=lambda chunk: (chunk.file, chunk.line)) - 1
    return ordered[i] if i >= 0 and ordered[i].file == where.file else None
