"""Generated fabrics are sound at any size, and growing one moves nothing that was there."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clos.fabric.generate import clos, host_mac
from clos.fabric.topology import BORDER, LEAF, MAX_NODE_TAG, SPINE, Topology, check

sizes = st.fixed_dictionaries(
    {
        "spines": st.integers(1, 5),
        "leaves": st.integers(1, 9),
        "borders": st.integers(0, 4),
        "hosts_per_leaf": st.integers(0, 4),
        "trunks_per_leaf": st.integers(0, 2),
        "hosts_per_border": st.integers(0, 2),
        "pairs": st.just(True),
        "dual_homed": st.integers(0, 3),
    }
)


@given(sizes)
def test_every_generated_fabric_is_sound(size) -> None:
    assert check(clos(**size)) == ()


@given(sizes)
def test_a_generated_fabric_has_what_was_asked_for(size) -> None:
    topology = clos(**size)
    roles = [switch.role for switch in topology.switches.values()]
    assert (roles.count(SPINE), roles.count(LEAF), roles.count(BORDER)) == (
        size["spines"],
        size["leaves"],
        size["borders"],
    )
    assert len(topology.links) == size["spines"] * (size["leaves"] + size["borders"])
    assert len(topology.pairs) == size["leaves"] // 2 + size["borders"] // 2
    single = size["leaves"] * (size["hosts_per_leaf"] + size["trunks_per_leaf"])
    single += size["borders"] * size["hosts_per_border"]
    assert len(topology.hosts) == single + size["leaves"] // 2 * size["dual_homed"]
    assert sum(host.dual_homed for host in topology.hosts.values()) == size["leaves"] // 2 * size["dual_homed"]


@given(sizes)
def test_every_leaf_reaches_every_spine_on_the_port_of_its_number(size) -> None:
    topology = clos(**size)
    spines = [f"spine{n}" for n in range(1, size["spines"] + 1)]
    for leaf in topology.leaves:
        assert topology.uplinks[leaf.name] == tuple(enumerate(spines, 1))


def _kept(small: Topology, large: Topology) -> bool:
    return (
        all(large.switches[name] == switch for name, switch in small.switches.items())
        and all(large.pairs[name] == pair for name, pair in small.pairs.items())
        and all(large.hosts[name] == host for name, host in small.hosts.items())
        and set(small.links) <= set(large.links)
    )


@pytest.mark.parametrize("more", [{"spines": 5}, {"leaves": 9}, {"hosts_per_leaf": 7}, {"dual_homed": 2}])
def test_growing_a_fabric_at_its_end_changes_nothing_that_was_there(more) -> None:
    size = {"spines": 2, "leaves": 4, "hosts_per_leaf": 3, "pairs": True}
    assert _kept(clos(**size), clos(**size | more))


def test_hosts_have_addresses_of_their_own_whatever_their_number() -> None:
    hosts = clos(8, 64, hosts_per_leaf=400).hosts
    assert len({host.mac for host in hosts.values()}) == 25_600
    assert all(host.mac >> 40 == 0x06 for host in hosts.values())
    assert hosts["h64-400"].mac == host_mac("h64-400")


def test_more_than_a_hundred_spines_leave_room_for_hosts() -> None:
    topology = clos(101, 2, hosts_per_leaf=1)
    assert check(topology) == ()
    assert [host.ports[0].port for host in topology.hosts.values()] == [201, 201]


@pytest.mark.parametrize(
    "size",
    [
        {"spines": -1, "leaves": 1},
        {"spines": 1, "leaves": MAX_NODE_TAG + 1},
        {"spines": 1, "leaves": 1_365, "pairs": True},
        {"spines": 1, "leaves": 2, "dual_homed": 1},
    ],
)
def test_what_cannot_be_generated_is_refused(size) -> None:
    with pytest.raises(ValueError, match=r"negative|node tags|pairs"):
        clos(**size)


def test_as_many_leaves_as_there_are_node_tags_can_be_generated() -> None:
    assert check(clos(1, MAX_NODE_TAG)) == ()
    assert check(clos(1, 1_364, pairs=True)) == ()
