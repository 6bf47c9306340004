"""Dumps of switches' rules, made by Clos or by other tools, as the states that the prover reasons about.

Read are ``ovs-ofctl`` (text), Ryu's ``ofctl_rest`` (JSON) and Clos's own JSON. What Clos has no model of is refused
by name and line; nothing is left out silently. Knows no files: texts come with the names that problems shall tell.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import PurePath

from clos.controller.dump import clos_json, ofctl_rest
from clos.controller.dump.held import Dump, Gathering
from clos.controller.dump.json_text import BadJson, elements, items
from clos.controller.dump.ovs_ofctl import Line, Names, read_line, read_text
from clos.controller.intent.model import Where
from clos.controller.intent.problem import Problem
from clos.controller.intent.source import Text

__all__ = ["Dump", "read_dump"]


def read_dump(
    texts: Iterable[Text],
    dpids: Mapping[str, int],
    whole: bool = True,
    *,
    partial: bool = False,
    assume: int | None = None,
) -> tuple[Dump | None, tuple[Problem, ...]]:
    """The states of all switches, or every problem. ``dpids``: the switches of the topology, by name.

    Where ``whole`` is false, switches and groups may be missing. With ``partial``, what is not modelled is an end that
    packets may come to (controller.dump.foreign), and no problem. ``assume``: the ct_state of tracked packets.

    A text of ``ovs-ofctl`` is of the switch its name begins with (``leaf1.flows``, ``leaf1/flows.txt``) until a line in
    it says otherwise; of a topology's only switch it need not say so. JSON names its switches.
    """
    found, names = Gathering(dpids), Names()
    lines: list[Line] = []
    read: list[str] = []
    for name, text in texts:
        read.append(name)
        text = text.removeprefix("\ufeff")
        if text.lstrip()[:1] == "[":
            _read_list(name, text, _switch_of(name, dpids), found)
        elif text.lstrip()[:1] == "{":
            _read_json(name, text, found)
        else:
            switch = _switch_of(name, dpids)
            if switch:
                found.opened(switch)
            lines += read_text(text, name, switch, found, names)
    for line in lines:
        read_line(line, found, names, assume)
    return found.concluded(", ".join(read) if len(read) < 3 else f"{len(read)} files", whole, partial)


def _read_json(name: str, text: str, found: Gathering) -> None:
    try:
        read_item = None
        for item in items(text, name):
            if read_item is None:
                read_item = clos_json.read_item if item.key == "format_version" else ofctl_rest.read_item
            read_item(item, found)
    except BadJson as wrong:
        found.say(wrong.where, wrong)


def _read_list(name: str, text: str, switch: str, found: Gathering) -> None:
    """A list of entries is that of the switch the file is named after, as ofctl_rest would answer of it."""
    if not switch:
        found.say(Where(name, 1, 1), "of which switch is this list? name the file after it: leaf1.json")
        return
    try:
        for item in elements(text, name, str(found.dpids[switch])):
            ofctl_rest.read_item(item, found)
    except BadJson as wrong:
        found.say(wrong.where, wrong)


def _switch_of(name: str, dpids: Mapping[str, int]) -> str:
    """The switch a file is named after, or its directory; "" when neither is."""
    path = PurePath(name)
    begun = [s for s in dpids if re.fullmatch(rf"{re.escape(s)}(?:[^A-Za-z0-9].*)?", path.name, re.DOTALL)]
    if begun:
        return max(begun, key=len)
    if path.parent.name in dpids:
        return path.parent.name
    return next(iter(dpids)) if len(dpids) == 1 else ""
