"""Random rulesets for the laws of plans, and a reading of them that shares nothing with the planner."""

from itertools import product

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from fabric.action import Group, Output
from fabric.match import Match
from fabric.rule import SELECT, Band, Bucket, GroupEntry, Instructions, Meter, Rule
from fabric.ruleset import EGRESS, INGRESS, Block, Placed, Ruleset

law = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""A busy machine is no counterexample."""

SWITCHES = ("leaf1", "leaf2", "leaf3", "spine1")


def rule(table: int, priority: int, vid: int, out: int) -> Rule:
    return Rule(table, priority, Match.of(vlan_vid=0x1000 | vid), Instructions(apply=(Output(out),)), cookie=out)


def group(number: int, refs: tuple[int, ...], port: int) -> GroupEntry:
    """A group may refer only to higher numbers, so no random set of them makes a loop."""
    return GroupEntry(number, SELECT, (Bucket((Output(port),)), *(Bucket((Group(ref),)) for ref in refs)))


@st.composite
def rulesets(draw) -> Ruleset:
    """Each (switch, key) is given to at most one of a few blocks, so that no two blocks of a switch share a key."""
    names = draw(st.sets(st.sampled_from(SWITCHES), min_size=1).map(sorted))
    homes = [f"{part}/{block}" for part, block in product("abc", "12")]
    entries = (
        [rule(t, p, v, 0) for t, p, v in product((0, 3), (5, 9), (1, 2))]
        + [group(n, (), 0) for n in (1, 2, 3)]
        + [Meter(n, (Band(0),)) for n in (1, 2)]
    )
    parts: dict[str, dict[str, Placed]] = {}
    placed: dict[tuple[str, tuple[str, ...]], list[object]] = {}
    for entry in entries:
        free = set(names)
        for home in draw(st.lists(st.sampled_from(homes), max_size=2, unique=True)):
            where = draw(st.sets(st.sampled_from(names))) & free
            free -= where
            placed.setdefault((home, tuple(sorted(where))), []).append(_variant(draw, entry))
    for (home, where), held in placed.items():
        part, key = home.split("/")
        if where:
            block = _block(held, EGRESS if key == "1" else INGRESS)
            blocks = parts.setdefault(part, {})
            blocks[f"{key}.{len(blocks)}"] = Placed(block, where)
    return Ruleset(names, parts)


def _variant(draw, entry):
    """The entry with contents of one of three kinds."""
    n = draw(st.integers(0, 2))
    if isinstance(entry, Rule):
        return rule(entry.table, entry.priority, entry.match[0][1] & 0xFFF, n)
    if isinstance(entry, GroupEntry):
        refs = tuple(ref for ref in draw(st.sets(st.integers(1, 3))) if ref > entry.group)
        return group(entry.group, refs, n)
    return Meter(entry.meter, (Band(n),))


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
