"""Laws of rules that never match: boxes and OpenFlow rules against every single point and packet."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from math import prod
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clos.controller.analysis import bdd as diagrams
from clos.controller.analysis import shadowed_rules as shadow
from clos.controller.analysis.cover import Multiplied, cover
from clos.controller.analysis.interval_boxes import Box, boxes_of, meets, within
from clos.controller.analysis.shadowed_rules import Shadow, hidden, shadowed
from clos.controller.verify.headerspace.value_atoms import Unmodelled
from clos.fabric.dataplane.match import Match
from clos.fabric.dataplane.rule import DROP, Rule
from tests.support.random_boxes import Points, boxes, lists, points, ranks

brief = settings(max_examples=300, deadline=None)

pytestmark = pytest.mark.memory(16384)  # OxiDD reserves a gigabyte for each manager and gives it back late


def assert_least(box: Points, hiding: Sequence[Points]) -> None:
    """The hiding sets take the whole of the other, and none of them can be spared."""
    assert box <= frozenset().union(*hiding)
    for each in range(len(hiding)):
        assert not box <= frozenset().union(*hiding[:each], *hiding[each + 1 :])


def assert_exact(held: list[Box], order: list[int], found: dict[int, tuple[int, ...]]) -> None:
    sets = [points(box) for box in held]
    for number, box in enumerate(sets):
        before = [sets[each] for each in range(len(sets)) if order[each] < order[number]]
        assert (number in found) == (box <= frozenset().union(*before))
        if number in found:
            assert all(order[each] < order[number] for each in found[number])
            assert_least(box, [sets[each] for each in found[number]])


@given(lists, ranks)
@brief
def test_hidden_boxes_are_those_without_a_point_of_their_own(held: list[Box], order: list[int]) -> None:
    assert_exact(held, order[: len(held)], hidden(held, order))


@given(lists, ranks)
@settings(max_examples=100, deadline=None)
def test_decision_diagrams_say_the_same(held: list[Box], order: list[int]) -> None:
    pytest.importorskip("oxidd", reason="OxiDD is an extra: pip install 'clos-fabric[diagrams]'")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shadow, "LIMIT", 0)
        found = hidden(held, order)
    assert_exact(held, order[: len(held)], found)
    assert set(found) == set(hidden(held, order))


@given(boxes, lists)
@settings(max_examples=150, deadline=None)
def test_either_way_finds_a_cover_where_there_is_one(box: Box, held: list[Box]) -> None:
    pytest.importorskip("oxidd", reason="OxiDD is an extra: pip install 'clos-fabric[diagrams]'")
    others = [other for other in held if meets(box, other)]
    covered = points(box) <= frozenset().union(*map(points, others))
    for how in (cover, diagrams.cover):
        found = how(box, others)
        assert (found is not None) == covered
        if found is not None:
            assert points(box) <= frozenset().union(*(points(others[each]) for each in found.by))
            assert found.needed <= found.by
            for each in found.needed:
                assert not points(box) <= frozenset().union(*(points(others[one]) for one in found.by - {each}))


@given(boxes, boxes)
@brief
def test_boxes_meet_and_lie_within_as_their_points_do(one: Box, other: Box) -> None:
    assert meets(one, other) == bool(points(one) & points(other))
    assert within(one, other) == (points(one) <= points(other))


masked = st.dictionaries(
    st.sampled_from("ab"), st.builds(lambda value, mask: (value & mask, mask), st.integers(0, 15), st.integers(0, 15))
)


def agree(row: dict[str, tuple[int, int]], point: dict[str, int]) -> bool:
    return all(point[name] & mask == value for name, (value, mask) in row.items())


@given(st.lists(masked, min_size=1, max_size=4))
@brief
def test_masks_of_any_form_become_boxes_that_share_as_many_points(rows: list[dict[str, tuple[int, int]]]) -> None:
    made = boxes_of(rows, {"a": 4, "b": 4})
    named = sorted({name for row in rows for name in row})
    values = [dict(zip(named, value, strict=True)) for value in product(range(16), repeat=len(named))]
    held = [{number for number, point in enumerate(values) if agree(row, point)} for row in rows]
    for (one, box), (other, beside) in product(zip(held, made, strict=True), repeat=2):
        shared = zip(box, beside, strict=True)
        assert prod(max(0, min(e, h) - max(f, g) + 1) for (f, e), (g, h) in shared) == len(one & other)


def fields(**terms: st.SearchStrategy[tuple[int, int | None] | None]) -> st.SearchStrategy[Match]:
    drawn = st.fixed_dictionaries(terms)
    return drawn.map(lambda held: Match.of(**{name: term for name, term in held.items() if term is not None}))


def exactly(*values: int) -> st.SearchStrategy[tuple[int, int | None] | None]:
    return st.sampled_from([(value, None) for value in values])


low_bits: st.SearchStrategy[tuple[int, int | None] | None] = st.builds(
    lambda value, mask: (value & mask, mask), st.integers(0, 3), st.integers(0, 3)
)
vlans = (
    st.none()
    | exactly(0, 5, *(0x1000 | vid for vid in range(4)))
    | st.sampled_from([(0x1000, 0x1000), (0x1001, 0x1001), (0x1002, 0x1003), (0, 0x1000), (1, 1), (0, 3)])
)
ip = st.just((0x0800, None))
matches = (
    fields(vlan_vid=vlans, eth_type=st.none() | exactly(0x0800, 0x0806))
    | fields(vlan_vid=vlans, eth_type=ip, ipv4_dst=low_bits, ip_proto=st.none() | exactly(6, 17))
    | fields(vlan_vid=vlans, eth_type=ip, ip_proto=exactly(6), tcp_dst=low_bits)
)
rules = st.builds(Rule, st.integers(0, 1), st.integers(1, 6), matches, st.just(DROP))

VLANS = [0, *(0x1000 | vid for vid in range(8))]
"""Of tags that no rule names exactly, one for each value of the two bits that masks look at is enough."""
PACKETS = [
    {"vlan_vid": vlan, **rest}
    for vlan in VLANS
    for rest in (
        {"eth_type": 0x0806},
        {"eth_type": 0x86DD},
        *({"eth_type": 0x0800, "ipv4_dst": dst, "ip_proto": proto} for dst in range(4) for proto in (1, 17)),
        *(
            {"eth_type": 0x0800, "ipv4_dst": dst, "ip_proto": 6, "tcp_dst": port}
            for dst in range(4)
            for port in range(4)
        ),
    )
]


def taken(rule: Rule) -> Points:
    return frozenset((number,) for number, packet in enumerate(PACKETS) if rule.match.takes(packet))


@given(st.lists(rules, max_size=8, unique_by=lambda rule: rule.key))
@brief
def test_shadowed_rules_are_those_that_no_packet_reaches(held: list[Rule]) -> None:
    packets = {rule: taken(rule) for rule in held}
    found = {each.rule: each.by for each in shadowed(held)}
    for rule in held:
        above = [other for other in held if other.table == rule.table and other.priority > rule.priority]
        assert (rule in found) == (packets[rule] <= frozenset().union(*map(packets.__getitem__, above)))
        if rule in found:
            assert set(found[rule]) <= set(above)
            assert_least(packets[rule], [packets[each] for each in found[rule]])


def test_a_narrow_rule_below_a_wide_one_never_matches_and_says_why() -> None:
    wide_rule = Rule(0, 20, Match.of(eth_type=0x0800, ipv4_dst=(0x0A000000, 0xFF000000)), DROP)
    narrow = Rule(0, 10, Match.of(eth_type=0x0800, ipv4_dst=0x0A000001, ip_proto=6, tcp_dst=80), DROP)
    assert shadowed([narrow, wide_rule]) == (Shadow(narrow, (wide_rule,)),)
    assert str(shadowed([narrow, wide_rule])[0]) == f"{narrow} never matches: its packets are taken by {wide_rule}"
    assert shadowed([narrow._replace(priority=30), wide_rule]) == ()
    assert shadowed([narrow._replace(table=1), wide_rule]) == ()


def test_what_no_packet_has_needs_no_rule_to_hide_it() -> None:
    untagged, odd, fourths = (
        Rule(0, priority, Match.checked([("vlan_vid", value, mask)]), DROP)
        for priority, value, mask in ((1, 0, 0x1000), (2, 1, 1), (2, 0, 3))
    )
    assert shadowed([untagged, odd, fourths]) == (Shadow(untagged, (fourths,)),)
    none = Rule(0, 1, Match.checked([("vlan_vid", 1, 0x1001)]), DROP)
    assert shadowed([none, odd]) == (Shadow(none, ()),)


def test_rules_of_one_priority_do_not_hide_each_other() -> None:
    assert shadowed([Rule(0, 5, Match.of(in_port=1), DROP), Rule(0, 5, Match.of(), DROP)]) == ()


def test_tagged_and_untagged_are_all_packets() -> None:
    none, tagged = Rule(0, 9, Match.of(vlan_vid=0), DROP), Rule(0, 8, Match.of(vlan_vid=(0x1000, 0x1000)), DROP)
    miss = Rule(0, 0, Match.of(), DROP)
    assert shadowed([none, tagged, miss]) == (Shadow(miss, (none, tagged)),)


def test_a_match_of_no_packet_is_hidden_by_nothing() -> None:
    rule = Rule(0, 1, Match.of(vlan_vid=7), DROP)
    assert shadowed([rule]) == (Shadow(rule, ()),)
    assert str(shadowed([rule])[0]).endswith("never matches: no packet has such headers")


def test_every_value_of_a_field_together_hides_the_miss() -> None:
    each = [Rule(0, 9, Match.of(metadata=(value << 8, 0xFF00)), DROP) for value in range(256)]
    miss = Rule(0, 0, Match.of(), DROP)
    assert shadowed([*each, miss]) == (Shadow(miss, tuple(each)),)
    assert shadowed([*each[:77], *each[78:], miss]) == ()


BITS, KNOTS = 30, 160


def knots() -> list[Box]:
    """Boxes of three bits each, chosen so that together they just cover everything: what a search finds hard."""
    chance = Random(1)
    made = []
    for _ in range(KNOTS):
        bits = [(0, 1)] * BITS
        for place in chance.sample(range(BITS), 3):
            bits[place] = (chance.getrandbits(1),) * 2
        made.append(tuple(bits))
    return made


def test_a_search_stops_at_its_limit() -> None:
    with pytest.raises(Multiplied):
        cover(((0, 1),) * BITS, knots(), limit=1_000)


def test_where_a_search_multiplies_diagrams_decide() -> None:
    pytest.importorskip("oxidd", reason="OxiDD is an extra: pip install 'clos-fabric[diagrams]'")
    whole = ((0, 1),) * BITS
    with pytest.raises(Multiplied):
        cover(whole, knots(), shadow.LIMIT)
    by = hidden([*knots(), whole], [0] * KNOTS + [1])[KNOTS]
    assert cover(whole, [knots()[each] for each in by]) is not None
    assert cover(whole, [knots()[each] for each in by[1:]]) is None


def test_diagrams_that_outgrow_their_memory_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("oxidd", reason="OxiDD is an extra: pip install 'clos-fabric[diagrams]'")
    monkeypatch.setattr(diagrams, "NODES", 64)
    with pytest.raises(Unmodelled, match="more than 64 nodes"):
        diagrams.cover(((0, 1),) * BITS, knots())


@given(lists, ranks)
@settings(max_examples=100, deadline=None)
def test_without_the_extra_the_search_goes_on(held: list[Box], order: list[int]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shadow, "LIMIT", 0)
        patch.setattr(diagrams, "installed", lambda: False)
        assert_exact(held, order[: len(held)], hidden(held, order))
