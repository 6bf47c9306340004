"""A switch's state: the same as a plain list of rules would be, only faster; and what it refuses."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clos.fabric import errors
from clos.fabric.dataplane.action import (
    ALL_GROUPS,
    ANY_GROUP,
    ANY_PORT,
    TABLE,
    Group,
    Move,
    Output,
    PushMpls,
    PushPbb,
    PushVlan,
    SetField,
)
from clos.fabric.dataplane.match import ANY, Match
from clos.fabric.dataplane.rule import (
    ALL,
    INDIRECT,
    SELECT,
    Bucket,
    GroupEntry,
    Instructions,
    Meter,
    Rule,
)
from clos.fabric.dataplane.ruleset import Block, state_of
from clos.fabric.dataplane.step import step
from clos.fabric.dataplane.switch import (
    ALL_METERS,
    CHECK_OVERLAP,
    RESET_COUNTS,
    Selection,
    SwitchModel,
)
from clos.fabric.dataplane.table import FlowTable
from clos.fabric.errors import SwitchError
from clos.fabric.packet import build
from clos.fabric.packet.fields import FIELDS

PACKET = build.tcp(eth_src=1, eth_dst=2, ipv4_src=3, ipv4_dst=4, tcp_src=5, tcp_dst=6)
OUT = Instructions(apply=(Output(2),))

# -- random rules over a few fields with few values, so that they often meet ----------------------------------

_NAMES = ("in_port", "metadata", "eth_dst", "vlan_vid", "tunnel_id")


@st.composite
def matches(draw: st.DrawFn) -> Match:
    terms = []
    for name in draw(st.sets(st.sampled_from(_NAMES), max_size=3)):
        mask = draw(st.sampled_from([None, 1, 2, 3])) if FIELDS[name].maskable else None
        terms.append((name, draw(st.integers(0, 3)) & (3 if mask is None else mask), mask))
    return Match.checked(terms)


rules = st.builds(
    lambda table, priority, match, port, cookie: Rule(
        table, priority, match, Instructions(apply=(Output(port),)), cookie=cookie
    ),
    st.integers(0, 1),
    st.integers(0, 3),
    matches(),
    st.integers(1, 3),
    st.integers(0, 3),
)
fields = st.fixed_dictionaries(
    {name: st.integers(0, 3) for name in _NAMES[1:]}, optional={"in_port": st.integers(0, 3)}
)
selections = st.builds(
    Selection,
    table=st.sampled_from([0, 1, 255]),
    match=matches(),
    priority=st.sampled_from([None, None, 0, 1, 2]),
    cookie=st.integers(0, 3),
    cookie_mask=st.sampled_from([0, 1, 3]),
    out_port=st.sampled_from([ANY_PORT, ANY_PORT, 1, 2]),
    out_group=st.just(ANY_GROUP),
)


def selected(rule: Rule, by: Selection) -> bool:
    """The specification's words for a selection, one by one."""
    strictly = by.match == rule.match and by.priority == rule.priority
    return (
        by.table in (rule.table, 255)
        and (by.match.covers(rule.match) if by.priority is None else strictly)
        and rule.cookie & by.cookie_mask == by.cookie & by.cookie_mask
        and (by.out_port == ANY_PORT or Output(by.out_port) in rule.instructions.apply)
    )


@given(st.lists(rules, max_size=30), fields)
def test_a_lookup_finds_what_a_scan_of_all_rules_finds(held: list[Rule], headers: dict[str, int]) -> None:
    table = FlowTable(held)
    kept = {rule.key[1:]: rule for rule in held}
    hits = [rule for rule in kept.values() if rule.match.takes(headers)]
    found = table.lookup(headers)
    assert (found is None) == (not hits)
    if found is not None:
        assert found in hits
        assert found.priority == max(rule.priority for rule in hits)


edits = st.lists(
    st.one_of(
        st.tuples(st.just("add"), rules),
        st.tuples(st.just("delete"), selections),
        st.tuples(st.just("modify"), selections),
    ),
    max_size=25,
)


@given(edits)
def test_any_history_of_flow_mods_leaves_what_a_dictionary_of_rules_would_hold(history: list) -> None:
    model, plain = SwitchModel(ports={1, 2, 3}), {}
    for kind, what in history:
        if kind == "add":
            assert model.add(what) == plain.get(what.key)
            plain[what.key] = what
        elif kind == "delete":
            chosen = {r for r in plain.values() if selected(r, what)}
            assert set(model.delete(what)) == chosen
            plain = {key: r for key, r in plain.items() if r not in chosen}
        else:
            changed = {
                r._replace(instructions=OUT) for r in plain.values() if selected(r, what._replace(out_port=ANY_PORT))
            }
            assert set(model.modify(what, OUT)) == changed
            plain |= {r.key: r for r in changed}
        assert set(model.rules()) == set(plain.values())
        assert sum(len(table) for table in model.tables.values()) == len(plain)


@given(st.lists(rules, max_size=20), st.lists(rules, max_size=10), fields)
def test_a_clone_and_its_original_go_separate_ways(first: list[Rule], later: list[Rule], headers: dict) -> None:
    model = SwitchModel()
    for rule in first:
        model.add(rule)
    before = model.state(), model.lookup(0, headers)
    twin = model.clone()
    assert twin.state() == model.state()
    for rule in later:
        twin.add(rule)
    twin.delete(Selection(table=1))
    assert (model.state(), model.lookup(0, headers)) == before
    changed = twin.state()
    model.delete(Selection())
    assert twin.state() == changed


@given(st.lists(rules, max_size=30))
def test_a_switch_built_from_a_state_holds_that_state(held: list[Rule]) -> None:
    state = state_of([Block({rule.key: rule for rule in held}.values(), GROUPS, METERS)])
    assert SwitchModel.of(state, {1, 2}).state() == state


# -- groups, meters and what is refused ---------------------------------------------------------------------------

GROUPS = (
    GroupEntry(1, ALL, (Bucket((Output(2),)), Bucket((Output(3),)))),
    GroupEntry(2, SELECT, (Bucket((Group(1),)), Bucket((Output(3),)))),
    GroupEntry(3, INDIRECT, (Bucket((Output(3),)),)),
)
METERS = (Meter(1, ()), Meter(2, ()))
IPV4 = Match.of(eth_type=0x0800)


def rule(*apply, table: int = 0, match: Match = ANY, priority: int = 1, flags: int = 0, **instructions) -> Rule:
    return Rule(table, priority, match, Instructions(apply=apply, **instructions), flags=flags)


def model() -> SwitchModel:
    made = SwitchModel(ports={1, 2, 3})
    for group in GROUPS:
        made.add_group(group)
    for meter in METERS:
        made.add_meter(meter)
    made.add(rule(Group(1), match=Match.of(in_port=1)))
    made.add(rule(match=Match.of(in_port=2), write=(Group(3),)))
    made.add(rule(Output(2), match=Match.of(in_port=3), meter=2))
    return made


REFUSED = {
    "a table that cannot be": (lambda m: m.add(rule(table=255)), errors.BAD_TABLE),
    "going back": (lambda m: m.add(rule(table=3, goto=3)), errors.BAD_GOTO),
    "a group that is not there": (lambda m: m.add(rule(Group(9))), errors.BAD_OUT_GROUP),
    "writing a group that is not there": (lambda m: m.add(rule(write=(Group(9),))), errors.BAD_OUT_GROUP),
    "a meter that is not there": (lambda m: m.add(rule(meter=9)), errors.UNKNOWN_METER),
    "port 0": (lambda m: m.add(rule(Output(0))), errors.BAD_OUT_PORT),
    "port ANY": (lambda m: m.add(rule(Output(ANY_PORT))), errors.BAD_OUT_PORT),
    "TABLE in a rule": (lambda m: m.add(rule(Output(TABLE))), errors.BAD_OUT_PORT),
    "a tag of no type": (lambda m: m.add(rule(PushVlan(0x0800))), errors.BAD_ARGUMENT),
    "a label of no type": (lambda m: m.add(rule(PushMpls(0x8100))), errors.BAD_ARGUMENT),
    "a service of no type": (lambda m: m.add(rule(PushPbb(0x8847))), errors.BAD_ARGUMENT),
    "setting metadata": (lambda m: m.add(rule(SetField("metadata", 1))), errors.BAD_SET_TYPE),
    "a value too wide": (lambda m: m.add(rule(SetField("eth_dst", 1 << 48))), errors.BAD_SET_ARGUMENT),
    "a tag without its bit": (lambda m: m.add(rule(SetField("vlan_vid", 7))), errors.BAD_SET_ARGUMENT),
    "moving between widths": (lambda m: m.add(rule(Move("eth_src", "eth_type"))), errors.BAD_SET_TYPE),
    "moving from the pipeline": (lambda m: m.add(rule(Move("metadata", "tunnel_id"))), errors.BAD_SET_TYPE),
    "a port of no protocol": (lambda m: m.add(rule(SetField("tcp_dst", 1), match=IPV4)), errors.MATCH_INCONSISTENT),
    "an address of no IP": (lambda m: m.add(rule(SetField("ipv4_dst", 1))), errors.MATCH_INCONSISTENT),
    "a priority of no tag": (lambda m: m.add(rule(SetField("vlan_pcp", 1))), errors.MATCH_INCONSISTENT),
    "an ARP field moved off IP": (
        lambda m: m.add(rule(Move("arp_sha", "eth_dst"), match=IPV4)),
        errors.MATCH_INCONSISTENT,
    ),
    "modifying into the impossible": (lambda m: m.modify(Selection(), Instructions(goto=0)), errors.BAD_GOTO),
    "an overlap": (
        lambda m: m.add(rule(match=Match.of(metadata=1), flags=CHECK_OVERLAP)),
        errors.OVERLAP,
    ),
    "a group twice": (lambda m: m.add_group(GROUPS[0]), errors.GROUP_EXISTS),
    "an unknown group changed": (lambda m: m.modify_group(GroupEntry(9, ALL, ())), errors.UNKNOWN_GROUP),
    "a group beyond the last": (lambda m: m.add_group(GroupEntry(ALL_GROUPS, ALL, ())), errors.INVALID_GROUP),
    "an indirect group of two": (
        lambda m: m.modify_group(GroupEntry(3, INDIRECT, (Bucket(), Bucket()))),
        errors.INVALID_GROUP,
    ),
    "a bucket to nowhere": (
        lambda m: m.add_group(GroupEntry(4, ALL, (Bucket((Group(9),)),))),
        errors.BAD_OUT_GROUP,
    ),
    "a group in a circle": (lambda m: m.modify_group(GroupEntry(1, ALL, (Bucket((Group(2),)),))), errors.GROUP_LOOP),
    "a group into itself": (lambda m: m.add_group(GroupEntry(4, ALL, (Bucket((Group(4),)),))), errors.GROUP_LOOP),
    "a chained group deleted": (lambda m: m.delete_group(1), errors.CHAINED_GROUP),
    "a meter twice": (lambda m: m.add_meter(METERS[0]), errors.METER_EXISTS),
    "meter 0": (lambda m: m.add_meter(Meter(0, ())), errors.INVALID_METER),
    "an unknown meter changed": (lambda m: m.modify_meter(Meter(9, ())), errors.UNKNOWN_METER),
}


@pytest.mark.parametrize(("change", "fault"), REFUSED.values(), ids=REFUSED)
def test_a_refused_change_names_its_error_and_changes_nothing(change, fault: errors.Fault) -> None:
    made = model()
    before = made.state()
    with pytest.raises(SwitchError) as refusal:
        change(made)
    assert (refusal.value.type, refusal.value.code) == fault
    assert refusal.value.text
    assert made.state() == before


def test_prerequisites_are_followed_through_pushes_and_pops() -> None:
    made = model()
    made.add(rule(PushVlan(), SetField("vlan_pcp", 5)))
    made.add(rule(SetField("ip_proto", 17), SetField("udp_dst", 53), match=IPV4))
    made.add(rule(PushMpls(), SetField("mpls_label", 5), SetField("ipv4_dst", 1), priority=2))
    assert len(made.tables[0]) == 6


def test_a_full_table_takes_no_new_rule_but_new_versions_of_its_own() -> None:
    made = SwitchModel(capacity=1)
    made.add(rule(Output(1)))
    with pytest.raises(SwitchError, match="table 0 is full: it holds 1 rules") as refusal:
        made.add(rule(Output(1), priority=2))
    assert (refusal.value.type, refusal.value.code) == errors.TABLE_FULL
    assert made.add(rule(Output(2))) == rule(Output(1))
    made.add(rule(Output(1), table=1))
    assert len(list(made.rules())) == 2


def test_deleting_a_group_takes_the_rules_that_use_it_along() -> None:
    made = model()
    assert [gone.match for gone in made.delete_group(3)] == [Match.of(in_port=2)]
    assert made.delete_group(2) == ()
    assert [gone.match for gone in made.delete_group(1)] == [Match.of(in_port=1)]
    assert made.delete_group(77) == ()
    assert made.groups == {}


def test_deleting_all_groups_heeds_no_chain() -> None:
    made = model()
    assert len(made.delete_group(ALL_GROUPS)) == 2
    assert made.groups == {}
    for group in GROUPS:
        made.add_group(group)
    assert tuple(made.state().groups) == GROUPS


def test_deleting_a_meter_takes_the_rules_that_use_it_along() -> None:
    made = model()
    assert made.delete_meter(1) == ()
    assert [gone.match for gone in made.delete_meter(ALL_METERS)] == [Match.of(in_port=3)]
    assert made.meters == {}


def test_users_are_forgotten_when_a_rule_stops_using_a_group() -> None:
    made = model()
    made.modify(Selection(), OUT)
    assert made.delete_group(3) == ()
    made.delete_group(2)
    assert made.delete_group(1) == ()
    assert len(list(made.rules())) == 3


def test_a_deletion_can_be_confined_to_rules_that_send_to_a_group() -> None:
    made = model()
    assert [gone.match for gone in made.delete(Selection(out_group=1))] == [Match.of(in_port=1)]
    assert made.delete(Selection(out_group=1)) == ()


# -- counters ------------------------------------------------------------------------------------------------------


def test_counters_follow_packets_and_survive_what_the_specification_says() -> None:
    made = model()
    first, again = rule(Group(1), match=Match.of(in_port=1)), rule(Output(2), match=Match.of(in_port=1))
    made.counts.record(step(made, 1, PACKET), 100, now=7.0)
    made.counts.record(step(made, 9, PACKET), 60, now=8.0)
    held = made.select(Selection(match=Match.of(in_port=1)))[0]
    assert held == first
    count = made.counts.rule(held)
    assert (count.packets, count.octets, count.used) == (1, 100, 7.0)
    assert made.counts.table(0) == (2, 1)
    assert made.counts.group(1).packets == made.counts.group(1, 0).packets == made.counts.group(1, 1).packets == 1
    made.add(again, now=9.0)
    assert (made.counts.rule(again).packets, made.counts.rule(again).since) == (1, 9.0)
    (changed,) = made.modify(Selection(match=again.match), OUT)
    assert made.counts.rule(changed).packets == 1
    afresh = again._replace(flags=RESET_COUNTS)
    made.add(afresh)
    assert made.counts.rule(afresh).packets == 0
    assert made.clone().counts.table(0) == (0, 0)


def test_a_changed_group_counts_from_zero() -> None:
    made = model()
    made.counts.record(step(made, 1, PACKET), 100, now=1.0)
    made.modify_group(GROUPS[0]._replace(type=SELECT))
    assert made.counts.group(1).packets == made.counts.group(1, 0).packets == 0
