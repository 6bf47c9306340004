"""One flow as ``ovs-ofctl`` prints it, as rules: one, or several that together do what it does.

Lives here: what stands before ``actions=``, and the flows that OpenFlow 1.3 can only say with two rules. Must not know:
lines, files, other flows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from clos.controller.dump.ovs_match import read_match
from clos.controller.dump.ovs_steps import Reader, UntoldTag, read_instructions
from clos.controller.dump.todo import Clause
from clos.controller.dump.words import Unread, clip, number
from clos.fabric.dataplane.match import Match
from clos.fabric.dataplane.rule import Instructions, Rule

_TOKEN = re.compile(r'([A-Za-z0-9_.]+)(?:=("(?:[^"\\]|\\.)*"|[^,\s"]*))?(?:[,\s]+|$)')
_NUMBERS = {"cookie": 64, "priority": 16, "idle_timeout": 16, "hard_timeout": 16, "importance": 16}
_FLAGS = {"send_flow_rem": 1, "check_overlap": 0, "reset_counts": 0, "no_packet_counts": 8, "no_byte_counts": 16}
"""OFPFF_*; those that only say how to add a flow are no part of it."""
_STATISTICS = {"duration", "n_packets", "n_bytes", "idle_age", "hard_age", "n_offload_packets", "n_offload_bytes"}


class FlowRule(NamedTuple):
    """A rule with what OpenFlow 1.3 has no word for. ``then``: what follows the tables that are called, one after the
    other. ``called``: its goto is a call, which may lead anywhere. ``clauses``: it only takes part in conjunctive
    matches; ``conj_id``: it is what becomes of packets that one takes."""

    rule: Rule
    then: tuple[Instructions, ...] = ()
    called: bool = False
    clauses: tuple[Clause, ...] = ()
    conj_id: int | None = None


def read_flow(text: str, reader: Reader) -> list[FlowRule]:
    """The rules of a line. Raises Unread."""
    words, rest = _words(text)
    said: dict[str, int] = {}
    flags = 0
    match: list[tuple[str, str]] = []
    for name, word in words:
        if name == "table":
            said[name] = reader.table(word, "table")
        elif name in _NUMBERS:
            said[name] = number(word, _NUMBERS[name], name)
        elif name in _FLAGS and not word:
            flags |= _FLAGS[name]
        elif name not in _STATISTICS:
            match.append((name, word))
    timeouts = said.get("idle_timeout", 0), said.get("hard_timeout", 0)
    head = said.get("table", 0), said.get("priority", 32768)
    tail = said.get("cookie", 0), *timeouts, flags
    return [
        FlowRule(Rule(*head, taken, todo, *tail), then, called, clauses, conj_id)
        for taken, todo, then, called, clauses, conj_id in _made(match, rest, reader)
    ]


_Made = tuple[Match, Instructions, tuple[Instructions, ...], bool, tuple[Clause, ...], int | None]


def _made(words: list[tuple[str, str]], rest: str, reader: Reader) -> Iterator[_Made]:
    found = read_match(words, reader, reader.assume)
    if found.foreign:
        end = reader.end(f"match on {found.foreign[0]}")
        yield found.whole, Instructions(apply=(end,)), (), False, (), found.conj_id
        return
    try:
        todo = read_instructions(rest, reader, found.plain, found.looked)
    except UntoldTag:
        if found.plain.get("vlan_vid") is not None:
            raise
        for tag in ("0x0000/0x1fff", "0x1000/0x1000"):
            yield from _made([*words, ("vlan_tci", tag)], rest, reader)
        return
    first, *then = todo.parts
    yield found.whole, first, tuple(then), todo.called, todo.clauses, found.conj_id


def _words(text: str) -> tuple[list[tuple[str, str]], str]:
    """The (name, value) pairs before ``actions=``, and what follows it. Raises Unread."""
    found: list[tuple[str, str]] = []
    at = 0
    while not text.startswith("actions=", at):
        token = _TOKEN.match(text, at)
        if token is None:
            raise Unread(f"{clip(text[at:]) or 'the end of the line'}: not a field, or no actions after it")
        found.append((token[1], token[2] or ""))
        at = token.end()
    return found, text[at + len("actions=") :]
