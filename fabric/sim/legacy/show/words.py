"""Small forms that several outputs share: MAC addresses, times, columns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator


def mac_text(mac: int) -> str:
    """``0011.2233.4455``."""
    text = f"{mac:012x}"
    return f"{text[:4]}.{text[4:8]}.{text[8:]}"


def uptime(seconds: int) -> str:
    """``1 hour, 20 minutes``; less than a minute is ``0 minutes``."""
    parts: list[str] = []
    left = seconds // 60
    for name, size in (("week", 10080), ("day", 1440), ("hour", 60), ("minute", 1)):
        count, left = divmod(left, size)
        if count or (name == "minute" and not parts):
            parts.append(f"{count} {name}{'' if count == 1 else 's'}")
    return ", ".join(parts)


def clock_time(seconds: int) -> str:
    """``00:01:12``, ``1d02h``, ``3w2d``: how long ago, as IOS' tables have it."""
    if seconds < 86400:
        return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    days, hours = seconds // 86400, seconds // 3600 % 24
    return f"{days}d{hours:02}h" if days < 7 else f"{days // 7}w{days % 7}d"


def listed(words: Iterable[str], indent: int, width: int = 80) -> Iterator[str]:
    """Words with commas in lines of this width, the second and later ones indented."""
    line = ""
    for word in words:
        if line and indent + len(line) + len(word) + 2 > width:
            yield line + ","
            line = word
        else:
            line = f"{line}, {word}" if line else word
    yield line


def text_of(lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in lines)
