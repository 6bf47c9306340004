"""What is not modelled in a dump: named, and no hindrance to what is said of packets that never meet it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from clos.controller.cli.proofs.verification import COULD_NOT, PROVED, REFUTED
from clos.controller.dump.foreign import PROVED as FIELDS_PROVED
from clos.controller.verify.headerspace.header_space import FIELD
from tests.support.cli_run import clos

TOPOLOGY = """
apiVersion: clos/v1
kind: Topology
metadata: {name: one}
spec:
  switches:
    spine1: {role: spine, dpid: 1}
    leaf1: {role: leaf, dpid: 2}
    leaf2: {role: leaf, dpid: 3}
  links: [[leaf1:1, spine1:1], [leaf2:1, spine1:2]]
  hosts:
    h1: {port: leaf1:11, mac: 02:00:00:00:00:01}
    h2: {port: leaf2:11, mac: 02:00:00:00:00:02}
"""
SPINE = " priority=1,in_port=1 actions=output:2\n priority=1,in_port=2 actions=output:1\n"
ACROSS = " priority=9,in_port=11,{} actions=output:1\n priority=9,in_port=1 actions=output:11\n"


def verified(folder: Path, leaf1: str, leaf2: str = "", *words: str) -> tuple[int, dict]:
    (folder / "topology.yaml").write_text(TOPOLOGY)
    dumps = folder / "dumps"
    dumps.mkdir(exist_ok=True)
    for name, text in (("leaf1", leaf1), ("leaf2", leaf2 or ACROSS.format("arp")), ("spine1", SPINE)):
        (dumps / f"{name}.flows").write_text(text)
    ran = clos("verify", "-t", folder / "topology.yaml", "--dump", dumps, "--json", *words)
    return ran.code, json.loads(ran.out)


def reach(said: dict) -> set[tuple[str, str]]:
    return {(each["port"], each["host"]) for each in said["reach"]}


def test_packets_that_never_meet_what_is_not_modelled_are_proved_all_the_same(tmp_path: Path) -> None:
    normal = ACROSS.format("arp") + " priority=1,ip actions=NORMAL\n priority=8,udp actions=learn(table=1)\n"
    code, said = verified(tmp_path, normal)
    assert (code, said["verdict"]) == (COULD_NOT, "unknown")
    assert [each["verdict"] for each in said["states"][0]["claims"]] == ["proved"] * 3
    assert "but those that meet what is not modelled" in said["states"][0]["claims"][0]["covered"]
    assert ("leaf1:11", "h2") in reach(said)
    assert any("action learn" in one and "leaf1.flows:4:2" in one for one in said["not_modelled"])
    assert any("NORMAL" in one for one in said["not_modelled"])


def test_what_no_packet_meets_costs_no_answer_and_is_named(tmp_path: Path) -> None:
    code, said = verified(tmp_path, ACROSS.format("ip") + " table=7,priority=1 actions=learn(table=1)\n")
    assert code == PROVED
    assert [one.rpartition(": ")[2] for one in said["not_modelled"]] == ["no packet meets it"]


def test_a_match_on_what_is_not_modelled_is_met_by_all_that_the_rest_takes(tmp_path: Path) -> None:
    shielded = ACROSS.format("ip") + " priority=99,tcp,tcp_flags=+syn actions=drop\n"
    code, said = verified(tmp_path, shielded)
    assert code == COULD_NOT
    packets = {each["packet"] for each in said["reach"] if each["port"] == "leaf1:11"}
    assert packets and not any("TCP" in packet for packet in packets)


def test_a_claim_that_is_refuted_stays_refuted_beside_it(tmp_path: Path) -> None:
    code, said = verified(tmp_path, " priority=9,arp actions=CONTROLLER:65535\n priority=1 actions=NORMAL\n")
    assert (code, said["verdict"]) == (REFUTED, "refuted")


def test_registers_carry_what_tables_learn(tmp_path: Path) -> None:
    lines = """
     priority=9,in_port=11 actions=set_field:0x5->reg14,set_field:0x1->metadata,resubmit(,8)
     priority=9,in_port=1 actions=set_field:0x6->reg14,resubmit(,8)
     table=8,priority=9,reg14=0x5,metadata=0x1 actions=load:0x1->NXM_NX_REG15[0..3],resubmit(,3)
     table=8,priority=9,reg14=0x6 actions=load:0xb->NXM_NX_REG15[],resubmit(,3)
     table=3,priority=9,reg15=0x1 actions=output:NXM_NX_REG15[]
     table=3,priority=9,reg15=0xb actions=output:11
     table=3,priority=1 actions=CONTROLLER
    """
    code, said = verified(tmp_path, lines, lines)
    assert code == PROVED
    assert reach(said) == {("leaf1:11", "h2"), ("leaf2:11", "h1")}


def test_a_called_table_comes_back_with_what_it_did(tmp_path: Path) -> None:
    """Twice through one table, and back to the actions that follow each call; a table without a match does nothing."""
    lines = """
     priority=9,in_port=11 actions=resubmit(,7),resubmit(,9),resubmit(,7),resubmit(,8)
     priority=9,in_port=1 actions=output:11
     table=7,priority=9,reg0=0 actions=load:1->NXM_NX_REG0[]
     table=7,priority=9,reg0=1 actions=load:2->NXM_NX_REG0[]
     table=8,priority=9,reg0=2 actions=output:1
     table=8,priority=1 actions=CONTROLLER
    """
    code, said = verified(tmp_path, lines, lines)
    assert code == PROVED
    assert reach(said) == {("leaf1:11", "h2"), ("leaf2:11", "h1")}


TRACKED = """
 priority=9,in_port=11,ip actions=ct(table=1)
 priority=9,in_port=1 actions=output:11
 table=1,priority=9,ct_state=+trk+est actions=output:1
 table=1,priority=1,ct_state=+trk-est actions=drop
"""


@pytest.mark.parametrize(
    ("assume", "code", "crosses"),
    [((), COULD_NOT, False), (("--assume", "ct=new"), PROVED, False), (("--assume", "ct=established"), PROVED, True),
     (("--assume", "ct=any"), PROVED, True)],
    ids=["nothing", "new", "established", "any"],
)  # fmt: skip
def test_connections_are_what_is_assumed_of_them(
    tmp_path: Path, assume: tuple[str, ...], code: int, crosses: bool
) -> None:
    found, said = verified(tmp_path, TRACKED, TRACKED, *assume)
    assert found == code
    assert (("leaf1:11", "h2") in reach(said)) == crosses


def test_an_assumption_is_one_of_those_there_are(tmp_path: Path) -> None:
    ran = clos("verify", "-t", "x.yaml", "--dump", tmp_path, "--assume", "ct=old")
    assert "choose from ct=new, ct=established, ct=any" in ran.err
    assert "pass --dump too" in clos("verify", "-t", "x.yaml", "--assume", "ct=new").err


def test_the_fields_that_are_said_to_be_proved_are_those_the_prover_knows() -> None:
    assert {*FIELD, "eth_type", "ip_proto", "vlan_vid", "vlan_pcp", "in_port", "metadata"} == FIELDS_PROVED


def test_failures_are_asked_of_dumps_too(tmp_path: Path) -> None:
    """Without intents there are three claims; each link and each switch is broken once."""
    code, said = verified(tmp_path, ACROSS.format("arp"), "", "--failures", "1")
    assert code == REFUTED
    titles = [state["title"] for state in said["states"]]
    assert titles[0] == "With nothing broken" and len(titles) == 6
    assert all(state["verdict"] == "proved" for state in said["states"][:1])
    broken = [state for state in said["states"] if (state["failure"] or {}).get("broken") == ["switch leaf2"]]
    assert broken[0]["failure"]["cut_off"] == ["h2"]
    assert [each["claim"] for each in broken[0]["claims"] if each["verdict"] == "refuted"] == ["no-black-hole"]


def test_failures_and_plans_exclude_each_other() -> None:
    assert "exclude each other" in clos("verify", "--plan", "--failures", "1").err
