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
from clos.fabric.dataplane.action import Output
from clos.fabric.dataplane.rule import Bucket, GroupEntry, Rule
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
    "priority=1 actions=resubmit(,64)": "t0#1 any -> goto_table:64",
    "priority=1,reg0=0x1 actions=drop": "t0#1 reg0=0x1 -> drop",
    "priority=1,xreg1=0x500000007 actions=drop": "t0#1 reg2=0x5,reg3=0x7 -> drop",
    "priority=1,xxreg0=0x1/0xff actions=drop": "t0#1 reg3=0x1/0xff -> drop",
    "priority=1,metadata=0x5,reg15=0x8000/0xffff actions=drop": "t0#1 metadata=0x5,reg15=0x8000/0xffff -> drop",
    "priority=1 actions=load:0x1->NXM_NX_REG0[0..3],resubmit(,2)": "t0#1 any -> set_field:0x1/0xf->reg0,goto_table:2",
    "priority=1 actions=set_field:0x1->reg6,set_field:0x2->metadata,resubmit(,16)":
        "t0#1 any -> set_field:0x2->metadata,set_field:0x1->reg6,goto_table:16",
    "priority=1,reg15=0x3 actions=output:NXM_NX_REG15[]": "t0#1 reg15=0x3 -> output:3",
    "priority=1,ct_state=-new+est actions=drop": "t0#1 ct_state=0x2/0x3 -> drop",
    "priority=1,pkt_mark=0x1 actions=drop": "t0#1 pkt_mark=0x1 -> drop",
    "priority=1,ip actions=ct(commit),output:1": "t0#1 eth_type=0x800 -> output:1",
    "priority=1 actions=clone(output:1,output:2),output:3": "t0#1 any -> output:1,output:2,output:3",
    "priority=1 actions=set_field:10.0.0.1->tun_dst,output:1": "t0#1 any -> output:1",
}  # fmt: skip
"""Lines that Open vSwitch takes for OpenFlow 1.3, and the rules that they are."""

ALSO_READ = {
    "priority=1 actions=strip_vlan,output:1": "t0#1 any -> pop_vlan,output:1",
    "priority=1,ip actions=dec_ttl(0),output:1": "t0#1 eth_type=0x800 -> dec_nw_ttl,output:1",
    "priority=1 actions=set_tunnel:0x5,output:1": "t0#1 any -> set_field:5->tunnel_id,output:1",
    "priority=1,dl_vlan=7 actions=mod_vlan_vid:100,output:1": "t0#1 vlan_vid=7 -> set_field:100->vlan_vid,output:1",
    "priority=1,vlan_tci=0x0000/0x1fff actions=mod_vlan_vid:100,output:1":
        "t0#1 vlan_vid=none -> push_vlan:0x8100,set_field:100->vlan_vid,output:1",
    "table=9,priority=1 actions=resubmit(,3)": "t9#1 any -> goto_table:3",
    "priority=1,tcp actions=mod_tp_dst:80,output:1": "t0#1 eth_type=0x800,ip_proto=6 -> set_field:80->tcp_dst,output:1",
    "priority=1 actions=enqueue:1:7": "t0#1 any -> output:1",
    "priority=1,importance=5 actions=output:1": "t0#1 any -> output:1",
}  # fmt: skip
"""The same of dumps in OpenFlow 1.0 and Nicira's form."""

REFUSED = {
    "priority=1 actions=output:NXM_NX_REG15[]": "output to the port that a field or register holds",
    "priority=1 actions=output:NXM_OF_IN_PORT[]": "output to the port that a field or register holds",
    "priority=1 actions=output:reg15": "output to the port that a field or register holds",
    "priority=1 actions=output(port=1,max_len=100)": "output that cuts packets",
    "priority=1 actions=controller(userdata=00.02,pause)": "what follows controller(pause)",
    "priority=1 actions=controller(colour=red)": "no argument of controller",
    "priority=1 actions=resubmit:3": "resubmit as of another port",
    "priority=1 actions=load:0x1->NXM_OF_IP_TOS[2..3]": "load of part of a field",
    "priority=1,ip actions=ct(table=20)": "say what to assume: --assume",
    "priority=1 actions=learn(table=1,output:1)": "action learn",
    "priority=1,ip,nw_ttl=1 actions=drop": "nw_ttl",
    "priority=1,mod=1 actions=drop": "no field that Clos knows",
    "priority=1,ip actions=ct(table=20,zone=NXM_NX_REG13[0..15],nat)": "ct with nat",
    "priority=1 actions=check_pkt_larger(1500)->NXM_NX_REG0[0],resubmit(,1)": "action check_pkt_larger",
    "priority=1,tcp,tcp_flags=+syn-ack actions=drop": "field tcp_flags",
    "priority=1,ip,ip_frag=no actions=drop": "nw_frag",
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
    lines = [" priority=1,ip,nw_ttl=1 actions=drop", " priority=2 actions=resubmit:1",
             " priority=3,ip,nw_ttl=2 actions=drop", " priority=4 actions=resubmit:2",
             " priority=5 actions=resubmit:3"]  # fmt: skip
    problems = told("\n".join(lines)).splitlines()
    assert len(problems) == 2
    assert problems[0].startswith("s1.flows:1:2:") and problems[0].endswith("(2 times, here first)")
    assert problems[1].startswith("s1.flows:2:2:") and problems[1].endswith("(3 times, here first)")


APPLY = [{"type": "OUTPUT", "port": 2}, {"type": "SET_FIELD", "field": "eth_dst", "value": "02:00:00:00:00:01"},
         {"type": "PUSH_VLAN", "ethertype": 33024}, {"type": "GROUP", "group_id": 3}]  # fmt: skip
LATER = {
    "match": {"eth_type": 2048}, "priority": 1, "importance": 0,
    "instructions": [{"type": "METER", "meter_id": 5}, {"type": "APPLY_ACTIONS", "actions": APPLY},
                     {"type": "WRITE_METADATA", "metadata": 1, "metadata_mask": 3},
                     {"type": "GOTO_TABLE", "table_id": 4}],
}  # fmt: skip


@pytest.mark.parametrize("whole", [{"1": [LATER]}, [LATER]], ids=["by datapath", "a list"])
def test_flows_of_later_openflow_are_read_from_ofctl_rest(whole: object) -> None:
    (rule,) = states(read_dump([Text("s1.json", json.dumps(whole))], ONE, False))["s1"].rules
    assert str(rule) == (
        "t0#1 eth_type=0x800 -> meter:5,output:2,set_field:02:00:00:00:00:01->eth_dst,push_vlan:0x8100,group:3,"
        "write_metadata:0x1/0x3,goto_table:4"
    )


def test_groups_of_later_openflow_are_read_from_ofctl_rest() -> None:
    watch = [{"type": "WEIGHT", "weight": 2}, {"type": "WATCH_PORT", "watch": 1}]
    buckets = [{"bucket_id": 0, "actions": [{"type": "OUTPUT", "port": 1}], "properties": watch}]
    group = {"group_id": 1, "type": "SELECT", "buckets": buckets}
    (read,) = states(read_dump([Text("x.json", json.dumps({"1": [group]}))], ONE))["s1"].groups
    assert read == GroupEntry(1, "select", (Bucket((Output(1),), 2, 1),))


def test_tables_go_by_the_names_that_the_switch_gives_them() -> None:
    text = (
        "OFPST_TABLE reply (OF1.5) (xid=0x2):\n"
        '  table 0 ("Ingress"):\n    active=2, lookup=0, matched=0\n'
        '  table 7 ("Egress"):\n    active=2, lookup=0, matched=0\n  tables 8...253: ditto\n'
        " table=Ingress, priority=1 actions=goto_table:Egress\n table=Egress, priority=1 actions=drop\n"
    )
    rules = states(read_dump([Text("s1.flows", text)], ONE))["s1"].rules
    assert [str(rule) for rule in rules] == ["t0#1 any -> goto_table:7", "t7#1 any -> drop"]


def test_an_action_of_openflow_1_0_on_tags_is_two_rules_where_both_kinds_of_frames_come() -> None:
    rules = states(read_dump([Text("s1.flows", " priority=1,in_port=5 actions=mod_vlan_vid:100,output:1")], ONE))[
        "s1"
    ].rules
    assert {str(rule) for rule in rules} == {
        "t0#1 in_port=5,vlan_vid=none -> push_vlan:0x8100,set_field:100->vlan_vid,output:1",
        "t0#1 in_port=5,vlan_vid=0x1000/0x1000 -> set_field:100->vlan_vid,output:1",
    }


def test_a_conjunction_is_the_rules_it_stands_for() -> None:
    text = """
     priority=10,conj_id=3,ip actions=output:1
     priority=10,ip,nw_src=10.0.0.1 actions=conjunction(3,1/2)
     priority=10,ip,nw_src=10.0.0.2 actions=conjunction(3,1/2)
     priority=10,tcp,tp_dst=80 actions=conjunction(3,2/2)
     priority=10,tcp,tp_dst=443 actions=conjunction(3,2/2)
    """
    rules = states(read_dump([Text("s1.flows", text)], ONE))["s1"].rules
    assert {(r.match.value("ipv4_src"), r.match.value("tcp_dst")) for r in rules} == {
        (source, port) for source in (0x0A000001, 0x0A000002) for port in (80, 443)
    }
    assert {str(rule.instructions) for rule in rules} == {"output:1"}


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
