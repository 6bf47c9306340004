"""Laws of plans: whatever two rulesets, the plan between them is exact, ordered and shared."""

from collections import Counter
from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from controller.plan import ADD, DELETE, MODIFY, diff
from fabric.action import Group, Output
from fabric.match import Match
from fabric.rule import SELECT, Band, Bucket, GroupEntry, Instructions, Meter, Rule
from fabric.ruleset import EGRESS, EMPTY, INGRESS, Block, Placed, Ruleset

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
            parts.setdefault(part, {})[f"{key}{where}"] = Placed(_block(held, EGRESS if key == "1" else INGRESS), where)
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


@given(rulesets(), rulesets())
def test_a_switch_that_obeys_the_plan_holds_what_is_desired(a, b) -> None:
    plan = diff(a, b)
    for switch in {*a.switches, *b.switches}:
        held = entries_of(a, switch)
        for _, op, key, entry in messages(plan, switch):
            assert (key in held) == (op != ADD), f"{op} {entry}"
            if op == DELETE:
                assert held.pop(key) == entry
            else:
                assert held.get(key) != entry, "nothing is sent that is already there"
                held[key] = entry
        assert held == entries_of(b, switch)


@given(rulesets(), rulesets())
def test_each_entry_of_a_switch_is_touched_at_most_once(a, b) -> None:
    plan = diff(a, b)
    counts = Counter((switch, key) for switch in SWITCHES for _, _, key, _ in messages(plan, switch))
    assert not [key for key, count in counts.items() if count > 1]


@given(rulesets())
def test_nothing_differs_from_itself(a) -> None:
    again = Ruleset(a.switches, {name: dict(part) for name, part in a.parts.items()})
    assert not diff(a, a)
    assert not diff(a, again)
    assert diff(a, a).batches == ()


@given(rulesets())
def test_moving_every_block_to_another_part_changes_nothing(a) -> None:
    regrouped = Ruleset(a.switches, {"x": {f"{n}/{k}": p for n, part in a.parts.items() for k, p in part.items()}})
    assert not diff(a, regrouped)


@given(rulesets(), rulesets())
def test_no_rule_ever_refers_to_a_group_that_is_not_there(a, b) -> None:
    plan = diff(a, b)
    for switch in SWITCHES:
        held = entries_of(a, switch)
        sound = _dangling(held)
        for _, op, key, entry in messages(plan, switch):
            held = {k: v for k, v in held.items() if k != key} | ({} if op == DELETE else {key: entry})
            assert _dangling(held) <= sound | _dangling(entries_of(b, switch))


def _dangling(held: dict[object, object]) -> set[tuple[object, int]]:
    """References of groups to groups that are absent."""
    return {
        (key, act.group)
        for key, entry in held.items()
        if isinstance(entry, GroupEntry)
        for bucket in entry.buckets
        for act in bucket.actions
        if isinstance(act, Group) and ("g", act.group) not in held
    }


def test_a_moved_endpoint_is_modified_where_it_was_remote_and_never_deleted_there() -> None:
    def at(home: str, out: int) -> dict[str, Placed]:
        others = tuple(s for s in ("leaf1", "leaf2", "leaf3") if s != home)
        remote, local = Block([rule(3, 5, 1, out)]), Block([rule(3, 5, 1, 99)])
        return {f"remote {home}": Placed(remote, others), f"local {home}": Placed(local, (home,))}

    plan = diff(Ruleset(SWITCHES, {"t": at("leaf1", 1)}), Ruleset(SWITCHES, {"t": at("leaf2", 2)}))
    assert [(push.op, push.switches) for batch in plan.batches for push in batch.pushes] == [
        (MODIFY, ("leaf1", "leaf3")),
        (MODIFY, ("leaf2",)),
    ]


def test_a_first_install_shares_blocks_between_switches() -> None:
    block = Block([rule(3, 5, vid, 1) for vid in range(1, 500)])
    plan = diff(EMPTY, Ruleset(SWITCHES, {"t": {"k": Placed(block, SWITCHES)}}))
    assert [(p.op, p.block.rules, p.switches) for b in plan.batches for p in b.pushes] == [(ADD, block.rules, SWITCHES)]
