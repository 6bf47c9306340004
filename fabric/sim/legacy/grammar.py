"""The commands of a mode as a table of patterns, and what IOS answers to a line that none of them takes.

Lives here: the patterns' language, matching with abbreviations, IOS' three errors. Must not know: what commands do.

A pattern is words and ``<arguments>`` (see ARGUMENTS), ``[optional parts]``, ``{choices | between | parts}``, and at
most one ``=``: what stands before it is the *key* of the setting, what follows its value. ``no`` needs only the key.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from ipaddress import AddressValueError, IPv4Address
from typing import Any, NamedTuple

from clos.fabric.sim.legacy.names import full_name
from clos.fabric.sim.legacy.vlans import read_vlans, write_vlans

INCOMPLETE = "% Incomplete command."
INVALID = "% Invalid input detected at '^' marker."

_TOKEN = re.compile(r"\S+")
_PATTERN = re.compile(r"<[^>]*>|[\[\]{}|=]|[^\s\[\]{}|=<>]+")


def _address(text: str) -> str | None:
    try:
        return str(IPv4Address(text))
    except AddressValueError:
        return None


def _vlans(text: str) -> str | None:
    vlans = read_vlans(text)
    return None if vlans is None else write_vlans(vlans)


def _mac(text: str) -> str | None:
    return text.lower() if re.fullmatch(r"[0-9a-fA-F]{4}(\.[0-9a-fA-F]{4}){2}", text) else None


PORTS = {
    20: "ftp-data", 21: "ftp", 22: "22", 23: "telnet", 25: "smtp", 49: "tacacs", 53: "domain", 67: "bootps",
    68: "bootpc", 69: "tftp", 80: "www", 110: "pop3", 123: "ntp", 161: "snmp", 162: "snmptrap", 179: "bgp",
    514: "syslog",
}  # fmt: skip
"""Ports that IOS writes by name."""
_PORT_NUMBERS = {name: number for number, name in PORTS.items()}


def _port(text: str) -> str | None:
    if text.lower() in _PORT_NUMBERS:
        return text.lower()
    return PORTS.get(int(text), str(int(text))) if text.isdecimal() and int(text) <= 65535 else None


ARGUMENTS: dict[str, Callable[[str], str | None]] = {
    "word": lambda text: text,
    "ip": _address,
    "vlans": _vlans,
    "interface": full_name,
    "mac": _mac,
    "port": _port,
}
"""By name: what makes a typed word canonical, or None where it is not one. ``<1-4094>`` is a number in that range;
``<line>`` is all that follows."""

_WORD, _TYPED, _ABBREVIATED, _EXACT = range(4)
"""How well a word fits a symbol; the best fits win."""


@dataclass(frozen=True, slots=True)
class Row:
    """A command. ``mode``: the mode that it enters; ``how``: what becomes of its line (see configure.py), or for an
    exec command the name of what it does (see exec.py)."""

    pattern: str
    how: str = "set"
    mode: str | None = None


@dataclass(frozen=True, slots=True)
class Match:
    """A line that a command took: its words in full, how many of them are the key, and its arguments in order."""

    row: Row
    index: int
    words: tuple[str, ...]
    key_words: int
    arguments: tuple[str, ...]

    @property
    def text(self) -> str:
        return " ".join(self.words)

    @property
    def key(self) -> str:
        return " ".join(self.words[: self.key_words])


class Refusal(NamedTuple):
    """What IOS answers; ``column``: where in the line the marker stands, None for the other two errors."""

    text: str
    column: int | None = None

    def answer(self, prompt: int) -> str:
        """The lines that appear below a prompt of this length."""
        if self.column is None:
            return self.text + "\n\n"
        return " " * (prompt + self.column) + "^\n" + self.text + "\n\n"


@dataclass(slots=True)
class _State:
    """A place in the patterns: what may come next, what is reached without a word, and the command that ends here."""

    moves: list[tuple[str, _State]] = field(default_factory=list)
    free: list[_State] = field(default_factory=list)
    key_ends: bool = False
    end: int | None = None


class _Live(NamedTuple):
    state: _State
    words: tuple[str, ...]
    arguments: tuple[str, ...]
    key_words: int | None


KEPT = 4096
"""Lines whose matches a table remembers: devices of one network have most of their lines in common."""


class Table:
    """A mode's commands, ready to match lines."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self.rows = tuple(rows)
        self._start = _State()
        for index, row in enumerate(self.rows):
            last = _build(iter(_PATTERN.findall(row.pattern)), self._start)
            last.end = index
        self._all = list(_closure([_Live(self._start, (), (), None)]))
        self._known: dict[tuple[str, bool], Match | Refusal] = {}
        self._by_letter: dict[str, list[_Live]] = {}

    def match(self, line: str, negated: bool = False) -> Match | Refusal:
        """The command that takes this line, or why IOS takes none. ``negated``: after ``no``, values may be missing."""
        known = self._known.get((line, negated))
        if known is None:
            known = self._match(line, negated)
            if len(self._known) < KEPT:
                self._known[line, negated] = known
        return known

    def _match(self, line: str, negated: bool) -> Match | Refusal:
        tokens = [(token.group(), token.start()) for token in _TOKEN.finditer(line)]
        live = self._beginning(tokens[0][0][0].lower()) if tokens else self._all
        at = 0
        while at < len(tokens):
            step = _step(live, [token for token, _ in tokens[at:]], line[tokens[at][1] :].rstrip())
            if isinstance(step, str):
                return Refusal(f'% Ambiguous command:  "{line.strip()}"')
            if step is None:
                return Refusal(INVALID, tokens[at][1] + _common(live if at else self._all, tokens[at][0]))
            live, used = step
            at += used
        return self._accepted(live, negated)

    def _beginning(self, letter: str) -> list[_Live]:
        """The places at which a line that begins with this letter can go on."""
        if letter not in self._by_letter:
            self._by_letter[letter] = [
                one
                for one in self._all
                if any(symbol[0] == "<" or symbol[0].lower() == letter for symbol, _ in one.state.moves)
            ]
        return self._by_letter[letter]

    def _accepted(self, live: Sequence[_Live], negated: bool) -> Match | Refusal:
        for one in live:
            if one.state.end is not None:
                return self._made(one, one.state.end)
        if negated:
            for one in live:
                if one.key_words is not None and (index := _some_end(one.state)) is not None:
                    return self._made(one, index)
        return Refusal(INCOMPLETE)

    def _made(self, one: _Live, index: int) -> Match:
        words = len(one.words) if one.key_words is None else one.key_words
        return Match(self.rows[index], index, one.words, words, one.arguments)


def _build(tokens: Iterator[str], start: _State) -> _State:
    """Add a sequence to the state; the state in which it ends. Stops at the bracket that closes it."""
    here = _State()
    start.free.append(here)
    for token in tokens:
        if token in "]}|":
            raise ValueError(f"unbalanced {token} in a pattern")
        if token in "[{":
            here = _build_choice(tokens, here, optional=token == "[")
        elif token == "=":
            after = _State(key_ends=True)
            here.free.append(after)
            here = after
        else:
            after = _State()
            here.moves.append((token, after))
            here = after
    return here


def _build_choice(tokens: Iterator[str], start: _State, optional: bool) -> _State:
    """The parts up to the closing bracket, each from ``start``; the state in which all of them end."""
    end = _State()
    closing, depth, parts = "]" if optional else "}", 0, [[]]  # type: tuple[str, int, list[list[str]]]
    for token in tokens:
        if depth == 0 and token == closing:
            break
        depth += (token in "[{") - (token in "]}")
        if depth == 0 and token == "|":
            parts.append([])
        else:
            parts[-1].append(token)
    for part in parts:
        _build(iter(part), start).free.append(end)
    if optional:
        start.free.append(end)
    return end


def _closure(live: Iterable[_Live]) -> Iterator[_Live]:
    """All places that are reached without a further word."""
    for one in live:
        words = len(one.words) if one.state.key_ends and one.key_words is None else one.key_words
        one = one._replace(key_words=words)
        yield one
        yield from _closure(one._replace(state=state) for state in one.state.free)


def _step(live: Sequence[_Live], tokens: Sequence[str], rest: str) -> tuple[list[_Live], int] | str | None:
    """The places after the next word and how many typed words it took; a string: more than one keyword was meant;
    None: there is no such word here."""
    best, found = -1, []  # type: tuple[int, list[tuple[_Live, str, str, int]]]
    for one in live:
        for symbol, _ in one.state.moves:
            fit, word, used = _fit(symbol, tokens, rest)
            if fit > best:
                best, found = fit, []
            if fit == best >= 0:
                found.append((one, symbol, word, used))
    if not found:
        return None
    if best == _ABBREVIATED and len({word for _, _, word, _ in found}) > 1:
        return "ambiguous"
    return list(_closure(_moves(found))), found[0][3]


def _moves(found: Iterable[tuple[_Live, str, str, int]]) -> Iterator[_Live]:
    for one, symbol, word, _ in found:
        arguments = (*one.arguments, word) if symbol.startswith("<") else one.arguments
        for name, state in one.state.moves:
            if name == symbol:
                yield _Live(state, (*one.words, word), arguments, one.key_words)


def _fit(symbol: str, tokens: Sequence[str], rest: str) -> tuple[int, str, int]:
    """How well the next word fits a symbol (negative: not), what it is in full, and how many typed words it takes."""
    token = tokens[0]
    if not symbol.startswith("<"):
        typed = token.lower()
        fit = _EXACT if symbol.lower() == typed else _ABBREVIATED if symbol.lower().startswith(typed) else -1
        return fit, symbol, 1
    name = symbol[1:-1]
    if name == "line":
        return _WORD, rest, len(tokens)
    if name == "interface" and len(tokens) > 1 and token.isalpha() and (two := full_name(token + tokens[1])):
        return _TYPED, two, 2
    word = _number(name, token) if name not in ARGUMENTS else ARGUMENTS[name](token)
    return (-1, "", 1) if word is None else (_WORD if name == "word" else _TYPED, word, 1)


def _number(limits: str, token: str) -> str | None:
    low, _, high = limits.partition("-")
    return str(int(token)) if token.isdecimal() and int(low) <= int(token) <= int(high) else None


def _common(live: Iterable[_Live], token: str) -> int:
    """How many of the token's letters some keyword begins with, less than all of them: IOS' marker stands there."""
    words = [symbol.lower() for one in live for symbol, _ in one.state.moves if not symbol.startswith("<")]
    typed, length = token.lower(), 0
    while length < len(typed) - 1 and any(word.startswith(typed[: length + 1]) for word in words):
        length += 1
    return length


def _some_end(state: _State) -> int | None:
    """A command that can follow from here."""
    pending: list[Any] = [state]
    seen: set[int] = set()
    while pending:
        one = pending.pop()
        if one.end is not None:
            return int(one.end)
        if id(one) not in seen:
            seen.add(id(one))
            pending += [*one.free, *(after for _, after in one.moves)]
    return None
