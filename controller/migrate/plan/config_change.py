"""A running configuration after lines that were typed, and the lines that take them back.

Lives here: statements by section, what a line replaces, and its inverse. Must not know: plans, sessions. Secrets are
removed from configurations before they come here, so a statement with a secret can be added and never restored: such
lines are refused. ``after(after(config, lines), inverse(config, lines)) == config``, whatever the order of statements.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from clos.controller.migrate.discover.config.tree import Node, parse
from clos.controller.migrate.discover.names import vlan_set, vlan_text
from clos.controller.migrate.model import EVERY_VLAN

_ALLOWED = "switchport trunk allowed vlan"
_SECTIONS = re.compile(r"interface \S+|vlan \d+|router eigrp \d+|ip access-list extended \S+")
"""Statements of the outermost level that others may stand below, in what plans type."""
_SINGLE = (
    r"description", r"switchport mode", r"switchport access vlan", r"switchport trunk encapsulation",
    r"switchport trunk native vlan", r"switchport trunk allowed vlan", r"spanning-tree cost", r"spanning-tree guard",
    r"spanning-tree vlan \S+ cost", r"spanning-tree vlan \S+ priority", r"spanning-tree portfast",
    r"spanning-tree bpduguard", r"spanning-tree link-type", r"ip address(?! \S+ \S+ secondary)",
    r"ip access-group \S+(?= (?:in|out))", r"standby version", r"standby \d+ priority", r"standby \d+ preempt",
    r"standby \d+ ip(?! \S+ secondary)", r"standby \d+ timers", r"name", r"ip authentication mode eigrp \d+",
    r"ip authentication key-chain eigrp \d+", r"delay", r"bandwidth",
)  # fmt: skip
"""Statements that replace the one with the same first words; every other line stands beside its like."""
_STEM = re.compile("|".join(f"(?:{stem})" for stem in _SINGLE))
_SHOWN_AS_NO = re.compile(r"passive-interface (?!default).*|ip redirects|ip proxy-arp|switchport")
"""Statements that are the default: running configurations show their negation."""
_REMOVED = "<removed>"


class NoInverse(ValueError):
    """A line whose way back is not known; says which and why."""


Section = Mapping[str, None]


@dataclass
class _Config:
    """Statements of the outermost level, and those below sections; both in the order in which they came."""

    top: dict[str, None] = field(default_factory=dict)
    sections: dict[str, dict[str, None]] = field(default_factory=dict)

    @classmethod
    def read(cls, text: str) -> _Config:
        found = cls()
        for node in parse(text):
            found.top[node.text] = None
            if node.children:
                found.sections.setdefault(node.text, {}).update(dict.fromkeys(_below(node)))
        return found


def _below(node: Node, indent: str = "") -> Iterator[str]:
    for child in node.children:
        yield indent + child.text
        yield from _below(child, indent + " ")


def after(config: str, lines: Iterable[str]) -> str:
    """The running configuration with the lines typed. Raises NoInverse for lines that are not known."""
    return _text(_typed(_Config.read(config), lines)[0])


def inverse(config: str, lines: Iterable[str]) -> tuple[str, ...]:
    """What takes the lines back, the last one first. Raises NoInverse."""
    found = _typed(_Config.read(config), lines)[1]
    back: list[str] = []
    current = ""
    made = {line[3:] for section, line in found if not section and line.startswith("no ")}
    for section, line in reversed(found):
        if section in made:
            continue
        if section and section != current:
            back.append(section)
        back.append(f" {line}" if section else line)
        current = section
    return tuple(back)


def same(one: str, other: str) -> bool:
    """Whether two configurations say the same, the order of statements aside."""
    a, b = _Config.read(one), _Config.read(other)
    return set(a.top) == set(b.top) and {k: set(v) for k, v in a.sections.items() if v} == {
        k: set(v) for k, v in b.sections.items() if v
    }


def _text(config: _Config) -> str:
    lines = []
    for statement in config.top:
        lines += [statement, *(f" {line}" for line in config.sections.get(statement, ()))]
    return "\n".join(lines) + "\n"


def _typed(config: _Config, lines: Iterable[str]) -> tuple[_Config, list[tuple[str, str]]]:
    """The configuration after the lines, and for each change its inverse with the section that it is typed in."""
    back: list[tuple[str, str]] = []
    section = ""
    for line in lines:
        text = line.strip()
        if line.startswith(" "):
            if not section:
                raise NoInverse(f"{line!r} stands in no section")
            back += [(section, each) for each in _in_section(config.sections[section], text)]
        elif text.startswith("no ") and _SECTIONS.fullmatch(text[3:]):
            _remove(config, text[3:], back)
            section = ""
        elif _SECTIONS.fullmatch(text):
            section = text
            if text not in config.top:
                back.append(("", f"no {text}"))
                config.top[text] = None
            config.sections.setdefault(text, {})
        else:
            section = ""
            back += [("", each) for each in _in_section(config.top, text)]
    return config, back


def _remove(config: _Config, section: str, back: list[tuple[str, str]]) -> None:
    if section not in config.top:
        return
    statements = list(config.sections.pop(section, {}))
    if any(_REMOVED in each for each in statements):
        raise NoInverse(f"no {section}: it has secrets, which cannot be typed again")
    back += [(section, each) for each in reversed(statements)] or [("", section)]
    del config.top[section]


def _in_section(section: dict[str, None], text: str) -> list[str]:
    """Types one statement; gives back what undoes it, in the order in which it is to be reversed."""
    if text.startswith(_ALLOWED):
        text = _allowed(section, text)
    negated = text.startswith("no ")
    positive = text[3:] if negated else text
    if _SHOWN_AS_NO.fullmatch(positive):
        return _shown_as_no(section, positive, negated)
    stem = _stem(positive)
    before = next((each for each in section if stem and _stem(each) == stem), None)
    if before is None and positive in section:
        before = positive
    if before is not None and _REMOVED in before:
        raise NoInverse(f"{text}: {before!r} holds a secret, which cannot be typed again")
    if negated:
        return _negated(section, positive, before)
    if before == text:
        return []
    _swap(section, before, text)
    if before is not None and stem:
        return [before]
    return [f"no {_short(text, stem)}"]


def _shown_as_no(section: dict[str, None], positive: str, negated: bool) -> list[str]:
    """A statement whose negation is what is shown, or (an interface that is passive alone) itself."""
    no = f"no {positive}"
    if negated and positive in section:
        del section[positive]
        return [positive]
    if negated and no not in section:
        section[no] = None
        return [positive]
    if not negated and no in section:
        del section[no]
        return [no]
    return []


def _negated(section: dict[str, None], positive: str, before: str | None) -> list[str]:
    if before is None:
        return []
    if not _stem(positive) and before != positive:
        return []
    del section[before]
    return [before]


def _swap(section: dict[str, None], before: str | None, text: str) -> None:
    if before is None:
        section[text] = None
        return
    items = [text if each == before else each for each in section]
    section.clear()
    section.update(dict.fromkeys(items))


def _stem(statement: str) -> str:
    match = _STEM.match(statement)
    if match is None:
        return ""
    if match[0].startswith("ip access-group"):
        return f"ip access-group {statement.rsplit(maxsplit=1)[-1]}"
    return match[0]


def _short(text: str, stem: str) -> str:
    """What a negation names: the whole statement, or its first words where IOS takes these."""
    return stem if stem in (_ALLOWED, "description") else text


def _allowed(section: Mapping[str, None], text: str) -> str:
    """``add`` and ``remove`` as the list that comes of them, as a running configuration has it."""
    rest = text.removeprefix(_ALLOWED).strip()
    word, _, vlans = rest.partition(" ")
    if word not in ("add", "remove", "except"):
        return text
    before = next((each for each in section if each.startswith(_ALLOWED)), None)
    have = _listed(before.removeprefix(_ALLOWED).strip()) if before else EVERY_VLAN
    named = vlan_set(vlans)
    want = {"add": have | named, "remove": have - named, "except": EVERY_VLAN - named}[word]
    return f"no {_ALLOWED}" if want == EVERY_VLAN else f"{_ALLOWED} {_written(want)}"


def _written(vlans: frozenset[int]) -> str:
    """As IOS writes them: two that follow one another are no range, ``99,100``."""
    pair = re.compile(r"(\d+)-(\d+)")
    return pair.sub(lambda m: f"{m[1]},{m[2]}" if int(m[2]) == int(m[1]) + 1 else m[0], vlan_text(vlans))


def _listed(text: str) -> frozenset[int]:
    return frozenset() if text == "none" else EVERY_VLAN if text == "all" else frozenset(vlan_set(text))
