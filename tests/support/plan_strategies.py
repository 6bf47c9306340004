"""Random rulesets for the laws of plans, and a reading of them that shares nothing with the planner."""

from itertools import product

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from clos.fabric.dataplane.action import Group, Output
from clos.fabric.dataplane.match import Match
from clos.fabric.dataplane.rule import SELECT, Band, Bucket, GroupEntry, Instructions, Meter, Rule
from clos.fabric.dataplane.ruleset import EGRESS, INGRESS, Block, Placed, Ruleset

law = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""A busy machine is no counterexample."""

SWITCHES = ("leaf1", "leaf2", "leaf3", "spine1")


def rule(table: int, priority: int, vid: int, out: int) -> Rule:
    return Rule(table, priority, Match.of(vlan_vid=0x1000 | vid), Instructions(apply=(Output(out),)), cookie=out)


def group(number: int, refs: tuple[int, ...], port: int) -> GroupEntry:
    """A group may refer only to higher numbers, so no random set of them makes a loop."""
    return GroupEntry(number, SELECT, (Bucket((Output(port),)), *(Bucket((Group(ref),)) for ref in refs)))


_HOMES = tuple(product("abc", (EGRESS, INGRESS)))

_ENTRIES = (
    *(("rule", key) for key in product((0, 3), (5, 9), (1, 2))),
    *(("group", number) for number in (1, 2, 3)),
    *(("meter", number) for number in (1, 2)),
)

_DICE = st.lists(st.integers(0, 2**22 - 1), min_size=len(_ENTRIES), max_size=len(_ENTRIES))
"""One number per entry says where it is and what is in it; 0 is nowhere. (One draw each keeps the laws quick.)"""


@st.composite
def rulesets(draw) -> Ruleset:
    """Each entry sits, with contents of its own, in up to two blocks that share no switch."""
    names = _subset(draw(st.integers(1, 15)))
    placed: dict[tuple[str, int, tuple[str, ...]], list[object]] = {}
    for (kind, key), dice in zip(_ENTRIES, draw(_DICE), strict=True):
        free = names
        for throw in (dice & 0x7FF, dice >> 11):
            where = tuple(name for name in _subset(throw & 15) if name in free)
            free = tuple(name for name in free if name not in where)
            home = _HOMES[(throw >> 4) % len(_HOMES)]
            placed.setdefault((*home, where), []).append(_entry(kind, key, (throw >> 7) % 3, throw >> 9))
    parts: dict[str, dict[str, Placed]] = {}
    for (part, phase, where), held in placed.items():
        blocks = parts.setdefault(part, {})
        if where:
            blocks[f"{phase}.{len(blocks)}"] = Placed(_block(held, phase), where)
    return Ruleset(names, parts)


def _subset(mask: int) -> tuple[str, ...]:
    return tuple(name for i, name in enumerate(SWITCHES) if mask >> i & 1)


def _entry(kind: str, key, n: int, refs: int):
    """One of three versions of an entry; a group refers to the groups of the mask ``refs``."""
    if kind == "rule":
        return rule(*key, n)
    if kind == "meter":
        return Meter(key, (Band(n),))
    return group(key, tuple(ref for ref in (2, 3) if ref > key and refs >> ref - 2 & 1), n)


def _block(held: list[object], phase: int) -> Block:
    return Block(
        [e for e in held if isinstance(e, Rule)],
        [e for e in held if isinstance(e, GroupEntry)],
        [e for e in held if isinstance(e, Meter)],
        phase,
    )


def entries_of(ruleset: Ruleset, switch: str) -> dict[object, object]:
    """The independent reading of a ruleset: everything a switch holds, by what identifies it."""
    held: dict[object, object] = {}
    for block, where in ruleset.placed():
        if switch in where:
            held |= {r.key: r for r in block.rules} | {("g", g.group): g for g in block.groups}
            held |= {("m", m.meter): m for m in block.meters}
    return held


def messages(plan, switch: str):
    """(batch, op, key, entry) in the order the switch receives them."""
    for batch in plan.batches:
        for push in batch.pushes:
            if switch in push.switches:
                yield from ((batch.name, push.op, r.key, r) for r in push.block.rules)
                yield from ((batch.name, push.op, ("g", g.group), g) for g in push.block.groups)
                yield from ((batch.name, push.op, ("m", m.meter), m) for m in push.block.meters)
