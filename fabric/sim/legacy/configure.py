"""What a configuration line does to a running configuration.

Lives here: from a line typed in a mode to a new tree, the next mode and IOS' answer. Pure: gives values, changes none.
Must not know: sessions, prompts' names, what the setting does to the network.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from clos.fabric.sim.legacy.grammar import INVALID, Match, Refusal
from clos.fabric.sim.legacy.modes import MODES
from clos.fabric.sim.legacy.names import full_name
from clos.fabric.sim.legacy.settings.access_lists import remove_entry, resequence, set_entry
from clos.fabric.sim.legacy.settings.interfaces import set_address, set_channel, set_group, set_interface
from clos.fabric.sim.legacy.settings.lines import set_default_on, set_hostname, set_line, set_passive, set_secret
from clos.fabric.sim.legacy.settings.request import Chassis, Request, Result, row_of
from clos.fabric.sim.legacy.settings.vlans import set_access, set_by_vlan, set_root, set_trunk, set_vlan
from clos.fabric.sim.legacy.tree import Path, Tree
from clos.fabric.sim.legacy.vlans import read_vlans


@dataclass(frozen=True, slots=True)
class Context:
    """Where a session configures: a mode, and the blocks that its lines go to (several after ``interface range``)."""

    mode: str = "global"
    paths: tuple[Path, ...] = ((),)
    title: str | None = None
    """The prompt's word where it is not the mode's (``config-if-range``)."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a line did: the configuration and the modes afterwards (the innermost last), IOS' answer, or its refusal."""

    tree: Tree
    stack: tuple[Context, ...]
    answer: str = ""
    refusal: Refusal | None = None

    @property
    def refused(self) -> bool:
        return self.refusal is not None or self.answer.startswith("%")

    @property
    def words(self) -> str:
        """What it says, in one line."""
        return self.answer or (self.refusal.text if self.refusal else "")


def configure(tree: Tree, stack: tuple[Context, ...], line: str, chassis: Chassis) -> Outcome:
    """Do one line.

    A line that the mode does not take is tried in the modes around it, as IOS does; the refusal is the inner mode's."""
    text, negated, shift = _negation(line)
    first: Refusal | None = None
    for depth in range(len(stack), 0, -1):
        context = stack[depth - 1]
        mode = MODES[context.mode]
        if (
            mode.closing
            and len(text.strip()) > 5
            and mode.closing.startswith(text.strip())
            and text.strip() != "exit-a"
        ):
            return Outcome(tree, stack[: depth - 1])
        match = mode.table.match(text, negated)
        if isinstance(match, Match):
            return _done(tree, stack[:depth], match, negated, chassis, shift)
        first = first or match
    assert first is not None
    column = None if first.column is None else first.column + shift
    return Outcome(tree, stack, refusal=Refusal(_quoted(first.text, line), column))


def _quoted(text: str, line: str) -> str:
    return re.sub(r'"[^"]*"', lambda _: f'"{line.strip()}"', text)


def _negation(line: str) -> tuple[str, bool, int]:
    """The line without ``no`` or ``default``, whether one of them stood there, and how many letters went."""
    match = re.match(r"\s*(no|default)\s+(?=\S)", line, re.IGNORECASE)
    return (line[match.end() :], True, match.end()) if match else (line, False, 0)


def _done(tree: Tree, stack: tuple[Context, ...], match: Match, negated: bool, chassis: Chassis, shift: int) -> Outcome:
    if match.row.how in {"range", "vlans"}:
        return _several(tree, stack, match, negated, chassis, shift)
    answers: list[str] = []
    for path in stack[-1].paths:
        tree, answer = HOW[match.row.how](Request(match, tree, path, negated, chassis))
        if answer == INVALID:
            return Outcome(tree, stack, refusal=Refusal(INVALID, shift + len(match.words[0]) + 1))
        answers += [answer] if answer and answer not in answers else []
    if match.row.mode and not negated:
        inner = Context(match.row.mode, tuple((*path, match.key) for path in stack[-1].paths))
        stack = (*stack, inner)
    return Outcome(tree, stack, "".join(answers))


def _several(
    tree: Tree, stack: tuple[Context, ...], match: Match, negated: bool, chassis: Chassis, shift: int
) -> Outcome:
    """``interface range`` and ``vlan 10,20``: one block for each of what they name."""
    ranged = match.row.how == "range"
    names = (
        _range(match.arguments[0]) if ranged else [str(vlan) for vlan in sorted(read_vlans(match.arguments[0]) or ())]
    )
    if not names:
        return Outcome(tree, stack, refusal=Refusal(INVALID, shift + len("interface range ")))
    paths: list[Path] = []
    for name in names:
        words = ("interface" if ranged else "vlan", name)
        one = replace(match, words=words, key_words=2, arguments=(name,), index=row_of(words[0] + "s" * (not ranged)))
        tree, answer = (set_interface if ranged else set_vlan)(Request(one, tree, (), negated, chassis))
        if answer:
            return Outcome(tree, stack, refusal=Refusal(INVALID, shift + len("interface range ")))
        paths.append((one.key,))
    if negated:
        return Outcome(tree, stack)
    return Outcome(tree, (*stack, Context(match.row.mode or "", tuple(paths), "config-if-range" if ranged else None)))


def _range(text: str) -> list[str]:
    """``gi1/0/1 - 4 , te1/1/1`` as names; [] where it is no range."""
    names: list[str] = []
    for part in text.split(","):
        first, dash, last = part.partition(" - ") if " - " in part else _dashed(part)
        name = full_name(first)
        if name is None or (dash and not last.strip().isdecimal()):
            return []
        stem, number = re.split(r"(?<=\D)(?=\d+\Z)", name, maxsplit=1)
        names += [f"{stem}{index}" for index in range(int(number), int(last or number) + 1)]
    return names


def _dashed(part: str) -> tuple[str, str, str]:
    match = re.match(r"(.*\d)\s*-\s*(\d+)\s*\Z", part)
    return (match[1], "-", match[2]) if match else (part, "", "")


HOW: dict[str, Callable[[Request], Result]] = {
    "set": set_line,
    "on": set_default_on,
    "passive": set_passive,
    "each": set_by_vlan,
    "root": set_root,
    "trunk": set_trunk,
    "access": set_access,
    "interface": set_interface,
    "address": set_address,
    "group": set_group,
    "channel": set_channel,
    "hostname": set_hostname,
    "secret": set_secret,
    "list": set_line,
    "entry": set_entry,
    "numbered": remove_entry,
    "resequence": resequence,
}
"""What a row's ``how`` names."""
