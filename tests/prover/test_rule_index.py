"""Levels of many rules without a field that tells all apart: searched by the one that parts them best."""

from __future__ import annotations

from itertools import combinations
from unittest.mock import patch

from hypothesis import given, settings
from hypothesis import strategies as st

from clos.controller.verify.dataplane import priority_level
from clos.controller.verify.dataplane.prepared_rule import prepare
from clos.controller.verify.dataplane.priority_level import PriorityLevel
from clos.controller.verify.headerspace.header_space import ETH_SRC, HeaderSpace, meet, narrowed
from clos.controller.verify.headerspace.header_terms import terms_of_rules
from clos.controller.verify.headerspace.transform import UNCHANGED, HeaderTransform
from clos.fabric.dataplane.match import Match
from clos.fabric.dataplane.rule import Instructions, Rule

macs, protos = st.sampled_from([1, 2, 3]), st.sampled_from([None, 1, 6])
some_rules = st.lists(
    st.tuples(macs, protos, st.integers(1, 2)), min_size=2, max_size=12, unique_by=lambda row: row[:2]
)
some_frames = st.sampled_from([UNCHANGED, HeaderTransform(((ETH_SRC, 2),)), HeaderTransform(((ETH_SRC, 9),))])


def level(rows: list[tuple[int, int | None, int]], space: HeaderSpace) -> PriorityLevel:
    return PriorityLevel([prepare(rule(*row), space, i) for i, row in enumerate(rows)])


def rule(mac: int, proto: int | None, goto: int) -> Rule:
    fields = {"eth_src": mac} if proto is None else {"eth_src": mac, "eth_type": 0x800, "ip_proto": proto}
    return Rule(0, 5, Match.of(**fields), Instructions(goto=goto))


@given(some_rules, some_frames, st.sets(st.sampled_from([1, 2, 3, 9]), min_size=1))
@settings(max_examples=50, deadline=None)
def test_an_index_of_rules_finds_what_trying_one_by_one_does(
    rows: list[tuple[int, int | None, int]], frame: HeaderTransform, sources: set[int]
) -> None:
    space = HeaderSpace([*terms_of_rules([rule(*row) for row in rows]), *(("eth_src", mac, None) for mac in (1, 2, 3))])
    held = 0
    for mac in sources:
        held |= space.domain[ETH_SRC].atom(mac)
    box = narrowed(space.full, ETH_SRC, held)
    found = []
    for many in (2, 1000):
        with patch.object(priority_level, "MANY", many):
            rest: list[tuple[int, ...]] = []
            hits = [*level(rows, space).split(space, box, frame, rest)]
            found.append([*hits, *((left, ()) for left in rest)])
    for parts in found:
        assert all(meet(a, b) is None for (a, _), (b, _) in combinations(parts, 2))
    for (a, mine), (b, theirs) in ((one, other) for one in found[0] for other in found[1]):
        assert meet(a, b) is None or set(mine) == set(theirs)
    for parts, others in (found, found[::-1]):
        assert all(any(meet(a, b) for b, _ in others) for a, _ in parts)
