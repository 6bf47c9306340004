"""``inspect --shadowed``: rules that never match, of intents, of a dump, of a live switch."""

from __future__ import annotations

from pathlib import Path

import pytest

from clos.controller.analysis import bdd as diagrams
from clos.controller.analysis import shadowed_rules as shadow
from tests.support.cli_run import BANK, DEMO, clos

DUMP = """\
cookie=0x0, table=0, priority=200,tcp,tp_dst=80 actions=output:11
cookie=0x0, table=0, priority=150,tcp actions=drop
cookie=0x0, table=0, priority=100,tcp,tp_dst=443 actions=output:12
cookie=0x0, table=0, priority=100,udp,tp_dst=53 actions=output:12
cookie=0x0, table=1, priority=5,arp actions=drop
cookie=0x0, table=1, priority=4,arp,arp_op=1 actions=output:11
"""


@pytest.fixture
def dump(tmp_path: Path) -> Path:
    path = tmp_path / "leaf1.flows"
    path.write_text(DUMP)
    return path


def test_the_rules_of_a_dump_that_never_match_are_named_with_what_hides_them(dump: Path) -> None:
    ran = clos("inspect", "-s", "leaf1", "-t", DEMO[-1], "--shadowed", "--dump", dump)
    assert ran.code == 0
    assert ran.out.splitlines() == [
        "leaf1: 2 of 6 rules never match",
        "  leaf1/0/3 #100 eth_type=0x800,ip_proto=6,tcp_dst=443",
        f"      {dump}:3:1",
        "      its packets are taken by leaf1/0/2 #150 eth_type=0x800,ip_proto=6",
        "  leaf1/1/2 #4 eth_type=0x806,arp_op=1",
        f"      {dump}:6:1",
        "      its packets are taken by leaf1/1/1 #5 eth_type=0x806",
    ]
    data = clos("inspect", "-s", "leaf1", "-t", DEMO[-1], "--shadowed", "--dump", dump, "--table", "1", "--json").data
    assert (data["switch"], data["rules"]) == ("leaf1", 2)
    assert [(row["name"], [by["name"] for by in row["by"]]) for row in data["shadowed"]] == [
        ("leaf1/1/2", ["leaf1/1/1"])
    ]


def test_rules_of_intents_are_named_as_inspect_names_them() -> None:
    ran = clos("inspect", *BANK, "-s", "leaf1", "--shadowed", "--json")
    listed = {row["name"]: row for row in clos("inspect", *BANK, "-s", "leaf1", "--json").data["rules"]}
    assert ran.code == 0 and ran.data["shadowed"]
    for row in ran.data["shadowed"]:
        assert row["match"] == listed[row["name"]]["match"] and row["origin"] == listed[row["name"]]["origin"]
        assert all(by["match"] == listed[by["name"]]["match"] for by in row["by"])
    assert "0 of 159 rules never match" in clos("inspect", *DEMO, "-s", "leaf1", "--shadowed").out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--dump", "DUMP"), "--dump goes with --shadowed"),
        (("--shadowed", "--live", "--dump", "DUMP"), "--dump goes with --shadowed, without --live"),
        (("--shadowed", "--dump", "nowhere"), "nowhere: no such file or directory"),
        (("--shadowed", "--endpoint", "web1", "intents/demo.yaml"), "--shadowed and --endpoint exclude each other"),
    ],
)
def test_flags_that_do_not_go_together_are_refused(dump: Path, words: tuple[str, ...], message: str) -> None:
    ran = clos("inspect", "-s", "leaf1", "-t", DEMO[-1], *(dump if word == "DUMP" else word for word in words))
    assert ran.code == 2 and message in ran.err


def test_a_switch_that_the_dump_has_not_is_told(dump: Path) -> None:
    ran = clos("inspect", "-s", "leaf2", "-t", DEMO[-1], "--shadowed", "--dump", dump)
    assert ran.code == 2 and "no rules of leaf2 there, but of leaf1" in ran.err


def test_a_table_too_intricate_to_decide_is_neither_yes_nor_no(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shadow, "LIMIT", 2)
    monkeypatch.setattr(shadow, "LAST", 4)
    monkeypatch.setattr(diagrams, "installed", lambda: False)
    edges = [(port, bit) for port in ("tp_src", "tp_dst") for bit in range(8)]
    rows = [f"table=0, priority=9,tcp,{port}={1 << bit:#x}/{1 << bit:#x} actions=drop" for port, bit in edges]
    rows += [f"table=0, priority=9,tcp,{port}=0/{1 << bit:#x} actions=output:11" for port, bit in edges[::3]]
    path = tmp_path / "leaf1.flows"
    path.write_text("\n".join([*rows, "table=0, priority=1,tcp actions=drop", ""]))
    ran = clos("inspect", "-s", "leaf1", "-t", DEMO[-1], "--shadowed", "--dump", path)
    assert ran.code == 3 and "rules overlap in more than 4 ways" in ran.err
