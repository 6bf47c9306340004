"""Laws of packet sets: atoms, boxes and frames against brute force over small widths."""

from __future__ import annotations

from itertools import product

from hypothesis import given, settings
from hypothesis import strategies as st

from clos.controller.verify.headerspace.exact_values import ExactValues
from clos.controller.verify.headerspace.header_layouts import HeaderLayouts
from clos.controller.verify.headerspace.header_space import (
    ETH_DST,
    ETH_SRC,
    IP_DST,
    IP_SRC,
    TTL,
    HeaderSpace,
    meet,
    minus,
    outside,
    within,
)
from clos.controller.verify.headerspace.transform import UNCHANGED, HeaderTransform, Tag, after, canonical
from clos.controller.verify.headerspace.value_atoms import ValueAtoms
from tests.support.examples import EXAMPLES
from tests.support.random_rules import frames
from tests.support.verify_points import changed

BITS = 5
regions = st.builds(lambda value, mask: (value & mask, mask), st.integers(0, 31), st.integers(0, 31))
brief = settings(max_examples=200, deadline=None)


@given(st.sets(regions, max_size=8))
@brief
def test_a_region_is_exactly_its_values(held: set[tuple[int, int]]) -> None:
    domain = ValueAtoms(BITS, held)
    for value, mask in held:
        for each in range(32):
            assert bool(domain.atom(each) & domain.of(value, mask)) == (each & mask == value)


@given(st.sets(regions, max_size=8))
@brief
def test_every_atom_has_a_value_and_every_value_one_atom(held: set[tuple[int, int]]) -> None:
    domain = ValueAtoms(BITS, held)
    atoms = {domain.atom(each) for each in range(32)}
    assert sum(atoms) == domain.full and all(atom == atom & -atom or atom == -(atom & -atom) for atom in atoms)
    assert all(domain.atom(domain.value(atom)) == atom for atom in atoms)
    for atom in atoms:
        members = [each for each in range(32) if domain.atom(each) == atom]
        assert domain.single(atom) == (members[0] if len(members) == 1 else None)


@given(st.sets(regions, max_size=8), st.lists(st.integers(0, 31), max_size=6))
@brief
def test_a_domain_that_grew_is_the_domain_of_all_its_regions(held: set[tuple[int, int]], more: list[int]) -> None:
    domain = ValueAtoms(BITS, held)
    sets = {region: domain.of(*region) for region in held}
    grown = [value for value in more if domain.grow(value)]
    for each in range(32):
        assert all(
            bool(bits & domain.atom(each)) == (each & mask == value) == bool(domain.of(value, mask) & domain.atom(each))
            for (value, mask), bits in sets.items()
        )
        assert all(bool(domain.of(value) & domain.atom(each)) == (value == each) for value in grown)
        assert domain.atom(domain.value(domain.atom(each))) == domain.atom(each)


@given(st.sets(regions, max_size=8), regions, regions)
@brief
def test_exact_values_are_the_sets_of_regions_that_nobody_mentioned(
    held: set[tuple[int, int]], one: tuple[int, int], other: tuple[int, int]
) -> None:
    domain = ExactValues(BITS, held)
    mine, theirs = ({each for each in range(32) if each & mask == value} for value, mask in (one, other))

    def told(chosen: int) -> set[int]:
        return {each for each in range(32) if chosen & domain.atom(each)}

    a, b = domain.of(*one), domain.of(*other)
    assert told(domain.full) == set(range(32)) and told(a) == mine and told(b) == theirs
    for chosen, values in ((a & b, mine & theirs), (a & ~b, mine - theirs), (domain.full & ~a & ~b, told(~(a | b)))):
        assert told(chosen) == values and bool(chosen) == bool(values)
        assert domain.single(chosen) == (min(values) if len(values) == 1 else None)
        assert not values or domain.value(chosen) in values


@given(st.sets(regions, max_size=8))
@brief
def test_exact_values_that_are_mentioned_have_the_lowest_atoms(held: set[tuple[int, int]]) -> None:
    domain = ExactValues(BITS, held)
    values = {each for each in range(32) if any(each & mask == value for value, mask in held)}
    assert sorted(domain.atom(each).bit_length() for each in values) == list(range(1, len(values) + 1))


@given(st.sets(st.integers(0, 255), max_size=4), st.integers(0, 255), st.integers(0, 255))
@settings(brief, max_examples=max(3, EXAMPLES // 10))
def test_protocols_told_apart_one_by_one_are_so_whether_mentioned_or_not(held: set[int], one: int, other: int) -> None:
    layouts = HeaderLayouts((), held, every_proto=True)
    assert layouts.knows("ip_proto", one) and len(set(layouts.all)) == len(layouts.all)
    assert layouts.proto(one) and (layouts.proto(one) & layouts.proto(other) != 0) == (one == other)
    ip = layouts.where(layer="ipv4") | layouts.where(layer="ipv6")
    assert ip == sum(layouts.proto(each) for each in range(256))


boxes = st.tuples(*[st.integers(1, 7)] * 3)


def points(box: tuple[int, ...]) -> set[tuple[int, ...]]:
    return {p for p in product(range(3), repeat=3) if all(x >> i & 1 for x, i in zip(box, p, strict=True))}


@given(boxes, boxes)
@brief
def test_boxes_are_the_sets_of_their_points(a: tuple[int, ...], b: tuple[int, ...]) -> None:
    common = meet(a, b)
    assert (points(common) if common else set()) == points(a) & points(b)
    rest = minus(a, b)
    assert set().union(*map(points, rest)) == points(a) - points(b)
    assert sum(len(points(piece)) for piece in rest) == len(points(a) - points(b))


@given(boxes, st.lists(st.tuples(st.integers(0, 2), st.integers(0, 7)), max_size=4).map(tuple))
@brief
def test_limits_part_a_box_in_two(box: tuple[int, ...], limits: tuple[tuple[int, int], ...]) -> None:
    taken, rest = within(box, limits), list(outside(box, limits))
    wanted = {p for p in points(box) if all(bits >> p[slot] & 1 for slot, bits in limits)}
    assert (points(taken) if taken else set()) == wanted
    assert set().union(*map(points, rest)) == points(box) - wanted
    assert sum(len(points(piece)) for piece in rest) == len(points(box)) - len(wanted)


sources = st.dictionaries(
    st.sampled_from([ETH_DST, ETH_SRC, IP_SRC, IP_DST]), st.sampled_from([7, ~ETH_DST, ~ETH_SRC]), max_size=3
).map(lambda held: tuple(sorted((slot, found) for slot, found in held.items() if found != ~slot)))
some_tags = st.lists(st.builds(Tag, st.just(0x8100), st.sampled_from([0x1001, ~3]), st.just(0)), max_size=2).map(tuple)
some_frames = st.builds(HeaderTransform, sources, some_tags, st.integers(0, 1), st.sampled_from([0, 1, 2, ~9]))


@given(some_frames, some_frames, some_frames)
@brief
def test_frames_compose_like_functions(a: HeaderTransform, b: HeaderTransform, c: HeaderTransform) -> None:
    assert after(after(a, b), c) == after(a, after(b, c))
    assert after(UNCHANGED, a) == a == after(a, UNCHANGED)


@given(some_frames, frames(), st.integers(0, 255))
@brief
def test_a_canonical_frame_does_the_same(frame: HeaderTransform, packet: object, ttl: int) -> None:
    space = HeaderSpace(
        [("eth_dst", 7, None), ("ipv4_src", 7, None), ("ipv4_dst", 7, None), ("vlan_vid", 0x1001, None)]
    )
    box = list(space.full)
    box[TTL] = 1 << (packet.get("nw_ttl") or ttl)
    while len(packet.vlans) < 2:
        packet = packet.push_vlan().set("vlan_vid", 0x1001)
    box[3] = space.domain[3].of(0x1001)
    if packet.vlans[0] == 1 and packet.get("nw_ttl") not in (0, 1):
        assert changed(packet, canonical(space, tuple(box), frame)) == changed(packet, frame)
