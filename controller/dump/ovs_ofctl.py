"""Text of ``ovs-ofctl dump-flows``, ``dump-groups``, ``dump-meters``; ``show`` or ``dump-ports-desc`` for port names.

Lives here: lines, and which switch they speak of. Must not know: files, other forms of dumps.
A file may hold several dumps, of several switches where lines say which: Mininet's ``*** leaf1 ---``, or the datapath
id that ``ovs-ofctl show`` prints. Source: ovs-ofctl(8), Open vSwitch 3.1.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

from clos.controller.dump.cutting import parts
from clos.controller.dump.held import Gathering
from clos.controller.dump.ovs_actions import read_actions
from clos.controller.dump.ovs_flow import read_flow
from clos.controller.dump.ovs_steps import Reader
from clos.controller.dump.words import NotModelled, Unread, clip, number, table_number
from clos.controller.intent.model import Where
from clos.fabric.dataplane import action as act
from clos.fabric.dataplane.action import Action
from clos.fabric.dataplane.rule import (
    ALL,
    FAST_FAILOVER,
    INDIRECT,
    SELECT,
    Band,
    Bucket,
    GroupEntry,
    Meter,
)

FLOW, GROUP, METER = "flow", "group", "meter"

_HEADER = re.compile(r"(OFPST_(?:FLOW|GROUP_DESC|METER_CONFIG|PORT_DESC|TABLE|TABLE_FEATURES)|NXST_FLOW) reply\b.*")
_FEATURES = re.compile(r"OFPT_FEATURES_REPLY\b.*\bdpid:([0-9a-fA-F]{16})\b.*")
_SWITCH = re.compile(r"\*\*\* ([^\s]+) -*")
_PORT = re.compile(r'\s+([0-9]{1,9}|[A-Z]+)\((?:"((?:[^"\\]|\\.)*)"|([^()]*))\): addr:.*')
_ABOUT_PORTS = re.compile(
    r"\s+(config|state|speed|current|advertised|supported|peer):.*|(n_tables|capabilities|actions):.*"
    r"|OFPT_GET_CONFIG_REPLY\b.*|\s*(frags|miss_send_len)=.*"
)
_TABLE = re.compile(r'\s*tables? ([0-9]{1,3})(?:\.\.\.[0-9]{1,3})?(?: \("([^"]*)"\))?:.*|\s+active=[0-9]+, lookup=.*')
_TYPES = {"all": ALL, "select": SELECT, "indirect": INDIRECT, "ff": FAST_FAILOVER, "fast_failover": FAST_FAILOVER}
_RESERVED = {name: port for port, name in act.PORT_NAMES.items()}


_GROUP_WORDS = {"group_id", "type", "selection_method", "selection_method_param"}
"""Of OpenFlow 1.5, too: how a switch selects is its own affair, for a proof looks at every choice."""


class Line(NamedTuple):
    """A line that says an entry, or a meter's line and those of its bands."""

    kind: str
    switch: str
    where: Where
    text: str


class Names:
    """Numbers of ports and tables by name, for each switch, as descriptions of ports and tables give them."""

    def __init__(self) -> None:
        self._ports: dict[str, dict[str, int]] = {}
        self._tables: dict[str, dict[str, int]] = {}

    def learn(self, switch: str, port: str, name: str) -> None:
        if port.isdecimal():
            self._ports.setdefault(switch, {})[name] = number(port, 32, "port")

    def learn_table(self, switch: str, number_: str, name: str) -> None:
        self._tables.setdefault(switch, {})[name] = int(number_)

    def table(self, switch: str, word: str, what: str) -> int:
        """Raises Unread for a name of which nothing says the number."""
        plain = word[1:-1] if word.startswith('"') else word
        known = self._tables.get(switch, {}).get(plain)
        return table_number(word, what) if known is None else known

    def port(self, switch: str, word: str) -> int:
        """Raises Unread for a name of which nothing says the number."""
        if word.isdecimal():
            return number(word, 32, "port")
        plain = re.sub(r"\\(.)", r"\1", word[1:-1]) if word.startswith('"') else word
        known = self._ports.get(switch, {})
        if plain in known:
            return known[plain]
        if word in _RESERVED:
            return _RESERVED[word]
        help_text = f"dump with --no-names, or add what ovs-ofctl dump-ports-desc {switch} prints"
        raise Unread(f"port {clip(plain) or 'missing'}: no number known for this name: {help_text}")


def read_text(text: str, file: str, switch: str, found: Gathering, names: Names) -> Iterator[Line]:
    """The lines that say entries, to be read by ``read_line`` once all port names are known.

    ``switch``: of which the file is a dump until a line says otherwise; "" when nobody knows.
    """
    meter: Line | None = None
    for row, line in enumerate(text.splitlines(), 1):
        where, plain = Where(file, row, 1 + len(line) - len(line.lstrip())), line.strip()
        if meter is not None and plain.startswith("type="):
            meter = meter._replace(text=f"{meter.text}\n{plain}")
            continue
        if meter is not None:
            yield meter
            meter = None
        if not plain or plain.startswith("#") or _ABOUT_PORTS.fullmatch(line) or plain == "cookie=":
            continue
        kind = _kind(plain)
        named = _named(line, found, where)
        switch = named if named is not None else switch
        if named is not None or _HEADER.fullmatch(plain):
            if switch:
                found.opened(switch)
        elif (port := _PORT.fullmatch(line)) is not None:
            names.learn(switch, port[1], port[2] if port[2] is not None else port[3])
            if port[1].isdecimal():
                found.described(switch, int(port[1]), where)
        elif (table := _TABLE.fullmatch(line)) is not None:
            if table[2] is not None:
                names.learn_table(switch, table[1], table[2])
        elif kind is None:
            found.say(where, f"{clip(plain)}: not a line of dump-flows, dump-groups, dump-meters or show")
        elif not switch:
            found.say(where, "of which switch is this? name the file after it: leaf1.flows, leaf1.groups")
            return
        elif kind == METER:
            meter = Line(kind, switch, where, plain)
        else:
            yield Line(kind, switch, where, plain)
    if meter is not None:
        yield meter


def _named(line: str, found: Gathering, where: Where) -> str | None:
    """The switch that a line names; "" for one that is not of this fabric."""
    mininet, features = _SWITCH.fullmatch(line.strip()), _FEATURES.fullmatch(line.strip())
    if mininet is not None:
        name = mininet[1] if mininet[1] in found.dpids else None
    elif features is not None:
        dpid = int(features[1], 16)
        name = next((one for one, held in found.dpids.items() if held == dpid), None)
    else:
        return None
    if name is None:
        found.say(where, f"{clip((mininet or features or [line])[1])}: no switch of this topology")
    return name or ""


def _kind(line: str) -> str | None:
    if line.startswith("group_id="):
        return GROUP
    if line.startswith("meter="):
        return METER
    return FLOW if "actions=" in line else None


def read_line(line: Line, found: Gathering, names: Names, assume: int | None = None) -> None:
    """Read the entry of a line; what cannot be read is a finding."""
    end = partial(found.kinds.end, where=line.where)
    reader = Reader(partial(names.port, line.switch), partial(names.table, line.switch), end, assume)
    try:
        if line.kind == FLOW:
            for flow in read_flow(line.text, reader):
                found.add_flow(line.switch, flow, line.where)
        else:
            found.add(line.switch, _READERS[line.kind](line.text, reader), line.where)
    except Unread as why:
        found.say(line.where, why)


def _group(text: str, port: Reader) -> GroupEntry:
    words = parts(text)
    first = next((i for i, word in enumerate(words) if word.startswith("bucket=")), len(words))
    said = dict(_pair(word, "=") for word in words[:first])
    unknown = sorted(name for name in said if name not in _GROUP_WORDS and not name.startswith("fields"))
    if unknown:
        raise NotModelled(f"group with {clip(unknown[0])}")
    if said.get("type") not in _TYPES:
        raise Unread(f"group type {clip(said.get('type', 'missing'))}: none that OpenFlow 1.3 has")
    buckets: list[list[str]] = []
    for word in words[first:]:
        if word.startswith("bucket="):
            buckets.append([])
            word = word.removeprefix("bucket=")
        buckets[-1].append(word)
    made = tuple(_bucket(bucket, port) for bucket in buckets)
    return GroupEntry(number(said.get("group_id", ""), 32, "group_id"), _TYPES[said["type"]], made)


def _bucket(words: list[str], port: Reader) -> Bucket:
    weight, watched_port, watched_group = 1, None, None
    actions: tuple[Action, ...] = ()
    for i, word in enumerate(words):
        if word.startswith("actions="):
            text = ",".join((word.removeprefix("actions="), *words[i + 1 :]))
            try:
                actions = read_actions(text, port)
            except NotModelled as why:
                actions = (act.Output(port.end(why.what).port),)
            break
        name, said = _pair(word, ":")
        if name == "weight":
            weight = number(said, 16, name)
        elif name == "watch_port":
            watched_port = port(said)
        elif name == "watch_group":
            watched_group = number(said, 32, name)
        elif name != "bucket_id":
            raise NotModelled(f"bucket with {clip(name)}")
    watched_port = None if watched_port == act.ANY_PORT else watched_port
    return Bucket(actions, weight, watched_port, None if watched_group == act.ANY_GROUP else watched_group)


def _pair(word: str, sign: str) -> tuple[str, str]:
    name, _, said = word.partition(sign)
    return name.strip(), said.strip()


def _meter(text: str, port: Reader) -> Meter:
    head, *rest = text.replace("bands=", "bands=\n", 1).split("\n")
    name, *flags = head.split()
    unknown = set(flags) - {"kbps", "pktps", "burst", "stats", "bands="}
    if unknown:
        raise NotModelled(f"meter with {clip(min(unknown))}")
    bands = tuple(_band(line.split()) for line in rest if line.strip())
    return Meter(number(name.removeprefix("meter="), 32, "meter"), bands, "pktps" in flags)


def _band(words: list[str]) -> Band:
    said = dict(_pair(word, "=") for word in words)
    kind = said.pop("type", "missing")
    if kind not in ("drop", "dscp_remark"):
        raise NotModelled(f"meter band of type {clip(kind)}")
    unknown = sorted(said.keys() - {"rate", "burst_size", "prec_level"})
    if unknown:
        raise NotModelled(f"meter band with {clip(unknown[0])}")
    levels = number(said.get("prec_level", ""), 8, "prec_level") if kind == "dscp_remark" else None
    return Band(number(said.get("rate", ""), 32, "rate"), number(said.get("burst_size", "0"), 32, "burst_size"), levels)


_READERS: dict[str, Callable[[str, Reader], GroupEntry | Meter]] = {GROUP: _group, METER: _meter}
