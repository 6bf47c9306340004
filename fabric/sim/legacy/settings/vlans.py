"""Lines about VLANs: VLANs themselves, trunks, access ports, and what spanning tree keeps by VLAN.

Lives here: lists of VLANs that join, leave and split lines.
Must not know: what a setting does to the network.
"""

from __future__ import annotations

from dataclasses import replace

from clos.fabric.sim.legacy.grammar import Match
from clos.fabric.sim.legacy.modes import MODES
from clos.fabric.sim.legacy.settings.lines import removed, set_line
from clos.fabric.sim.legacy.settings.request import Request, Result, row_of
from clos.fabric.sim.legacy.tree import Line, Tree, edited, placed, without
from clos.fabric.sim.legacy.vlans import EVERY, read_vlans, write_vlans

PRIORITIES = (
    "% Bridge Priority must be in increments of 4096.\n% Allowed values are:\n"
    "  0     4096  8192  12288 16384 20480 24576 28672\n  32768 36864 40960 45056 49152 53248 57344 61440\n"
)
_PRIMARY, _SECONDARY = "24576", "28672"


def set_vlan(request: Request) -> Result:
    number = request.match.arguments[0]
    if request.negated:
        return without(request.tree, lambda line: line.key == f"vlan {number}"), ""
    return _with_vlan(request.tree, int(number)), ""


def _with_vlan(tree: Tree, vlan: int) -> Tree:
    """The configuration with this VLAN's block; VLAN 1 needs none."""
    if vlan == 1:
        return tree
    return placed(tree, Line(f"vlan {vlan}", f"vlan {vlan}", (row_of("vlans"), vlan)))


def set_access(request: Request) -> Result:
    tree, _ = set_line(request)
    vlan = request.match.words[-1]
    if request.negated or vlan == "1" or any(line.key == f"vlan {vlan}" for line in tree):
        return tree, ""
    return _with_vlan(tree, int(vlan)), f"% Access VLAN does not exist. Creating vlan {vlan}\n"


def set_trunk(request: Request) -> Result:
    """The list that results is what is kept; none of it where all VLANs are allowed."""
    words = request.match.words[request.match.key_words :]
    old = next((line.words()[4] for line in request.block if line.key == request.match.key), "1-4094")
    before = read_vlans(old) or frozenset()
    if request.negated or words == ("all",):
        return request.kept(lambda lines: removed(lines, request.match)), ""
    listed = read_vlans(words[-1]) or frozenset()
    after = {"add": before | listed, "remove": before - listed, "except": EVERY - listed}.get(words[0], listed)
    if after == EVERY:
        return request.kept(lambda lines: removed(lines, request.match)), ""
    text = f"{request.match.key} {write_vlans(after)}"
    return request.kept(lambda lines: placed(lines, request.line(text, request.match.key))), ""


def set_by_vlan(request: Request) -> Result:
    """A setting by VLAN: VLANs leave the lines in which they stood, and join the line that has the new value."""
    words, value = request.match.words, " ".join(request.match.words[request.match.key_words :])
    if words[-2] == "priority" and value and int(value) % 4096:
        return request.tree, PRIORITIES
    vlans, head, tail = _vlans_of(request.match), words[:2], words[3 : request.match.key_words]
    lines: list[Line] = []
    joined = set() if request.negated else set(vlans)
    for line in request.block:
        there = line.words()
        if tuple(there[:2]) != head or tuple(there[3 : 3 + len(tail)]) != tail or len(there) < 4:
            lines.append(line)
        elif " ".join(there[3 + len(tail) :]) == value and not request.negated:
            joined |= read_vlans(there[2]) or set()
        elif left := (read_vlans(there[2]) or frozenset()) - vlans:
            text = " ".join((*head, write_vlans(left), *there[3:]))
            lines.append(replace(line, text=text, key=text, order=(line.order[0], min(left))))
    tree = request.kept(lambda _: tuple(sorted(lines, key=lambda line: line.order)))
    if not joined:
        return tree, ""
    text = " ".join((*head, write_vlans(joined), *tail, value))
    added = request.line(text, text, (min(joined),))
    return edited(tree, request.path, lambda old: placed(old, added)), ""


def _vlans_of(match: Match) -> frozenset[int]:
    return read_vlans(match.words[2]) or frozenset()


def set_root(request: Request) -> Result:
    """The macro: the priority that makes a root of a bridge among others with the default one."""
    if request.negated:
        value: tuple[str, ...] = ()
    else:
        value = (_PRIMARY if request.match.words[-1] == "primary" else _SECONDARY,)
    words = (*request.match.words[:3], "priority", *value)
    index = next(
        at for at, row in enumerate(MODES["global"].table.rows) if row.pattern.endswith("priority = <0-61440>")
    )
    match = replace(request.match, words=words, key_words=4, index=index + 1)
    return set_by_vlan(replace(request, match=match))
