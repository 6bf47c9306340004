"""Dumps made by others' programs give back the very rules that were sent; what is not understood is named."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from os_ken.lib import ofctl_v1_3 as ryu
from os_ken.ofproto import ofproto_parser, ofproto_protocol, ofproto_v1_3, ofproto_v1_3_parser

from clos.controller.compile import compile_fabric
from clos.controller.dump import read_dump
from clos.controller.intent import Text, load_intent, load_topology
from clos.controller.intent.model import Where
from clos.controller.plan import diff, ruleset_json
from clos.controller.wire.controller import Controller
from clos.controller.wire.readback import PASSING_FLAGS
from clos.fabric.dataplane import action as act
from clos.fabric.dataplane.match import Match
from clos.fabric.dataplane.rule import DROP, Band, GroupEntry, Instructions, Meter, Rule
from clos.fabric.dataplane.ruleset import Block, Placed, Ruleset, SwitchState, state_of
from clos.fabric.openflow import encode, pack_rule
from clos.fabric.openflow.multipart import (
    FlowStats,
    FlowStatsReply,
    GroupDescReply,
    MeterConfig,
    MeterConfigReply,
)
from clos.fabric.packet.fields import FIELDS
from clos.fabric.topology import Topology
from clos.lab.ovs.dummy_datapath import DummyDatapath
from clos.lab.ovs.processes import missing
from tests.support.dump_problems import ONE, states, told
from tests.support.examples import EXAMPLES
from tests.support.lab_ready import REQUIRED
from tests.support.openflow_strategies import groups, moves, rules
from tests.support.root import ROOT

NEEDS_OVS = pytest.mark.skipif(
    bool(missing()) and not REQUIRED,
    reason=f"Open vSwitch is not installed ({', '.join(missing())})",
)
few = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # a process per look at it: shrinking would take minutes
)
NOTHING = SwitchState((), (), ())
BANDS = st.builds(Band, st.integers(1, 2**32 - 1), st.integers(1, 2**32 - 1), st.none() | st.integers(0, 255))


@cache
def compiled(name: str) -> tuple[Topology, Ruleset]:
    topology = load_topology(ROOT / f"topologies/{name}.yaml").topology
    assert topology is not None
    source = ROOT / f"intents/{name}"
    intent = load_intent([source if source.exists() else source.with_suffix(".yaml")], topology).intent
    assert intent is not None
    return topology, compile_fabric(intent, topology).ruleset


def dpids(topology: Topology) -> dict[str, int]:
    return {switch.name: switch.dpid for switch in topology.switches.values()}


def wanted(ruleset: Ruleset) -> dict[str, SwitchState]:
    return {name: ruleset.state(name) for name in ruleset.switches}


# What Open vSwitch prints of switches that hold a fabric's rules


@pytest.fixture(scope="module", params=["demo", "bank"])
def dumped(request: pytest.FixtureRequest) -> Iterator[tuple[str, DummyDatapath]]:
    topology, ruleset = compiled(request.param)
    with (
        Controller(dict(zip(dpids(topology).values(), dpids(topology), strict=True)), port=0) as controller,
        DummyDatapath(topology, ":".join(("tcp", *map(str, controller.address)))) as bench,
    ):
        assert controller.wait_for(topology.switches, 30) == frozenset()
        assert controller.apply(diff(Ruleset(topology.switches, {}), ruleset)).ok
        yield request.param, bench


def printed(bench: DummyDatapath, switch: str, *words: str) -> str:
    return bench.switches.run("ovs-ofctl", "-O", "OpenFlow13", *words, f"unix:{bench.switches.directory}/{switch}.mgmt")


@NEEDS_OVS
@pytest.mark.parametrize("option", ["--stats", "--no-stats", "--names"])
def test_what_open_vswitch_dumps_is_what_was_pushed(dumped: tuple[str, DummyDatapath], option: str) -> None:
    name, bench = dumped
    topology, ruleset = compiled(name)
    dumps = ("dump-flows", "dump-groups", "dump-meters", "dump-ports-desc")
    texts = [Text(f"{s}.{dump}", printed(bench, s, option, dump)) for s in topology.switches for dump in dumps]
    assert states(read_dump(texts, dpids(topology))) == wanted(ruleset)


@NEEDS_OVS
def test_one_file_may_hold_all_switches_when_its_lines_name_them(dumped: tuple[str, DummyDatapath]) -> None:
    name, bench = dumped
    topology, ruleset = compiled(name)
    by_name, by_dpid = "", ""
    for switch in topology.switches:
        held = "".join(printed(bench, switch, dump) for dump in ("dump-flows", "dump-groups", "dump-meters"))
        by_name += f"*** {switch} {'-' * 60}\n{held}"
        by_dpid += printed(bench, switch, "show") + held
    for text in (by_name, by_dpid):
        assert states(read_dump([Text("all.txt", text)], dpids(topology))) == wanted(ruleset)


# Any rule, as ovs-ofctl prints it


def ovs_prints(frame: bytes) -> str:
    command = ["ovs-ofctl", "-O", "OpenFlow13", "ofp-print", frame.hex()]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=20).stdout


OVS_KNOWS_NOT = {"in_phy_port", "pbb_isid", "ipv6_exthdr", "eth_type", "ip_proto", "in_port", "mpls_bos"}
_ODD = (act.PushPbb, act.PopPbb, act.CopyTtlIn, act.CopyTtlOut)


def _ovs_sets(action: act.Action) -> bool:
    """Whether Open vSwitch takes the action anywhere: it has no fields but those of a frame it has seen."""
    if isinstance(action, act.SetField):
        row = FIELDS[action.field]
        return (
            not row.needs and action.field not in OVS_KNOWS_NOT and (action.field != "vlan_vid" or action.value > 4095)
        )
    if isinstance(action, act.Output):
        return action.port < 0xFF00 or (action.port >= act.IN_PORT and action.port != act.TABLE)
    if isinstance(action, act.Group):
        return action.group < 0xFFFFFF00
    return not isinstance(action, (*_ODD, act.PopMpls, act.PushMpls, act.SetMplsTtl, act.DecMplsTtl, act.SetNwTtl,
                                   act.DecNwTtl, act.Move))  # fmt: skip


def ovs_taken(rule: Rule) -> Rule:
    """The rule less what Open vSwitch would refuse, as it then reports it."""
    terms = [t for t in rule.match if t[0] not in OVS_KNOWS_NOT - {"eth_type", "ip_proto", "mpls_bos"}]
    terms = [t for t in terms if t[0] != "arp_op" or t[1] < 256]
    if any(t[0] in ("ipv6_nd_target", "ipv6_nd_sll", "ipv6_nd_tll") for t in terms):
        terms = [t for t in terms if t[0] != "icmpv6_code"]
    if any(t[0] == "vlan_vid" and t[2] is not None for t in terms):
        terms = [t for t in terms if t[0] not in ("vlan_vid", "vlan_pcp")]
    todo = rule.instructions
    apply, write = (
        tuple(
            act.Output(a.port) if isinstance(a, act.Output) and a.port != act.CONTROLLER else a
            for a in actions
            if _ovs_sets(a)
        )
        for actions in (todo.apply, todo.write)
    )
    goto = None if todo.goto in (None, 255) else todo.goto
    metadata = None if todo.metadata is None else (todo.metadata[0] & todo.metadata[1], todo.metadata[1])
    meter = None if not todo.meter else todo.meter
    todo = Instructions(meter, apply, todo.clear, write, metadata, goto)
    table, flags = rule.table % 255, rule.flags & ~PASSING_FLAGS
    return rule._replace(table=table, flags=flags, match=Match.checked(terms), instructions=todo)


@NEEDS_OVS
@few
@given(st.lists(rules, min_size=1, max_size=8))
def test_any_rule_that_ovs_ofctl_prints_is_read_as_it_was(found: list[Rule]) -> None:
    taken = list({rule.key: rule for rule in map(ovs_taken, found)}.values())
    taken = [rule for rule in taken if "decode error" not in ovs_prints(pack_rule(rule))]
    text = ovs_prints(encode(FlowStatsReply(tuple(FlowStats(rule, 1, 2, 3, 4) for rule in taken)), 1))
    if not taken:
        return
    used = {a.group for r in taken for a in (*r.instructions.apply, *r.instructions.write) if isinstance(a, act.Group)}
    made = [GroupEntry(number, "all", ()) for number in sorted(used)]
    text += "".join(f" group_id={one.group},type=all\n" for one in made)
    assert states(read_dump([Text("s1.flows", text)], ONE))["s1"] == state_of((Block(taken, made),))


NOT_SET = ("in_port", "eth_type", "ip_proto", "metadata")
"""Fields that no action sets, or (metadata) that is read as an instruction."""


@NEEDS_OVS
def test_every_field_is_read_as_open_vswitch_writes_it() -> None:
    seen = set()
    for name, row in FIELDS.items():
        terms: list[Any] = [(name, 0x1005 if name == "vlan_vid" else 1, None)]
        for need, allowed in row.needs:
            terms.append((need, min(allowed) if allowed else 0x1005, None))
            terms += [(n, min(a), None) for n, a in FIELDS[need].needs if a]
            for second, _ in FIELDS[need].needs:
                terms += [(n, min(a), None) for n, a in FIELDS[second].needs if a]
        kind = {"icmpv6_type": 0x86DD, "icmpv6_code": 0x86DD}.get(name, 0x86DD if "nd" in name else None)
        terms = [(n, kind if kind and n == "eth_type" else v, m) for n, v, m in terms]
        sets = (act.SetField(name, terms[0][1]),) if name not in NOT_SET else ()
        for instructions in (Instructions(apply=sets), DROP):
            rule = Rule(3, 7, Match.checked(terms), instructions)
            if "decode error" in ovs_prints(pack_rule(rule)):
                continue
            text = ovs_prints(encode(FlowStatsReply((FlowStats(rule, 0, 0, 0, 0),)), 1))
            assert states(read_dump([Text("s1.flows", text)], ONE))["s1"].rules == (rule,)
            seen.add((name, bool(instructions.apply)))
    assert len({name for name, _ in seen}) >= 33, sorted(set(FIELDS) - {name for name, _ in seen})
    assert sum(sets for _, sets in seen) >= 24


@NEEDS_OVS
@given(moves)
@settings(max_examples=20, deadline=None)
def test_moves_are_read_as_open_vswitch_writes_them(move: act.Move) -> None:
    kind = 0x0800 if move.source.startswith("ipv4") else 0x0806
    rule = Rule(2, 9, Match.of(eth_type=kind), Instructions(apply=(move, act.Output(act.IN_PORT))))
    text = ovs_prints(encode(FlowStatsReply((FlowStats(rule, 0, 0, 0, 0),)), 1))
    assert states(read_dump([Text("s1.flows", text)], ONE))["s1"].rules == (rule,)


@NEEDS_OVS
@few
@given(groups(), st.lists(BANDS, min_size=1, max_size=3))
def test_groups_and_meters_are_read_as_ovs_ofctl_prints_them(group: GroupEntry, bands: list[Band]) -> None:
    buckets = tuple(
        b._replace(
            actions=tuple(
                act.Output(a.port) if isinstance(a, act.Output) and a.port != act.CONTROLLER else a
                for a in b.actions
                if _ovs_sets(a) and not isinstance(a, act.Group)
            ),
            watch_port=None if b.watch_port is None else b.watch_port % 0xFF00,
            watch_group=None if b.watch_group is None else b.watch_group % 0xFFFFFF00,
        )
        for b in group.buckets
    )
    group = group._replace(group=group.group % 0xFFFFFF00, buckets=buckets)
    meter = Meter(7, tuple(bands), True)
    text = ovs_prints(encode(GroupDescReply((group,)), 1))
    text += ovs_prints(encode(MeterConfigReply((MeterConfig(meter, None),)), 1))
    if "decode error" in text:
        return
    assert states(read_dump([Text("s1.groups", text)], ONE))["s1"] == SwitchState((), (group,), (meter,))


# Ryu's ofctl_rest, by the code that os-ken keeps of it


def ofctl(*frames: bytes) -> dict[str, Any]:
    """What Ryu's /stats/flow and /stats/groupdesc answer for these replies."""
    datapath = ofproto_protocol.ProtocolDesc(version=4)
    entries: list[Any] = []
    kinds = {getattr(ofproto_v1_3, f"OFPGT_{name}"): name for name in ("ALL", "SELECT", "INDIRECT", "FF")}
    for frame in frames:
        version, kind, length, xid = ofproto_parser.header(frame)
        for stats in ofproto_parser.msg(datapath, version, kind, length, xid, frame).body:
            if isinstance(stats, ofproto_v1_3_parser.OFPFlowStats):
                plain = ("priority", "cookie", "idle_timeout", "hard_timeout", "byte_count", "duration_sec", "flags")
                one = {name: getattr(stats, name) for name in plain}
                one |= {"actions": ryu.actions_to_str(stats.instructions), "match": ryu.match_to_str(stats.match)}
                entries.append(one | {"table_id": ryu.UTIL.ofp_table_to_user(stats.table_id)})
            else:
                buckets = [
                    {"weight": b.weight, "watch_port": b.watch_port, "watch_group": b.watch_group,
                     "actions": [ryu.action_to_str(a) for a in b.actions]}
                    for b in stats.buckets
                ]  # fmt: skip
                group = ryu.UTIL.ofp_group_to_user(stats.group_id)
                entries.append({"buckets": buckets, "group_id": group, "type": kinds[stats.type]})
    return {"1": entries}


@pytest.mark.parametrize("name", ["demo", "bank"])
def test_what_ofctl_rest_answers_is_what_the_switch_holds(name: str) -> None:
    _, ruleset = compiled(name)
    for switch in sorted(ruleset.switches):
        state = ruleset.state(switch)
        flows = [encode(FlowStatsReply((FlowStats(rule, 0, 0, 0, 0),)), 1) for rule in state.rules]
        descriptions = [encode(GroupDescReply((group,)), 1) for group in state.groups]
        texts = [Text("flow.json", json.dumps(ofctl(*flows))), Text("group.json", json.dumps(ofctl(*descriptions)))]
        read = states(read_dump(texts, ONE))["s1"]
        assert read.rules == state.rules
        assert read.groups == state.groups


def test_ofctl_rest_gives_meters() -> None:
    said = {"1": [{"flags": ["PKTPS"], "meter_id": 3, "bands": [{"burst_size": 4, "rate": 5, "type": "DROP"}]}]}
    assert states(read_dump([Text("m.json", json.dumps(said))], ONE))["s1"].meters == (Meter(3, (Band(5, 4),), True),)


# Clos's own JSON


@few
@given(st.lists(rules, max_size=8), st.lists(groups(), max_size=3))
def test_rules_written_by_clos_are_read_as_they_were(found: list[Rule], entries: list[GroupEntry]) -> None:
    plain = [_plain(rule) for rule in {rule.key: rule for rule in found}.values() if _has_text(rule)]
    held = list({one.group: _ungrouped(one) for one in entries}.values())
    state = state_of((Block(plain, held),))
    made = Ruleset(("s1",), {"": {"": Placed(Block(*state), ("s1",))}})
    assert states(read_dump([Text("x.json", "".join(ruleset_json(made)))], ONE))["s1"] == state


def _plain(rule: Rule) -> Rule:
    """Without what that form cannot tell: how much of a packet goes to the controller; groups are in another test."""
    todo = rule.instructions
    apply, write = (tuple(a for a in map(_whole, actions) if a) for actions in (todo.apply, todo.write))
    metadata = None if todo.metadata is None else (todo.metadata[0] & todo.metadata[1], todo.metadata[1])
    return rule._replace(instructions=todo._replace(apply=apply, write=write, metadata=metadata))


def _has_text(rule: Rule) -> bool:
    """A VLAN id without a tag, which no frame has, reads ``none``."""
    vid = rule.match.value("vlan_vid")
    return vid in (None, 0) or vid >= 0x1000


def _ungrouped(entry: GroupEntry) -> GroupEntry:
    buckets = (b._replace(actions=tuple(a for a in map(_whole, b.actions) if a)) for b in entry.buckets)
    return entry._replace(buckets=tuple(buckets))


def _whole(action: act.Action) -> act.Action | None:
    if isinstance(action, act.Output):
        return act.Output(action.port)
    odd = isinstance(action, act.SetField) and action.field == "vlan_vid" and action.value < 4096
    return None if isinstance(action, act.Group) or odd else action


def test_a_whole_fabric_written_by_clos_is_read_as_it_was() -> None:
    topology, ruleset = compiled("demo")
    assert states(read_dump([Text("x.json", "".join(ruleset_json(ruleset)))], dpids(topology))) == wanted(ruleset)


# What is refused, and how

REFUSED = (
    ("ct", "actions=ct(table=1)", "s1.flows:1:1: ct (connection tracking; say what to assume: --assume"),
    ("resubmit", "actions=resubmit:2", "resubmit as of another port"),
    ("learn", "actions=learn(table=1,hard_timeout=5)", "action learn"),
    ("partial move", "actions=move:NXM_OF_ETH_SRC[0..15]->NXM_OF_ETH_DST[0..15]", "part of a field"),
    ("partial set", "actions=set_field:10.0.0.0/8->ip_dst", "part of a field"),
    ("register", "reg16=1 actions=drop", "registers beyond reg15"),
    ("state", "ct_state=+odd actions=drop", "no state of a connection"),
    ("fragments", "ip,ip_frag=first actions=drop", "nw_frag: Clos has no model"),
    ("ttl", "ip,nw_ttl=1 actions=drop", "field nw_ttl: Clos has no model"),
    ("inner tag", "vlan_tci1=0x1000/0x1000 actions=drop", "field vlan_tci1: Clos has no model"),
    ("name", 'in_port="eth0" actions=drop', "port eth0: no number known for this name: dump with --no-names, or add"),
    ("prerequisite", "tp_dst=80 actions=drop", "tp_dst: means nothing without a protocol that has it"),
    ("wide", "priority=70000 actions=drop", "priority 70000: does not fit in 16 bits"),
    ("twice", "dl_vlan=1,dl_vlan=2 actions=drop", "vlan_vid: given twice"),
    ("open", "actions=write_actions(output:1", "do not close"),
    ("nonsense", "hello", "not a line of dump-flows"),
    ("protocol", "foo,priority=3 actions=drop", "foo: no protocol or flag that Clos knows"),
    ("select", "group_id=1,type=select,odd=hash,bucket=actions=drop", "group with odd"),
    ("kind", "group_id=1,type=odd", "group type odd"),
    ("group", "actions=group:7", "s1 sends packets to group 7, which no dump of it has"),
)


@pytest.mark.parametrize(("line", "message"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_what_clos_has_no_model_of_is_refused_by_name_and_line(line: str, message: str) -> None:
    assert message in told(line)
    assert re.search(r"^s1\.flows:1:\d+: ", told(line))


def test_every_problem_is_told_with_its_line() -> None:
    said = told("OFPST_FLOW reply (OF1.3) (xid=0x2):\n actions=ct(table=1)\n actions=drop\n nw_ttl=4 actions=drop\n")
    assert [line.partition(": ")[0] for line in said.splitlines()] == ["s1.flows:2:2", "s1.flows:4:2"]


def test_json_problems_have_the_line_of_their_entry() -> None:
    text = '{"1": [\n {"match": {}, "actions": []},\n {"match": {"x": 1}, "actions": []}]}'
    assert told(text, "f.json") == "f.json:3:2: 1[1]: x: no field that Clos knows"


def test_a_switch_without_a_dump_is_asked_for() -> None:
    _, problems = read_dump([Text("s1.flows", "")], {"s1": 1, "s2": 2})
    assert [str(one) for one in problems] == [
        "s1.flows:1:1: no dump of s2: add it, even when the switch holds nothing (an empty file s2.flows)"
    ]
    assert states(read_dump([Text("s1.flows", ""), Text("s2.flows", "")], {"s1": 1, "s2": 2}))["s2"] == NOTHING


@pytest.mark.parametrize("name", ["s1.flows", "s1", "d/s1/flows.txt", "/x/s1-2026-01-01.txt", "s1_groups"])
def test_a_file_is_of_the_switch_it_is_named_after(name: str) -> None:
    dump, problems = read_dump([Text(name, " priority=1 actions=drop\n")], {"s1": 1, "s11": 2})
    assert [one.message for one in problems] == [
        "no dump of s11: add it, even when the switch holds nothing (an empty file s11.flows)"
    ]
    assert dump is None


def test_a_file_of_nobody_is_asked_whose_it_is() -> None:
    _, problems = read_dump([Text("x.txt", "actions=drop")], {"s1": 1, "s2": 2})
    assert "of which switch is this? name the file after it" in problems[0].message


def test_the_same_rule_twice_is_one_and_different_rules_are_a_problem() -> None:
    one, other = " priority=1 actions=drop\n", " priority=1 actions=output:1\n"
    assert len(states(read_dump([Text("s1.a", one), Text("s1.b", one)], ONE))["s1"].rules) == 1
    assert "s1 has two of these that differ: t0#1 any; the other is at s1.flows:1:2" in told(one + other)


def test_rules_know_the_line_they_were_read_from() -> None:
    dump, _ = read_dump([Text("s1.flows", "\n priority=1 actions=drop\n")], ONE)
    assert dump is not None
    assert dump.where("s1", dump.states["s1"].rules[0]) == Where("s1.flows", 2, 2)


SEEDS = (
    " cookie=0xc1, duration=0.3s, table=0, n_packets=0, n_bytes=0, idle_timeout=5, send_flow_rem priority=100,"
    'tcp,in_port="a b",vlan_tci=0x1800/0x1800,nw_src=10.0.0.0/8,tp_dst=0x1f40/0xffc0 '
    "actions=meter:1,push_vlan:0x88a8,set_field:4100->vlan_vid,write_actions(group:4,output:1),"
    "move:NXM_OF_ETH_SRC[]->NXM_OF_ETH_DST[],write_metadata:0x1/0xff,goto_table:7\n",
    ' group_id=4,type=ff,bucket=weight:2,watch_port:1,actions=push_vlan:0x88a8,output:"x",bucket=actions=drop\n',
    "meter=1 kbps burst stats bands=\ntype=drop rate=100 burst_size=100\n",
    ' 1(leaf1-1): addr:aa:55:aa:55:00:0e\n*** s1 ---\nOFPT_FEATURES_REPLY (OF1.3) (xid=0x2): dpid:0000000000000001\n',
    json.dumps({"1": [{"match": {"dl_vlan": "5", "tp_src": 4, "nw_proto": 6, "dl_type": 2048, "metadata": "1/3"},
                       "actions": ["OUTPUT:1", "SET_FIELD: {vlan_vid:4100}", {"WRITE_ACTIONS": ["GROUP:4"]},
                                   "NX_MOVE: {eth_dst_nxm[0..48]: eth_src_nxm[0..48]}", "WRITE_METADATA:0x1/0x3"]},
                      {"group_id": 4, "type": "FF", "buckets": [{"watch_port": 1, "actions": ["OUTPUT:1"]}]},
                      {"meter_id": 1, "flags": ["KBPS"], "bands": [{"type": "DROP", "rate": 1, "burst_size": 1}]}]}),
    '{"format_version": 1, "switches": ["s1"], "rules": [{"switch": "s1", "table": 1, "priority": 2, "match": '
    '{"vlan_vid": "none", "metadata": "0x1/0x3"}, "instructions": {"apply": ["set_field:7->vlan_vid", "output:1"], '
    '"clear": true, "write": ["group:4"], "metadata": "0x1/0x3", "goto": 5}, "cookie": "0x1"}], "groups": [{"switch": '
    '"s1", "group": 4, "type": "ff", "buckets": [{"actions": [], "weight": 1, "watch_port": 4}]}], "meters": []}',
)  # fmt: skip
BITS = ("", " ", ",", "=", ":", "(", ")", '"', "\\", "->", "[]", "/", "0x", "-1", "9" * 50, "٣", "\0", "\n", "null",
        "[" * 3000, "{", "}", "true", "1e9", "NaN", "actions=", "bucket=", "type=", "group_id=", "meter=")  # fmt: skip


@settings(max_examples=max(1, EXAMPLES // 2), deadline=None)
@given(st.data())
def test_malformed_dumps_are_refused_and_never_break_the_reader(data: st.DataObject) -> None:
    text = data.draw(st.sampled_from(SEEDS))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(text)))
        end = at + data.draw(st.sampled_from((0, 0, 1, 2, 8)))
        text = text[:at] + data.draw(st.sampled_from(BITS) | st.text(max_size=3)) + text[end:]
    dump, problems = read_dump([Text("s1.flows", text)], ONE)
    assert (dump is None) == bool(problems)
    for problem in problems:
        assert problem.message and problem.line >= 1
        assert str(problem).isprintable()
        assert len(str(problem)) < 600


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=200) | st.binary(max_size=200).map(lambda raw: raw.decode("latin-1")))
def test_any_text_at_all_is_read_or_refused(text: str) -> None:
    dump, problems = read_dump([Text("s1.flows", text)], ONE)
    assert (dump is None) == bool(problems)
