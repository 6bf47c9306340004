"""Running configurations compared: what was there before, what we changed, what somebody else did.

Lives here: statements with the sections that they stand in, their digest, differences, and which of them lines of ours
explain. Must not know: sessions, plans. Secrets are out of the text before it comes here; their change is not seen.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from clos.controller.migrate.discover.config.tree import Node, parse
from clos.controller.migrate.discover.names import interface_name

Statement = tuple[str, ...]
"""A statement, the sections that it stands in before it."""

_ORDERED = re.compile(r"(?:ip |ipv6 )?access-list\b|route-map\b|policy-map\b|ip prefix-list\b|object-group\b")
"""Sections in which the order of lines counts."""
_VOLATILE = re.compile(r"ntp clock-period \d+|version \S+|boot-(?:start|end)-marker|exit-\S+|exit|quit")
"""Statements that devices change by themselves, or that only close a section."""


class Difference(NamedTuple):
    """What is there now and was not, and what was there and is not."""

    added: tuple[Statement, ...]
    removed: tuple[Statement, ...]

    def __bool__(self) -> bool:
        return bool(self.added or self.removed)

    def lines(self) -> tuple[str, ...]:
        """For people: ``+ interface Vlan10 / description x``."""
        return (
            *(f"+ {' / '.join(each)}" for each in self.added),
            *(f"- {' / '.join(each)}" for each in self.removed),
        )


def statements(text: str) -> tuple[Statement, ...]:
    """All statements of a running configuration, sorted; in sections where order counts each has its place."""
    return tuple(sorted(_flat(parse(text), ())))


def digest(text: str) -> str:
    """Equal for configurations that say the same, volatile lines aside."""
    said = "\n".join("\t".join(each) for each in statements(text))
    return hashlib.blake2b(said.encode(), digest_size=16).hexdigest()


def difference(before: str, after: str) -> Difference:
    """What has changed between two running configurations."""
    old, new = Counter(statements(before)), Counter(statements(after))
    return Difference(tuple(sorted((new - old).elements())), tuple(sorted((old - new).elements())))


def unexplained(found: Difference, lines: Iterable[str]) -> Difference:
    """The part of a difference that these lines of ours cannot have made.

    A statement is explained where one of the lines, in the same section, begins with the same words. So what somebody
    else did to the very setting that we set counts as ours: that is compared with what is wanted, elsewhere.
    """
    ours = frozenset(_touched(lines))

    def foreign(part: tuple[Statement, ...]) -> tuple[Statement, ...]:
        return tuple(each for each in part if not any(key in ours for key in _keys(each)))

    return Difference(foreign(found.added), foreign(found.removed))


def _flat(nodes: Iterable[Node], above: Statement) -> Iterator[Statement]:
    for number, node in enumerate(nodes):
        if _VOLATILE.fullmatch(node.text):
            continue
        place = f"{number:04d}" if above and _ORDERED.match(above[-1]) else ""
        here = (*above, node.text) if not place else (*above, place, node.text)
        yield here
        yield from _flat(node.children, (*above, node.text))


_ALL = "all of"


def _keys(statement: Statement) -> Iterator[tuple[str, str]]:
    """By what a line could explain it: section and first words, or a line that takes the whole section away."""
    top = _canonical(statement[0])
    yield ("" if len(statement) == 1 else top, _stem(statement[-1]))
    yield (_ALL, top)


def _touched(lines: Iterable[str]) -> Iterator[tuple[str, str]]:
    """The keys that lines explain. What is not indented may belong to the section before it, as IOS takes it."""
    sections: tuple[str, ...] = ()
    for line in lines:
        text, negated = _positive(line)
        yield from ((section, _stem(text)) for section in sections)
        if line[:1] == " " and sections:
            continue
        opened = tuple(_each(text)) if _opens(text) else ()
        yield from (("", _stem(each)) for each in opened or (text,))
        yield from ((_ALL, each) for each in opened if negated)
        sections = opened or sections


def _each(text: str) -> Iterator[str]:
    """The sections that a line opens: ``vlan 10,20-22`` is one for each."""
    words = text.split()
    if words[0].lower() != "vlan" or len(words) != 2:
        yield _canonical(text)
        return
    for part in words[1].split(","):
        first, _, last = part.partition("-")
        if first.isdecimal() and (last or first).isdecimal():
            yield from (f"vlan {vlan}" for vlan in range(int(first), int(last or first) + 1))


_SECTIONS = re.compile(r"(?:interface|router|vlan|ip access-list|route-map|object-group|key chain|address-family)\b")


def _opens(text: str) -> bool:
    """Whether the line is one that others stand below; opened, it explains itself and not what it holds."""
    return bool(_SECTIONS.match(text))


def _positive(line: str) -> tuple[str, bool]:
    text = line.strip()
    for word in ("no ", "default "):
        if text.startswith(word):
            return text[len(word) :].strip(), True
    return text, False


def _stem(text: str) -> str:
    """The first two words, or the one there is; of a section's line all of it."""
    text = _positive(text)[0]
    return _canonical(text) if _opens(text) else " ".join(text.lower().split()[:2])


def _canonical(text: str) -> str:
    """A section's line with the interface spelled out: ``interface Gi1/0/1`` is ``interface GigabitEthernet1/0/1``."""
    kind, _, rest = text.partition(" ")
    if kind.lower() == "interface":
        match = re.fullmatch(r"([A-Za-z-]+) ?(\d\S*)", rest.strip())
        name = f"{match[1].capitalize()}{match[2]}" if match else rest
        return f"interface {interface_name(name)}".lower()
    return " ".join(text.lower().split())
