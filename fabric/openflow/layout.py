"""Ways to lay out structures that many messages share: fixed fields, lists of records, texts.

Lives here: codecs made from a class and a struct format. Must not know: any particular message.
A codec packs a message to the bytes after its header and parses them again; for multipart messages ``more=`` is
passed through to the class.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields
from struct import Struct
from struct import error as StructError
from typing import Any, NamedTuple

from clos.fabric.openflow.errors import BadRequest, bad

UNFIT = (StructError, OverflowError, KeyError)
"""What packing raises for a value that does not fit its field, or is none the field can have."""


def unfit(what: object, problem: Exception) -> ValueError:
    """The ValueError that callers see instead of one of UNFIT."""
    return ValueError(f"{what}: a value that does not fit its field: {problem}")


class Codec(NamedTuple):
    """``pack(message) -> body`` and ``parse(body[, more=]) -> message``; ``entry`` packs one record of a list."""

    kind: type[Any]
    pack: Callable[[Any], bytes]
    parse: Callable[..., Any]
    entry: Callable[[Any], bytes] | None = None


def fixed(kind: type[Any], form: str) -> Codec:
    """A dataclass whose fields follow one another in a struct, one value each."""
    layout = Struct("!" + form)
    names = [field.name for field in fields(kind) if field.name != "more"]

    def pack(message: Any) -> bytes:
        return layout.pack(*[getattr(message, name) for name in names])

    def parse(body: bytes, **more: bool) -> Any:
        return kind(*unpack(layout, body, kind), **more)

    return Codec(kind, pack, parse)


def unpack(layout: Struct, data: bytes, kind: type[Any]) -> tuple[Any, ...]:
    """The struct that is exactly ``data``. Raises DecodeError (BAD_REQUEST/BAD_LEN)."""
    if len(data) != layout.size:
        raise bad(BadRequest.BAD_LEN, f"{kind.__name__} takes {layout.size} bytes after its header, not {len(data)}")
    return layout.unpack(data)


def opening(layout: Struct, data: bytes, kind: type[Any]) -> tuple[Any, ...]:
    """The struct ``data`` begins with. Raises DecodeError (BAD_REQUEST/BAD_LEN)."""
    if len(data) < layout.size:
        raise bad(BadRequest.BAD_LEN, f"{kind.__name__} takes at least {layout.size} bytes, not {len(data)}")
    return layout.unpack_from(data)


def records(kind: type[Any], record: type[Any], form: str) -> Codec:
    """A dataclass whose ``entries`` are NamedTuples of one size, one struct value for each of their fields."""
    layout = Struct("!" + form)

    def pack_entry(entry: Any) -> bytes:
        return layout.pack(*entry)

    def parse(body: bytes, **more: bool) -> Any:
        if len(body) % layout.size:
            raise bad(BadRequest.BAD_LEN, f"{kind.__name__}: {len(body)} bytes are no multiple of {layout.size}")
        return kind(tuple(map(record._make, layout.iter_unpack(body))), **more)

    return listed(kind, pack_entry, parse)


def listed(kind: type[Any], pack_entry: Callable[[Any], bytes], parse: Callable[..., Any]) -> Codec:
    """A dataclass whose body is its ``entries``, one after another."""

    def pack(message: Any) -> bytes:
        return b"".join(map(pack_entry, message.entries))

    return Codec(kind, pack, parse, pack_entry)


def sized(
    kind: type[Any], pack_entry: Callable[[Any], bytes], parse_entry: Callable[[bytes], Any], least: int, at: int = 0
) -> Codec:
    """A dataclass whose ``entries`` say their own length, 16 bits at offset ``at``, of at least ``least`` bytes."""

    def parse(body: bytes, **more: bool) -> Any:
        return kind(tuple(map(parse_entry, cut(body, kind.__name__, least, at))), **more)

    return listed(kind, pack_entry, parse)


def cut(data: bytes, name: str, least: int, at: int = 0) -> Iterator[bytes]:
    """The pieces of ``data``, each saying its length (16 bits at offset ``at``). Raises DecodeError."""
    start, end = 0, len(data)
    while start < end:
        size = int.from_bytes(data[start + at : start + at + 2], "big")
        if size < least or start + size > end:
            raise bad(BadRequest.BAD_LEN, f"{name}: an entry of {size} bytes with {end - start} left")
        yield data[start : start + size]
        start += size


def text_bytes(text: str, size: int) -> bytes:
    """A text as UTF-8 for a field of ``size`` bytes. Raises ValueError when it does not fit."""
    data = text.encode()
    if len(data) > size:
        raise ValueError(f"{text!r} is longer than the {size} bytes of its field")
    return data


def text_of(data: bytes) -> str:
    """The text before the first NUL, without what is not UTF-8."""
    return data.split(b"\0", 1)[0].decode(errors="ignore")
