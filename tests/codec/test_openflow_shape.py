"""The law of shapes: a match read in one stroke is the match read term by term, whatever was read before."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from clos.fabric.dataplane.match import Match
from clos.fabric.openflow import shape
from clos.fabric.openflow.errors import DecodeError
from clos.fabric.openflow.oxm import _parse_terms, pack_term, parse_terms
from tests.support.openflow_strategies import matches


def both(data: bytes) -> list[object]:
    """What the two ways of reading make of the bytes: a match, or the error's code."""
    found: list[object] = []
    for read in (lambda: _parse_terms(data)[0], lambda: parse_terms(data)):
        try:
            found.append(read())
        except DecodeError as error:
            found.append((error.type, error.code))
    return found


@settings(max_examples=300, deadline=None)
@given(matches(), st.integers(0, 2**64))
def test_bytes_near_a_match_that_was_learnt_are_read_as_if_nothing_had_been(match: Match, seed: int) -> None:
    """Every neighbour by a bit or two, in the order a switch may write the terms: legal or not, the same comes out."""
    chance = random.Random(seed)
    data = b"".join(map(pack_term, match))
    assert both(data) == [match, match]
    for _ in range(30):
        near = bytearray(data)
        for _ in range(chance.choice((1, 1, 2, 3)) if data else 0):
            near[chance.randrange(len(near))] ^= 1 << chance.randrange(8)
        slow, quick = both(bytes(near))
        assert slow == quick, near.hex()


def test_matches_that_differ_in_values_only_are_recognised() -> None:
    shape.forget()
    rows = [Match.of(metadata=(n << 32, 0x3FFFF << 32), eth_type=0x800, ipv4_dst=n) for n in range(50)]
    parse_terms(b"".join(map(pack_term, rows[0])))
    assert [shape.recognise(b"".join(map(pack_term, row))) for row in rows] == rows
    assert shape.recognise(b"".join(map(pack_term, Match.of(eth_type=0x806, arp_tpa=1)))) is None


def test_what_an_unfriendly_peer_makes_us_remember_is_bounded() -> None:
    shape.forget()
    for mask in range(1, 500):
        match = Match.of(metadata=(0, mask))
        assert parse_terms(b"".join(map(pack_term, match))) == match
    assert [len(kept) for kept in shape._SHAPES.values()] == [shape.KEPT]
