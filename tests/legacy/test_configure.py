"""What configuration lines do to a configuration, and what IOS answers to those it does not take."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clos.fabric.sim.legacy.configure import Context, Outcome, configure
from clos.fabric.sim.legacy.grammar import Match, Refusal, Row, Table
from clos.fabric.sim.legacy.network import LegacyNetwork
from clos.fabric.sim.legacy.settings.request import Chassis
from clos.fabric.sim.legacy.settings.vlans import PRIORITIES
from clos.fabric.sim.legacy.tree import Tree, render
from clos.fabric.sim.legacy.vlans import read_vlans, write_vlans

BANK = Path(__file__).parents[2] / "topologies" / "legacy-bank"
PORTS = Chassis(frozenset(f"GigabitEthernet1/0/{port}" for port in range(1, 5)))


def run(*lines: str, tree: Tree = ()) -> Outcome:
    outcome = Outcome(tree, (Context(),))
    for line in lines:
        outcome = configure(outcome.tree, outcome.stack, line, PORTS)
    return outcome


def shown(*lines: str) -> list[str]:
    return [line for line in render(run(*lines).tree) if line != "!"]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["hostname a", "hostname b"], ["hostname b"]),
        (["hostn a"], ["hostname a"]),
        (["HOSTNAME a", "no hostname"], []),
        (["int gi1/0/1", "desc x  y"], ["interface GigabitEthernet1/0/1", " description x  y"]),
        (["interface gi 1/0/1", "shut", "no shut"], ["interface GigabitEthernet1/0/1"]),
        (["int Gi1/0/1", "shut", "vlan 7"], ["vlan 7", "interface GigabitEthernet1/0/1", " shutdown"]),
        (["vlan 3,5", "name x", "no vlan 3"], ["vlan 5", " name x"]),
        (["vlan 2", "int ran gi1/0/1 - 2", "no vlan 2"], [f"interface GigabitEthernet1/0/{port}" for port in (1, 2)]),
        (["interface Gi1/0/1", "switchport", "no switchport"], ["interface GigabitEthernet1/0/1", " no switchport"]),
        (["interface Gi1/0/1", "no switchport", "switchport"], ["interface GigabitEthernet1/0/1"]),
    ],
)  # fmt: skip
def test_lines_are_kept_in_full_in_the_place_of_earlier_ones(lines: list[str], expected: list[str]) -> None:
    assert shown(*lines) == expected


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["10,20-22"], "10,20-22"),
        (["10", "add 11,12"], "10-12"),
        (["10-12", "remove 11"], "10,12"),
        (["except 2-4094"], "1"),
        (["none"], "none"),
        (["10", "all"], None),
        (["add 10"], None),
        (["remove 1,4094"], "2-4093"),
        (["none", "add 9"], "9"),
    ],
)
def test_the_list_of_a_trunk_that_results_is_kept(words: list[str], expected: str | None) -> None:
    lines = shown("interface Gi1/0/1", *(f"switchport trunk allowed vlan {word}" for word in words))
    assert lines[1:] == ([] if expected is None else [f" switchport trunk allowed vlan {expected}"])


def test_priorities_by_vlan_join_and_part() -> None:
    lines = [
        "spanning-tree vlan 1-3 priority 4096",
        "spanning-tree vlan 2 priority 8192",
        "spanning-tree vlan 9 prio 4096",
    ]
    assert shown(*lines) == ["spanning-tree vlan 1,3,9 priority 4096", "spanning-tree vlan 2 priority 8192"]
    assert shown(*lines, "no spanning-tree vlan 1,9 priority") == [
        "spanning-tree vlan 2 priority 8192",
        "spanning-tree vlan 3 priority 4096",
    ]
    assert shown("spanning-tree vlan 4 root primary") == ["spanning-tree vlan 4 priority 24576"]
    assert run("spanning-tree vlan 4 priority 5").answer == PRIORITIES


def test_entries_of_access_lists_stand_by_number_and_not_twice() -> None:
    lines = ["ip access-list extended A", "permit ip any any", "5 deny tcp any any eq 80", "permit ip any any"]
    assert shown(*lines) == ["ip access-list extended A", " deny tcp any any eq www", " permit ip any any"]
    assert run(*lines, "10 deny ip any any").answer == "% Duplicate sequence number\n"
    assert shown(*lines, "no 5") == ["ip access-list extended A", " permit ip any any"]
    assert [line.key for line in run(*lines, "ip access-list resequence A 100 5").tree[0].children] == ["100", "105"]
    assert [line.key for line in run(*lines[:1], "remark why", "permit ip any any").tree[0].children] == [
        "remark why",
        "10",
    ]


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("foo", "% Invalid input detected at '^' marker."),
        ("ip", "% Incomplete command."),
        ("s", '% Ambiguous command:  "s"'),
        ("no s", '% Ambiguous command:  "no s"'),
        ("interface Gi1/0/9", "% Invalid input detected at '^' marker."),
        ("spanning-tree vlan 4095 priority 0", "% Invalid input detected at '^' marker."),
    ],
)
def test_a_line_that_is_not_taken_gets_ios_own_words_and_changes_nothing(line: str, answer: str) -> None:
    before = run("vlan 7")
    after = configure(before.tree, (Context(),), line, PORTS)
    assert after.refusal is not None and after.refusal.text == answer
    assert after.tree == before.tree


@pytest.mark.parametrize(
    ("line", "column"), [("vlam 10", 3), ("vlan 9999", 5), ("hostname", None), ("no hostnam3 x", 10), ("xvlan", 0)]
)
def test_the_marker_stands_below_the_letter_that_is_wrong(line: str, column: int | None) -> None:
    refusal = configure((), (Context(),), line, PORTS).refusal
    assert refusal is not None and refusal.column == column


def test_a_secret_in_clear_is_kept_as_a_hash_and_a_hash_as_it_is() -> None:
    (kept,) = shown("enable secret legacy")
    assert kept.startswith("enable secret 9 $9$") and "legacy" not in kept
    assert shown(kept) == [kept] == shown("enable secret 0 legacy")


def test_an_address_on_a_port_that_switches_is_refused() -> None:
    refused = run("interface Gi1/0/1", "ip address 10.0.0.1 255.255.255.0")
    assert "may not be configured on L2 links" in refused.answer and not refused.tree[0].children
    assert shown("interface Gi1/0/1", "no switchport", "ip address 10.0.0.1 255.255.255.0")[2:] == [
        " ip address 10.0.0.1 255.255.255.0"
    ]


def test_named_eigrp_ends_its_blocks_as_ios_does() -> None:
    lines = [
        "router eigrp BANK", "address-family ipv4 unicast autonomous-system 100", "af-interface default",
        "hello-interval 1", "exit-af-interface", "topology base", "variance 2", "exit-af-topology",
        "network 10.0.0.0", "exit-address-family",
    ]  # fmt: skip
    outcome = run(*lines)
    assert [context.mode for context in outcome.stack] == ["global", "eigrp-named"]
    depths = [0, 1, 2, 3, 2, 2, 3, 2, 2, 1]
    assert [line for line in render(outcome.tree) if line.strip() != "!"] == [
        " " * depth + line for depth, line in zip(depths, lines, strict=True)
    ]


def test_every_configuration_of_the_bank_is_read_back_equal(bank: LegacyNetwork) -> None:
    """The running configuration as text makes the same running configuration."""
    for device in bank.devices.values():
        before = device.running
        assert device.boot(render(before)) == (), device.name
        assert device.running == before


@given(st.sets(st.integers(1, 4094)))
def test_lists_of_vlans_are_read_back_equal(vlans: set[int]) -> None:
    assert (read_vlans(write_vlans(vlans)) or frozenset()) == vlans


WORDS = st.text("abc 0123456789./-,!|\"'^", max_size=24)


@given(st.lists(WORDS, max_size=4))
def test_any_line_at_all_is_answered(lines: list[str]) -> None:
    run("interface Gi1/0/1", *lines)
    run(*lines)


def test_the_longer_word_wins_where_one_is_the_beginning_of_the_other() -> None:
    table = Table([Row("show vlan"), Row("show vlan brief"), Row("show vlans")])
    match = table.match("show vlan")
    assert isinstance(match, Match) and match.index == 0
    assert isinstance(table.match("show vla"), Refusal)
