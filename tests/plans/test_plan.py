"""Laws of plans: whatever two rulesets, the plan between them is exact, ordered and shared."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from clos.controller.plan import ADD, DELETE, MODIFY, after, diff, draining, invert, states
from clos.fabric.dataplane.action import Group, Output
from clos.fabric.dataplane.match import Match
from clos.fabric.dataplane.rule import FAST_FAILOVER, Bucket, GroupEntry, Instructions, Rule
from clos.fabric.dataplane.ruleset import EGRESS, EMPTY, INGRESS, Block, Placed, Ruleset
from tests.support.plan_strategies import SWITCHES, entries_of, group, law, messages, rule, rulesets


@law
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


@law
@given(rulesets(), rulesets())
def test_each_entry_of_a_switch_is_touched_at_most_once(a, b) -> None:
    plan = diff(a, b)
    counts = Counter((switch, key) for switch in SWITCHES for _, _, key, _ in messages(plan, switch))
    assert not [key for key, count in counts.items() if count > 1]


@law
@given(rulesets())
def test_nothing_differs_from_itself(a) -> None:
    again = Ruleset(a.switches, {name: dict(part) for name, part in a.parts.items()})
    assert not diff(a, a)
    assert not diff(a, again)
    assert diff(a, a).batches == ()


@law
@given(rulesets())
def test_moving_every_block_to_another_part_changes_nothing(a) -> None:
    regrouped = Ruleset(a.switches, {"x": {f"{n}/{k}": p for n, part in a.parts.items() for k, p in part.items()}})
    assert not diff(a, regrouped)


@law
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


@law
@given(rulesets(), rulesets())
def test_after_the_plan_the_fabric_holds_what_is_desired(a, b) -> None:
    assert after(a, diff(a, b)) == b


@law
@given(rulesets(), rulesets(), st.integers(0, 7))
def test_a_plan_can_be_taken_back_from_any_batch(a, b, done) -> None:
    plan = diff(a, b)
    assert after(after(a, plan, done), invert(a, plan, done)) == a


@law
@given(rulesets(), rulesets(), rulesets())
def test_plans_follow_one_another(a, b, c) -> None:
    reached = after(a, diff(a, b))
    assert after(reached, diff(reached, c)) == c


@law
@given(rulesets(), rulesets())
def test_the_state_after_every_batch_is_what_an_obedient_switch_holds(a, b) -> None:
    plan = diff(a, b)
    held = {switch: entries_of(a, switch) for switch in SWITCHES}
    for batch, state in states(a, plan):
        for switch in SWITCHES:
            for name, op, key, entry in messages(plan, switch):
                if name == batch.name:
                    held[switch] = {k: v for k, v in held[switch].items() if k != key}
                    held[switch] |= {} if op == DELETE else {key: entry}
            assert entries_of(state, switch) == held[switch]


@law
@given(rulesets(), rulesets())
def test_batches_come_in_order_and_rules_from_the_last_table_and_the_highest_priority(a, b) -> None:
    plan = diff(a, b)
    names = ("prepare", "egress", "groups", "ingress", "retire egress", "clean")
    assert [batch.name for batch in plan.batches] == [n for n in names if n in {batch.name for batch in plan.batches}]
    for switch in SWITCHES:
        for name in names:
            sent = [(op, e) for batch, op, _, e in messages(plan, switch) if batch == name and isinstance(e, Rule)]
            come = [(rule.table, rule.priority) for op, rule in sent if op != DELETE]
            gone = [(rule.table, rule.priority) for op, rule in sent if op == DELETE]
            assert [op == DELETE for op, _ in sent] == [False] * len(come) + [True] * len(gone)
            assert come == sorted(come, reverse=True)
            assert gone == sorted(gone)
            assert not (gone if name == "egress" else come if name == "retire egress" else ())


@law
@given(rulesets(), rulesets())
def test_egress_rules_are_installed_before_ingress_rules_and_removed_after_them(a, b) -> None:
    for batch in diff(a, b).batches:
        phases = {push.block.phase for push in batch.pushes if push.block.rules}
        expected = {"egress": {EGRESS}, "ingress": {INGRESS}, "retire egress": {EGRESS}}
        assert phases <= expected.get(batch.name, set())


@law
@given(rulesets(), rulesets())
def test_all_that_decides_about_packets_changes_in_one_batch(a, b) -> None:
    """So a switch that takes its batches as bundles never holds a part of the old policy and a part of the new."""
    plan = diff(a, b)
    where = [
        batch.name
        for batch in plan.batches
        if any(push.block.rules and push.block.phase == INGRESS for push in batch.pushes)
    ]
    assert where in ([], ["ingress"])


_UNIVERSE = [
    Match.checked([("eth_dst", value & mask, mask)]) for mask in (0, 1, 2, 4, 3, 6, 15) for value in (0, 7, 10)
]


@st.composite
def _tables(draw) -> dict[Match, Rule]:
    """One table: each match of the universe absent or with one of three outcomes; its place is its priority."""
    outs = draw(st.lists(st.sampled_from((None, 0, 1, 2)), min_size=len(_UNIVERSE), max_size=len(_UNIVERSE)))
    order = zip(_UNIVERSE, outs, strict=True)
    return {m: Rule(0, p, m, Instructions(apply=(Output(o),))) for p, (m, o) in enumerate(order) if o is not None}


def _decision(held: dict[object, Rule], headers: dict[str, int]) -> object:
    taking = [r for r in held.values() if r.match.takes(headers)]
    return max(taking, key=lambda r: r.priority).instructions if taking else "miss"


@law
@given(_tables(), _tables())
def test_at_every_message_a_table_decides_as_before_or_as_after(old, new) -> None:
    a, b = (Ruleset(("s",), {"p": {"k": Placed(Block(t.values()), ("s",))}}) for t in (old, new))
    held = {r.key: r for r in old.values()}
    packets = [{"eth_dst": n} for n in range(16)]
    before = [_decision(held, packet) for packet in packets]
    finally_ = [_decision({r.key: r for r in new.values()}, packet) for packet in packets]
    for _, op, key, entry in messages(diff(a, b), "s"):
        held = {k: v for k, v in held.items() if k != key} | ({} if op == DELETE else {key: entry})
        for packet, was, will in zip(packets, before, finally_, strict=True):
            assert _decision(held, packet) in (was, will)


def test_groups_that_refer_to_others_come_after_them_and_go_before_them_on_each_switch() -> None:
    chains = {"leaf1": (1, 2, 3), "leaf2": (3, 2, 1), "leaf3": (2, 1, 3)}  # first refers to second, second to third
    part = {
        switch: Placed(Block(groups=[group(n, order[i + 1 : i + 2], 1) for i, n in enumerate(order)]), (switch,))
        for switch, order in chains.items()
    }
    full, none = Ruleset(SWITCHES, {"p": part}), Ruleset(SWITCHES, {})
    for switch, order in chains.items():
        assert [entry.group for *_, entry in messages(diff(none, full), switch)] == list(reversed(order))
        assert [entry.group for *_, entry in messages(diff(full, none), switch)] == list(order)


def test_a_group_that_watches_another_comes_after_it() -> None:
    watching = GroupEntry(1, FAST_FAILOVER, (Bucket((Output(1),), watch_group=2),))
    part = {"k": Placed(Block(groups=[watching, group(2, (), 1)]), ("leaf1",))}
    plan = diff(Ruleset(SWITCHES, {}), Ruleset(SWITCHES, {"p": part}))
    assert [entry.group for *_, entry in messages(plan, "leaf1")] == [2, 1]


def test_a_group_changes_only_after_the_egress_rules_its_new_buckets_need() -> None:
    def fabric(spines: int) -> Ruleset:
        spine = {f"s{i}": Placed(Block([rule(0, 5, i, 1)], phase=EGRESS), ("spine1",)) for i in range(spines)}
        leaf = Placed(Block(groups=[group(1, (), spines)], phase=EGRESS), ("leaf1",))
        return Ruleset(SWITCHES, {"fabric": {**spine, "g": leaf}})

    assert [batch.name for batch in diff(fabric(2), fabric(3)).batches] == ["egress", "groups"]
    assert [batch.name for batch in diff(fabric(3), fabric(2)).batches] == ["groups", "retire egress"]


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


def test_frames_under_way_are_waited_for_only_where_they_were_sent_another_way() -> None:
    def fabric(home: str | None, others: int) -> Ruleset:
        there = {"egress": Placed(Block([rule(7, 5, 1, 1)], phase=EGRESS), (home,))} if home else {}
        ways = {"ingress": Placed(Block([rule(3, 5, 1, others)]), ("leaf3",))} if home else {}
        return Ruleset(SWITCHES, {"t": {**there, **ways}})

    moved = diff(fabric("leaf1", 1), fabric("leaf2", 2))
    assert [batch.name for batch in moved.batches] == ["egress", "ingress", "retire egress"]
    assert draining(moved) == {"retire egress"}
    gone = diff(fabric("leaf1", 1), fabric(None, 0))
    assert [batch.name for batch in gone.batches] == ["ingress", "retire egress"]
    assert draining(gone) == frozenset()


def test_a_first_install_shares_blocks_between_switches() -> None:
    block = Block([rule(3, 5, vid, 1) for vid in range(1, 500)])
    plan = diff(EMPTY, Ruleset(SWITCHES, {"t": {"k": Placed(block, SWITCHES)}}))
    assert [(p.op, p.block.rules, p.switches) for b in plan.batches for p in b.pushes] == [(ADD, block.rules, SWITCHES)]


def test_parts_that_are_the_same_object_are_not_opened() -> None:
    class Closed(dict):
        def items(self):
            raise RuntimeError("opened")

    part = Closed(k=Placed(Block([rule(3, 5, 1, 1)]), SWITCHES))
    more = {"new": {"k": Placed(Block([rule(3, 5, 2, 1)]), SWITCHES)}}
    assert diff(Ruleset(SWITCHES, {"t": part}), Ruleset(SWITCHES, {"t": part, **more})).touched == SWITCHES


def test_a_switch_that_joins_receives_shared_blocks_and_the_others_nothing() -> None:
    block = Block([rule(3, 5, vid, 1) for vid in range(1, 50)])
    few, all_ = (Ruleset(names, {"t": {"k": Placed(block, names)}}) for names in (SWITCHES[:3], SWITCHES))
    assert diff(few, all_).touched == SWITCHES[3:]
    assert after(all_, diff(all_, few)) == few
