"""Tables that age: addresses that a bridge learned, ARP answers that a router keeps, the best of several routes."""

from __future__ import annotations

from clos.fabric.protocols.eigrp.routes import Prefix
from clos.fabric.sim.clock import SECOND
from clos.fabric.sim.journey import Journey
from clos.fabric.sim.legacy.l2.addresses import AGE, FAST_AGE, Addresses
from clos.fabric.sim.legacy.l3 import neighbors
from clos.fabric.sim.legacy.l3.neighbors import Neighbors
from clos.fabric.sim.legacy.l3.table import Hop, Row, Table

HOST = b"\0\x50\x56\0\x01\x01"
WHERE = ("Vlan10", 0x0A140A0B)


def test_an_address_is_forgotten_when_it_was_not_heard_for_its_age() -> None:
    table = Addresses(lambda: None)
    table.learn(10, HOST, "Gi1", 0)
    assert table.find(10, HOST, AGE - 1) == "Gi1"
    assert table.find(20, HOST, 0) is None
    table.learn(10, HOST, "Gi1", AGE - 1)
    assert table.find(10, HOST, 2 * AGE - 2) == "Gi1"
    assert table.find(10, HOST, 2 * AGE) is None


def test_a_changing_tree_makes_addresses_age_faster_for_a_while_and_only_its_own() -> None:
    table = Addresses(lambda: None)
    for vlan in (10, 20):
        table.learn(vlan, HOST, "Gi1", 0)
    table.hurry(10, 0)
    assert table.find(10, HOST, FAST_AGE - 1) == "Gi1"
    assert table.find(10, HOST, FAST_AGE) is None
    assert table.find(20, HOST, FAST_AGE) == "Gi1"
    table.learn(10, HOST, "Gi1", 40 * SECOND)
    assert table.find(10, HOST, 40 * SECOND + FAST_AGE) == "Gi1"


def test_what_changes_a_way_says_so_and_what_only_refreshes_does_not() -> None:
    changes: list[int] = []
    table = Addresses(lambda: changes.append(1))
    table.learn(10, HOST, "Gi1", 0)
    table.learn(10, HOST, "Gi1", 1)
    assert len(changes) == 1
    table.learn(10, HOST, "Gi2", 2)
    assert len(changes) == 2


def test_an_arp_answer_is_kept_for_its_age_and_unasked_ones_are_not_believed() -> None:
    cache = Neighbors(lambda: None)
    cache.learn(WHERE, 1, 0, wanted=False)
    assert cache.find(*WHERE, 0) is None
    cache.learn(WHERE, 1, 0, wanted=True)
    assert cache.find(*WHERE, neighbors.AGE - 1) == 1
    assert cache.find(*WHERE, neighbors.AGE) is None


def test_packets_that_wait_are_sent_with_the_answer_or_lost_without_one() -> None:
    cache, sent = Neighbors(lambda: None), []  # type: tuple[Neighbors, list[int]]
    first, second = Journey(), Journey()
    assert cache.wait(WHERE, sent.append, first), "somebody has to ask"
    assert not cache.wait(WHERE, sent.append, second), "somebody has asked"
    cache.learn(WHERE, 7, 0, wanted=False)
    assert sent == [7, 7] and not first.flying and not second.flying
    cache.wait(("Vlan20", 1), sent.append, third := Journey())
    cache.give_up(("Vlan20", 1), "here", "nobody answered")
    assert third.why() == "nobody answered at here" and not third.flying


def test_the_longest_prefix_wins_and_of_one_prefix_the_least_distance() -> None:
    table = Table()
    rows = [
        Row("S", Prefix(0, 0), 1, 0, (Hop("Gi0", 1),)),
        Row("D", Prefix(0x0A000000, 8), 90, 10, (Hop("Gi1", 1),)),
        Row("D EX", Prefix(0x0A000000, 8), 170, 1, (Hop("Gi2", 1),)),
        Row("C", Prefix(0x0A010000, 16), 0, 0, (Hop("Gi3", None),)),
    ]
    assert table.replace(rows, 5)
    assert not table.replace(reversed(rows), 9), "nothing is another route"
    assert [table.find(address).hops[0].interface for address in (0x0A010203, 0x0A020304, 0x0B000000)] == [  # type: ignore[union-attr]
        "Gi3", "Gi1", "Gi0",
    ]  # fmt: skip
    assert table.since[Prefix(0, 0)] == 5
