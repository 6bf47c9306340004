"""What a configuration line does to a running configuration.

Lives here: from a line typed in a mode to a new tree, the next mode and IOS' answer. Pure: gives values, changes none.
Must not know: sessions, prompts' names, what the setting does to the network.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from clos.fabric.sim.legacy.grammar import INVALID, Match, Refusal
from clos.fabric.sim.legacy.modes import MODES
from clos.fabric.sim.legacy.names import full_name, name_order, split_name
from clos.fabric.sim.legacy.passwords import hashed
from clos.fabric.sim.legacy.tree import Line, Order, Path, Tree, block, edited, placed, without
from clos.fabric.sim.legacy.vlans import EVERY, read_vlans, write_vlans

PRIORITIES = (
    "% Bridge Priority must be in increments of 4096.\n% Allowed values are:\n"
    "  0     4096  8192  12288 16384 20480 24576 28672\n  32768 36864 40960 45056 49152 53248 57344 61440\n"
)
VIRTUAL = ("Vlan", "Loopback", "Port-channel")
_PRIMARY, _SECONDARY = "24576", "28672"


@dataclass(frozen=True, slots=True)
class Context:
    """Where a session configures: a mode, and the blocks that its lines go to (several after ``interface range``)."""

    mode: str = "global"
    paths: tuple[Path, ...] = ((),)
    title: str | None = None
    """The prompt's word where it is not the mode's (``config-if-range``)."""


@dataclass(frozen=True, slots=True)
class Chassis:
    """``ports``: the device's physical interfaces, which no line makes. ``routed``: they never switch."""

    ports: frozenset[str]
    routed: bool = False


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


@dataclass(frozen=True, slots=True)
class _Request:
    """A matched line on its way into one block."""

    match: Match
    tree: Tree
    path: Path
    negated: bool
    chassis: Chassis

    @property
    def block(self) -> Tree:
        return block(self.tree, self.path)

    def kept(self, edit: Callable[[Tree], Tree]) -> Tree:
        return edited(self.tree, self.path, edit)

    def line(self, text: str, key: str, order: Order = ()) -> Line:
        mode = self.match.row.mode
        closing = MODES[mode].closing if mode else None
        return Line(text, key, (self.match.index, *order), closing=closing)


_Result = tuple[Tree, str]
"""The configuration afterwards, and IOS' answer ("" for none)."""


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
        tree, answer = HOW[match.row.how](_Request(match, tree, path, negated, chassis))
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
        one = replace(match, words=words, key_words=2, arguments=(name,), index=_row_of(words[0] + "s" * (not ranged)))
        tree, answer = (_interface if ranged else _vlan)(_Request(one, tree, (), negated, chassis))
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


# Each function below is what a row's ``how`` names: from a request to the configuration afterwards and an answer.


def _set(request: _Request) -> _Result:
    if request.negated:
        return request.kept(lambda lines: _removed(lines, request.match)), ""
    match = request.match
    return request.kept(lambda lines: placed(lines, request.line(match.text, match.key, _natural(match)))), ""


def _natural(match: Match) -> Order:
    """Lists and neighbours by number, interfaces by theirs; everything else in the order of its coming."""
    if match.words[0] == "interface":
        return name_order(match.arguments[0])
    return ()


def _removed(lines: Tree, match: Match) -> Tree:
    """Without the line that is this one, those whose key begins with the given words, and the one with its key."""
    words = match.key + " "
    return without(lines, lambda line: line.key == match.key or line.key.startswith(words) or line.text == match.text)


def _on(request: _Request) -> _Result:
    """Kept is only the negation: ``no switchport``. ``default`` is not told apart: no row needs it."""
    key = request.match.key
    if request.negated:
        return request.kept(lambda lines: placed(lines, request.line(f"no {key}", f"no {key}"))), ""
    return request.kept(lambda lines: without(lines, lambda line: line.key == f"no {key}")), ""


def _passive(request: _Request) -> _Result:
    """With ``passive-interface default`` the exceptions are kept, without it the passive ones."""
    key = request.match.key
    default = any(line.text == "passive-interface default" for line in request.block)
    text = f"no {key}" if request.negated else key
    gone = request.kept(lambda lines: without(lines, lambda line: line.text in {key, f"no {key}"}))
    if request.negated != default:
        return gone, ""
    return edited(gone, request.path, lambda lines: placed(lines, request.line(text, text))), ""


def _each(request: _Request) -> _Result:
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


def _root(request: _Request) -> _Result:
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
    return _each(replace(request, match=match))


def _trunk(request: _Request) -> _Result:
    """The list that results is what is kept; none of it where all VLANs are allowed."""
    words = request.match.words[request.match.key_words :]
    old = next((line.words()[4] for line in request.block if line.key == request.match.key), "1-4094")
    before = read_vlans(old) or frozenset()
    if request.negated or words == ("all",):
        return request.kept(lambda lines: _removed(lines, request.match)), ""
    listed = read_vlans(words[-1]) or frozenset()
    after = {"add": before | listed, "remove": before - listed, "except": EVERY - listed}.get(words[0], listed)
    if after == EVERY:
        return request.kept(lambda lines: _removed(lines, request.match)), ""
    text = f"{request.match.key} {write_vlans(after)}"
    return request.kept(lambda lines: placed(lines, request.line(text, request.match.key))), ""


def _row_of(how: str) -> int:
    """Where the global mode's rows of this kind stand."""
    return next(at for at, row in enumerate(MODES["global"].table.rows) if row.how == how)


def _vlan(request: _Request) -> _Result:
    number = request.match.arguments[0]
    if request.negated:
        return without(request.tree, lambda line: line.key == f"vlan {number}"), ""
    return _with_vlan(request.tree, int(number)), ""


def _with_vlan(tree: Tree, vlan: int) -> Tree:
    """The configuration with this VLAN's block; VLAN 1 needs none."""
    if vlan == 1:
        return tree
    return placed(tree, Line(f"vlan {vlan}", f"vlan {vlan}", (_row_of("vlans"), vlan)))


def _access(request: _Request) -> _Result:
    tree, _ = _set(request)
    vlan = request.match.words[-1]
    if request.negated or vlan == "1" or any(line.key == f"vlan {vlan}" for line in tree):
        return tree, ""
    return _with_vlan(tree, int(vlan)), f"% Access VLAN does not exist. Creating vlan {vlan}\n"


def _interface(request: _Request) -> _Result:
    """Virtual interfaces come and go; physical ones are there, and none other can be made."""
    name = request.match.arguments[0]
    virtual = split_name(name)[0] in VIRTUAL or ("." in name and name.partition(".")[0] in request.chassis.ports)
    if not virtual and name not in request.chassis.ports:
        return request.tree, INVALID
    if request.negated and not virtual:
        return request.tree, "% You may not delete physical interfaces.\n"
    return _set(request)


def _address(request: _Request) -> _Result:
    """The primary address in place of the last one; none on a port that switches."""
    if not request.negated and _switches(request):
        return request.tree, "\n% IP addresses may not be configured on L2 links.\n"
    if not request.negated:
        mask = request.match.arguments[1]
        if not _is_mask(mask):
            return request.tree, f"Bad mask {mask} for address {request.match.arguments[0]}\n"
        return _set(request)
    if request.match.words[-1] == "secondary":
        return request.kept(lambda lines: without(lines, lambda line: line.text == request.match.text)), ""
    return request.kept(lambda lines: without(lines, lambda line: line.text.startswith("ip address "))), ""


def _switches(request: _Request) -> bool:
    name = request.path[-1].split()[-1] if request.path else ""
    layer3 = request.chassis.routed or split_name(name)[0] in {"Vlan", "Loopback", "Serial"} or "." in name
    return not layer3 and not any(line.text == "no switchport" for line in request.block)


def _is_mask(text: str) -> bool:
    bits = "".join(f"{int(part):08b}" for part in text.split("."))
    return "01" not in bits and "1" in bits


def _group(request: _Request) -> _Result:
    """One access list a direction, whatever its name."""
    direction = request.match.words[-1]
    tree = request.kept(
        lambda lines: without(
            lines, lambda line: line.text.startswith("ip access-group ") and line.text.endswith(f" {direction}")
        )
    )
    if request.negated:
        return tree, ""
    return _set(replace(request, tree=tree))


def _channel(request: _Request) -> _Result:
    """A port that joins a port-channel makes it, where there is none."""
    tree, _ = _set(request)
    if request.negated:
        return tree, ""
    name = f"Port-channel{request.match.arguments[0]}"
    if any(line.key == f"interface {name}" for line in tree):
        return tree, ""
    made = Line(f"interface {name}", f"interface {name}", (_row_of("interface"), *name_order(name)))
    return placed(tree, made), f"Creating a port-channel interface {name.replace('channel', 'channel ')}\n"


def _hostname(request: _Request) -> _Result:
    if request.negated:
        return _set(request)
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}", request.match.arguments[0]):
        return request.tree, "% Hostname contains one or more illegal characters.\n"
    return _set(request)


def _secret(request: _Request) -> _Result:
    """A password written in clear is kept as its hash (type 9: scrypt)."""
    match = request.match
    if request.negated or match.words[-2] == "9":
        return _set(request)
    words = match.words[:-2] if match.words[-2] == "0" else match.words[:-1]
    if match.words[-2] not in {"0", "secret", "password"} and match.words[-2].isdecimal():
        return request.tree, "ERROR: The secret you entered is not a valid encrypted secret.\n"
    kept = tuple("secret" if word == "password" else word for word in words)
    return _set(replace(request, match=replace(match, words=(*kept, "9", hashed(match.words[-1])))))


def _list(request: _Request) -> _Result:
    return _set(request)


def _entry(request: _Request) -> _Result:
    """An entry under the number given, or ten behind the last; its number is its order and is not shown. A remark has
    none: it stands behind the entry that was the last one."""
    words = request.match.words
    numbered = words[0].isdecimal()
    text = " ".join(words[numbered:])
    lines = request.block
    if request.negated:
        return request.kept(lambda old: without(old, lambda line: line.text == text)), ""
    last = int(lines[-1].order[0]) if lines else 0
    if text.startswith("remark "):
        return request.kept(lambda old: placed(old, Line(text, text, (last, 1)))), ""
    number = int(words[0]) if numbered else 10 + last
    taken = next((line for line in lines if line.key == str(number)), None)
    if taken is not None and taken.text != text:
        return request.tree, "% Duplicate sequence number\n"
    if any(line.text == text for line in lines):
        return request.tree, ""
    return request.kept(lambda old: placed(old, Line(text, f"{number}", (number, 0)))), ""


def _numbered(request: _Request) -> _Result:
    """``no 10``; the number alone is no command."""
    if not request.negated:
        return request.tree, INVALID
    return request.kept(lambda old: without(old, lambda line: line.key == request.match.words[0])), ""


def _resequence(request: _Request) -> _Result:
    name, first, step = request.match.arguments
    for kind in ("standard", "extended"):
        key = f"ip access-list {kind} {name}"
        if any(line.key == key for line in request.tree):
            return edited(request.tree, (key,), lambda lines: _renumbered(lines, int(first), int(step))), ""
    return request.tree, "% Access-list not found\n"


def _renumbered(lines: Iterable[Line], first: int, step: int) -> Tree:
    made: list[Line] = []
    number = first - step
    for line in lines:
        remark = line.order[1] == 1
        number += 0 if remark else step
        kept = replace(line, order=(max(number, 0), 1)) if remark else replace(line, key=str(number), order=(number, 0))
        made.append(kept)
    return tuple(made)


HOW: dict[str, Callable[[_Request], _Result]] = {
    "set": _set,
    "on": _on,
    "passive": _passive,
    "each": _each,
    "root": _root,
    "trunk": _trunk,
    "access": _access,
    "interface": _interface,
    "address": _address,
    "group": _group,
    "channel": _channel,
    "hostname": _hostname,
    "secret": _secret,
    "list": _list,
    "entry": _entry,
    "numbered": _numbered,
    "resequence": _resequence,
}
