"""Endpoints of networks that carry broadcast move, one or several, there and back: every state on the way is proved,
and on the way no broadcast is lost to whom both intents want it for, or gets to anybody else."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.broadcast_moves import (
    HOSTS,
    NETWORKS,
    Places,
    broken,
    change,
    fabric,
    on_the_way,
    possible,
    receivers,
    tag,
)
from tests.support.examples import EXAMPLES
from tests.support.prover_settings import settled

FABRIC = fabric()
HOME = {"a": "border1", "b": "border1", "c": "border1", "d": "one"}

MOVES: dict[str, tuple[Places, Places]] = {
    "the second of a legacy border to a leaf where the first is": (HOME, {**HOME, "b": "near"}),
    "two of a legacy border to leaves": (HOME, {**HOME, "a": "near", "b": "two"}),
    "all of a legacy border to leaves": (HOME, {"a": "near", "b": "two", "c": "single", "d": "one"}),
    "all of a legacy border to another": (HOME, {"a": "border2", "b": "border2", "c": "border2", "d": "one"}),
    "to a pair": (HOME, {**HOME, "b": "dual", "a": "single"}),
    "between leaves": ({**HOME, "a": "two"}, {**HOME, "a": "near"}),
    "between hosts of a leaf": ({**HOME, "a": "one"}, {**HOME, "a": "near"}),
    "to each other's place": ({**HOME, "a": "two", "b": "near"}, {**HOME, "a": "near", "b": "two"}),
    "to each other's place in a pair": ({**HOME, "a": "single", "c": "dual"}, {**HOME, "a": "dual", "c": "single"}),
    "to a hypervisor": ({**HOME, "a": "near", "x": "trunk"}, {**HOME, "a": "trunk", "x": "trunk"}),
    "while another goes": (
        {"a": "border1", "b": "near", "c": "near", "d": "near"},
        {"b": "one", "c": "near", "d": "near"},
    ),
}


@pytest.mark.parametrize("named", MOVES)
def test_every_state_on_the_way_there_and_back_is_proved(named: str) -> None:
    was, now = MOVES[named]
    old, new = change(was, now, FABRIC)
    assert broken(old, new) == []
    assert broken(new, old) == []


@st.composite
def moves(draw: st.DrawFn) -> tuple[Places, Places]:
    """Endpoints anywhere, and up to three of them anywhere else."""
    where = st.fixed_dictionaries({name: st.sampled_from(HOSTS) for name in NETWORKS}).filter(possible)
    was = draw(where)
    some = st.dictionaries(st.sampled_from(list(NETWORKS)), st.sampled_from(HOSTS), min_size=1, max_size=3)
    now = draw(some.map(lambda moved: {**was, **moved}).filter(lambda each: possible(each) and each != was))
    return was, now


@given(moves())
@settings(settled, max_examples=max(3, EXAMPLES // 10))
def test_every_state_on_the_way_of_any_moves_is_proved(moved: tuple[Places, Places]) -> None:
    old, new = change(*moved, FABRIC)
    assert broken(old, new) == []


@given(moves())
@settings(settled, max_examples=max(3, EXAMPLES // 10))
def test_on_the_way_of_any_moves_a_broadcast_reaches_its_own_network_and_nobody_else(
    moved: tuple[Places, Places],
) -> None:
    """Without the prover: a frame from every place of every endpoint, run through the rules of each state."""
    old, new = change(*moved, FABRIC)
    for name, ruleset in on_the_way(old, new):
        for endpoint in NETWORKS:
            for host in {places[endpoint] for places in moved}:
                got = receivers(ruleset, FABRIC, endpoint, host)
                before, after = (homes(places, endpoint) for places in moved)
                own = {place for place in before | after if place[0] in {places[endpoint] for places in moved}}
                where = f"after {name}, a broadcast of {endpoint} from {host}"
                assert set(got) <= before | after, where
                assert len(set(got)) == len(got), f"{where} comes twice: {got}"
                assert not got or (before & after) - own <= set(got), f"{where} is lost to some"


def homes(places: Places, endpoint: str) -> set[tuple[str, int | None]]:
    """Where the endpoint's network is, and the tag there."""
    network = NETWORKS[endpoint]
    return {(host, tag(host, network)) for name, host in places.items() if NETWORKS[name] == network}
