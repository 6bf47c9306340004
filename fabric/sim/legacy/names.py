"""Names of interfaces: what may be typed, how IOS spells them in full and in tables, and in which order they stand."""

from __future__ import annotations

import re

KINDS = {
    "FastEthernet": "Fa",
    "GigabitEthernet": "Gi",
    "TenGigabitEthernet": "Te",
    "Port-channel": "Po",
    "Vlan": "Vl",
    "Loopback": "Lo",
    "Serial": "Se",
    "Null": "Nu",
}
"""Kinds in the order of a running configuration's sections where that differs from this table: see ORDER."""
ORDER = (
    "Loopback",
    "Port-channel",
    "FastEthernet",
    "GigabitEthernet",
    "TenGigabitEthernet",
    "Serial",
    "Vlan",
    "Null",
)
_NAME = re.compile(r"([A-Za-z-]+)\s*(\d+(?:/\d+)*(?:\.\d+)?)\Z")


def full_name(text: str) -> str | None:
    """``gi1/0/1`` -> ``GigabitEthernet1/0/1``; None where it names no interface, or more than one kind."""
    match = _NAME.match(text.strip())
    if match is None:
        return None
    typed = match[1].lower()
    kinds = [kind for kind in KINDS if kind.lower().startswith(typed)]
    return kinds[0] + match[2] if len(kinds) == 1 else None


def split_name(name: str) -> tuple[str, str]:
    """``GigabitEthernet1/0/1`` -> its kind and its number."""
    digits = re.search(r"\d", name)
    cut = digits.start() if digits else len(name)
    return name[:cut], name[cut:]


def short_name(name: str) -> str:
    kind, number = split_name(name)
    return KINDS.get(kind, kind) + number


def name_order(name: str) -> tuple[int, ...]:
    kind, number = split_name(name)
    return (ORDER.index(kind) if kind in ORDER else len(ORDER), *(int(part) for part in re.split(r"[/.]", number)))
