"""Which rules packets have touched, and which lines of the documents are behind them.

Lives here: the account, by rule and by line; the file in which a test run leaves what it sent. Must not know: how
packets were sent, how the account is shown. A line is touched when a rule is met that its object causes; one whose
object causes no rule is in no account.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from clos.controller.compile import Origin
from clos.controller.input_file import NotJson, read_json
from clos.controller.intent.model import NOWHERE, Where
from clos.controller.probe.coverage import Entries
from clos.controller.probe.packets import Probe
from clos.fabric.packet.build import Packet, PacketError
from clos.fabric.topology import PortRef

Sent = tuple[PortRef, bytes]
"""A frame, and the host's port that it was sent at."""
VERSION = 1


class TouchedLine(NamedTuple):
    """An object of the documents: the rules that it causes, and how many of them were met."""

    path: str
    where: Where
    rules: int
    met: int


class Account(NamedTuple):
    """``met`` of ``rules`` rules on switches, by ``packets`` packets; ``tables``: the same (rules, met) by table."""

    packets: int
    rules: int
    met: int
    tables: Mapping[int, tuple[int, int]]
    lines: tuple[TouchedLine, ...]

    @property
    def touched(self) -> int:
        """The lines that are touched."""
        return sum(line.met > 0 for line in self.lines)

    @property
    def percent(self) -> float:
        """Of lines; 100 where there is none."""
        return 100 * self.touched / len(self.lines) if self.lines else 100.0


def account(entries: Entries, packets: Iterable[Sent], known: Mapping[int, Origin]) -> Account:
    """What these packets touch. ``known``: objects by the cookie of their rules. Raises KeyError: no such switch."""
    sent = tuple(packets)
    met = {number for at, frame in sent for number in entries.meet(Probe(at, Packet(frame), "")).met}
    return of_entries(entries, met, len(sent), known)


def of_entries(entries: Entries, met: Iterable[int], packets: int, known: Mapping[int, Origin]) -> Account:
    """The account of entries that were met, by their numbers."""
    hit = frozenset(met)
    tables: dict[int, tuple[int, int]] = {}
    lines: dict[int, tuple[int, int]] = {}
    for index, entry in enumerate(entries.rules):
        rule = entry.rule
        if rule is None:
            continue
        for held, key in ((tables, rule.table), (lines, rule.cookie)):
            rules, some = held.get(key, (0, 0))
            held[key] = rules + 1, some + (index in hit)
    shown = [
        TouchedLine(origin.path, origin.where, *lines[cookie])
        for cookie, origin in known.items()
        if cookie in lines and origin.where != NOWHERE
    ]
    shown.sort(key=lambda line: (line.where, line.path))
    every = len(entries.rules)
    return Account(packets, every, len([n for n in hit if n < every]), dict(sorted(tables.items())), tuple(shown))


# ---- what a run leaves


class BadRun(ValueError):
    """Not the file of a test run; the text says what is wrong with it."""


def run_text(sent: Iterable[Sent]) -> str:
    """The file of a run that sent these packets: each once, in order."""
    packets = [{"port": str(at), "frame": frame.hex()} for at, frame in sorted(set(sent))]
    return json.dumps({"clos_run": VERSION, "packets": packets}, indent=1) + "\n"


def read_run(text: str) -> list[Sent]:
    """The packets in the file of a run. Raises BadRun."""
    try:
        said = read_json(text)
    except NotJson as why:
        raise BadRun(str(why)) from None
    if not isinstance(said, dict) or said.get("clos_run") != VERSION or not isinstance(said.get("packets"), list):
        raise BadRun(f"not a file that pytest --clos-coverage wrote (clos_run {VERSION})")
    return [_sent(one) for one in said["packets"]]


def _sent(said: Any) -> Sent:
    try:
        switch, _, port = said["port"].rpartition(":")
        frame = bytes.fromhex(said["frame"])
        Packet.parse(frame)
        return PortRef(switch, int(port)), frame
    except (KeyError, TypeError, ValueError, AttributeError, PacketError) as why:
        raise BadRun(f"a packet without a port and a frame: {str(said)[:60]} ({why})") from None
