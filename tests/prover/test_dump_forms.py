"""Every form that lines of ``ovs-ofctl`` have: read as Open vSwitch reads it, or refused for what it is."""

from __future__ import annotations

import codecs
import json
import shutil
import subprocess
from pathlib import Path

import pytest

from clos.controller.cli.proofs.dumps import decoded
from clos.controller.dump import read_dump
from clos.controller.dump.cutting import parts
from clos.controller.dump.words import Unread
from clos.controller.intent import Text
from clos.fabric.dataplane.rule import Rule
from tests.support.dump_problems import ONE, states, told

READ = {
    "priority=1,dl_vlan=0xffff actions=drop": "t0#1 vlan_vid=none -> drop",
    "priority=1,dl_vlan=65535 actions=drop": "t0#1 vlan_vid=none -> drop",
    "priority=1,dl_vlan_pcp=3 actions=output:1": "t0#1 vlan_vid=0x1000/0x1000,vlan_pcp=3 -> output:1",
    "priority=1,dl_vlan=100,dl_vlan_pcp=3 actions=output:1": "t0#1 vlan_vid=100,vlan_pcp=3 -> output:1",
    "priority=1,vlan_tci=0x7000/0xf000 actions=output:1": "t0#1 vlan_vid=0x1000/0x1000,vlan_pcp=3 -> output:1",
    "priority=1 actions=set_queue:1,output:1,pop_queue": "t0#1 any -> set_queue:1,output:1",
    "priority=1 actions=note:00.01.00.00.00.00,output:1": "t0#1 any -> output:1",
    "priority=1 actions=controller(reason=no_match,max_len=128,id=62373)": "t0#1 any -> output:CONTROLLER",
    "priority=1 actions=controller(userdata=00.00.00.02)": "t0#1 any -> output:CONTROLLER",
    "priority=1 actions=CONTROLLER:65535,FLOOD": "t0#1 any -> output:CONTROLLER,output:FLOOD",
    "priority=1,arp actions=load:0x2->NXM_OF_ARP_OP[],IN_PORT":
        "t0#1 eth_type=0x806 -> set_field:2->arp_op,output:IN_PORT",
    "priority=1 actions=mod_dl_src:02:00:00:00:00:01,output:2":
        "t0#1 any -> set_field:02:00:00:00:00:01->eth_src,output:2",
    "priority=1,ip actions=mod_nw_dst:10.0.0.1,output:2":
        "t0#1 eth_type=0x800 -> set_field:10.0.0.1->ipv4_dst,output:2",
    "priority=1,ip actions=mod_nw_tos:184,output:2": "t0#1 eth_type=0x800 -> set_field:46->ip_dscp,output:2",
    "priority=1 actions=write_actions(output:1),goto_table:2": "t0#1 any -> write_actions(output:1),goto_table:2",
}  # fmt: skip
"""Lines that Open vSwitch takes for OpenFlow 1.3, and the rules that they are."""

ALSO_READ = {
    "priority=1 actions=strip_vlan,output:1": "t0#1 any -> pop_vlan,output:1",
    "priority=1,ip actions=dec_ttl(0),output:1": "t0#1 eth_type=0x800 -> dec_nw_ttl,output:1",
    "priority=1 actions=set_tunnel:0x5,output:1": "t0#1 any -> set_field:5->tunnel_id,output:1",
}
"""The same of dumps in OpenFlow 1.0 and Nicira's form."""

REFUSED = {
    "priority=1 actions=output:NXM_NX_REG15[]": "output to the port that a field or register holds",
    "priority=1 actions=output:NXM_OF_IN_PORT[]": "output to the port that a field or register holds",
    "priority=1 actions=output:reg15": "output to the port that a field or register holds",
    "priority=1 actions=output(port=1,max_len=100)": "output that cuts packets",
    "priority=1 actions=controller(userdata=00.02,pause)": "action controller(pause)",
    "priority=1 actions=controller(colour=red)": "no argument of controller",
    "priority=1 actions=resubmit(,64)": "action resubmit",
    "priority=1 actions=resubmit:3": "action resubmit",
    "priority=1,ip actions=ct(table=20,zone=NXM_NX_REG13[0..15],nat)": "action ct:",
    "priority=1 actions=check_pkt_larger(1500)->NXM_NX_REG0[0],resubmit(,1)": "action check_pkt_larger",
    "priority=1,conj_id=3,ip actions=drop": "field conj_id",
    "priority=1,tcp,tcp_flags=+syn-ack actions=drop": "field tcp_flags",
    "priority=1,ip,ip_frag=no actions=drop": "nw_frag",
    "priority=1,ct_state=-new+est actions=drop": "connection tracking",
    "priority=1,reg0=0x1 actions=drop": "registers",
    "priority=1 actions=load:0x1->NXM_NX_REG0[0..3]": "load of part of a field",
    "priority=1,dl_vlan=10 actions=set_field:20->vlan_vid": "without the bit 0x1000",
    "priority=1,vlan_tci=0x0000/0xe000 actions=drop": "frames without a tag and some with one",
    "table=IngressTable, priority=1 actions=drop": "a table by its name; dump with --no-names",
    "priority=1 actions=goto_table:Egress": "a table by its name; dump with --no-names",
    "table=3, priority=1 actions=goto_table:3": "only rules that lead to later ones",
    "priority=1 actions=write_actions(output:1": "do not close",
    'priority=1 actions=output:"s1-eth2"': "dump with --no-names",
}


def read(line: str) -> str:
    (rule,) = states(read_dump([Text("s1.flows", f" {line}\n")], ONE))["s1"].rules
    assert isinstance(rule, Rule)
    return str(rule)


@pytest.mark.parametrize("line", READ | ALSO_READ)
def test_a_line_is_read_as_what_it_is(line: str) -> None:
    assert read(line) == (READ | ALSO_READ)[line]


@pytest.mark.skipif(shutil.which("ovs-ofctl") is None, reason="ovs-ofctl is not installed")
@pytest.mark.parametrize("line", READ)
def test_a_line_is_read_as_open_vswitch_reads_it(line: str) -> None:
    """What ovs-ofctl makes of it, printed by ovs-ofctl, is the same rule."""
    command = ["ovs-ofctl", "-O", "OpenFlow13", "parse-flow", line]
    said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=20).stdout
    normal = next(row for row in said.splitlines() if " ADD " in row).partition(" ADD ")[2]
    assert read(normal) == read(line)


@pytest.mark.parametrize("line", REFUSED)
def test_a_line_is_refused_for_what_it_is(line: str) -> None:
    assert REFUSED[line] in told(f" {line}\n")


def test_what_is_not_modelled_is_told_once_per_kind_with_its_count_and_first_line() -> None:
    lines = [" priority=1,reg0=1 actions=drop", " priority=2 actions=resubmit(,1)", " priority=3,xreg1=1 actions=drop",
             " priority=4 actions=resubmit(,2)", " priority=5 actions=resubmit:3"]  # fmt: skip
    problems = told("\n".join(lines)).splitlines()
    assert len(problems) == 2
    assert problems[0].startswith("s1.flows:1:2:") and problems[0].endswith("(2 times, here first)")
    assert problems[1].startswith("s1.flows:2:2:") and problems[1].endswith("(3 times, here first)")


def test_later_forms_of_ofctl_rest_are_named() -> None:
    flow = {"match": {}, "priority": 1, "instructions": [{"type": "APPLY_ACTIONS", "actions": []}]}
    assert "OpenFlow 1.4 or later" in told(json.dumps({"1": [flow, flow]}))
    group = {"group_id": 1, "type": "ALL", "buckets": [{"actions": [{"type": "OUTPUT", "port": 1}]}]}
    assert "OpenFlow 1.4 or later" in told(json.dumps({"1": [group]}))
    assert "a JSON list" in told(json.dumps([flow]))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be"])
def test_byte_order_marks_are_no_part_of_a_dump(encoding: str) -> None:
    text = " priority=1 actions=drop\r\n"
    data = (codecs.BOM_UTF16_BE if encoding == "utf-16-be" else b"") + text.encode(encoding)
    assert decoded(data).lstrip("\ufeff") == text
    assert len(states(read_dump([Text("s1.flows", f"\ufeff{text}")], ONE))["s1"].rules) == 1


def test_lists_are_cut_at_commas_outside_parentheses_and_quotes() -> None:
    assert parts("") == []
    assert parts('a, b(c,d(e,f)),"x,\\",y",z') == ["a", "b(c,d(e,f))", '"x,\\",y"', "z"]
    assert parts("(" * 2_000 + ")" * 2_000) == ["(" * 2_000 + ")" * 2_000]
    for wrong in ("a(b", "a)", "a,", ",a", 'a"', "a,,b", "(" * 100_000, '"' + "\\" * 99_999, "a(,b"):
        with pytest.raises(Unread):
            parts(wrong)


def test_no_expression_needs_what_python_3_11_2_gets_wrong() -> None:
    """Possessive quantifiers and atomic groups around alternatives: an unclosed parenthesis was a word there."""
    root = Path(__file__).resolve().parent.parent.parent
    for folder in ("controller", "fabric", "lab"):
        for file in (root / folder).rglob("*.py"):
            text = file.read_text()
            assert not any(sign in text for sign in (")*+", ")++", ")?+", "]*+", "]++", "]?+", ".*+", "(?>")), file
