"""``show access-lists``: every list with its entries' numbers, and how often each was met."""

from __future__ import annotations

from collections.abc import Iterator

from clos.fabric.sim.legacy.device import LegacyDevice
from clos.fabric.sim.legacy.grammar import Match
from clos.fabric.sim.legacy.show.words import text_of
from clos.fabric.sim.legacy.tree import starting


def access_lists(device: LegacyDevice, match: Match) -> str:
    """All lists, or the one that is named; remarks are not shown."""
    wanted = match.arguments[0] if match.arguments else None
    return text_of(
        line
        for kind, name, entries in sorted(_lists(device), key=lambda one: (one[0] != "Standard", _order(one[1])))
        if wanted is None or name == wanted
        for line in (f"{kind} IP access list {name}", *entries)
    )


def _order(name: str) -> tuple[bool, int, str]:
    return (not name.isdecimal(), int(name) if name.isdecimal() else 0, name)


def _lists(device: LegacyDevice) -> Iterator[tuple[str, str, list[str]]]:
    for line in starting(device.running, "ip access-list"):
        kind, name = line.words()[2:4]
        rows = [(entry.key, entry.text) for entry in line.children if not _remark(entry.text)]
        yield kind.capitalize(), name, list(_entries(device, kind, name, rows))
    numbered: dict[str, list[str]] = {}
    for line in starting(device.running, "access-list"):
        number, text = line.text.split(maxsplit=2)[1:]
        numbered.setdefault(number, []).append(text)
    for number, texts in numbered.items():
        kind = "standard" if int(number) < 100 else "extended"
        rows = [(str(10 * at), text) for at, text in enumerate(texts, 1) if not _remark(text)]
        yield kind.capitalize(), number, list(_entries(device, kind, number, rows))


def _entries(device: LegacyDevice, kind: str, name: str, rows: list[tuple[str, str]]) -> Iterator[str]:
    hits = device.machines.hits(name)
    for key, text in rows:
        count = hits.get(key, 0)
        met = f" ({count} match{'' if count == 1 else 'es'})" if count else ""
        yield f"    {key} {_shown(kind, text)}{met}"


def _remark(text: str) -> bool:
    return text.startswith("remark ")


def _shown(kind: str, text: str) -> str:
    """Standard entries with a wildcard are printed in words: ``permit 10.0.0.0, wildcard bits 0.0.0.255``."""
    words = text.split()
    if kind == "standard" and len(words) > 2 and words[1] not in {"any", "host"} and words[2] != "log":
        return " ".join([words[0], f"{words[1]},", "wildcard bits", *words[2:]])
    if kind == "standard" and words[1] == "host":
        return " ".join([words[0], *words[2:]])
    return text
