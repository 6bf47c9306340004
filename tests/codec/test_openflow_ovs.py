"""Open vSwitch as a second judge, where its ovs-ofctl is installed: it reads our bytes, and refuses what we refuse."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clos.controller.plan import ADD, DELETE, MODIFY, Push
from clos.controller.wire.encoding import encode_push
from clos.fabric.dataplane import action as act
from clos.fabric.dataplane.match import Match, Term
from clos.fabric.dataplane.rule import DROP, Band, Bucket, GroupEntry, Instructions, Meter, Rule
from clos.fabric.dataplane.ruleset import Block
from clos.fabric.openflow import Framer, encode, pack_rule
from clos.fabric.openflow.constants import (
    BundleControlType,
    FlowModCommand,
    GroupModCommand,
    MeterModCommand,
)
from clos.fabric.openflow.errors import BadRequest
from clos.fabric.openflow.messages import (
    BundleAdd,
    BundleControl,
    FlowMod,
    GroupMod,
    Message,
    MeterMod,
    PacketOut,
)
from clos.fabric.packet.fields import FIELDS
from tests.support.bad_frames import BAD
from tests.support.openflow_strategies import matches

OFCTL = shutil.which("ovs-ofctl")
pytestmark = pytest.mark.skipif(OFCTL is None, reason="ovs-ofctl is not installed")


def ovs(frame: bytes) -> str:
    """What ovs-ofctl prints of a frame."""
    command = [OFCTL or "", "-O", "OpenFlow13", "ofp-print", frame.hex()]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=20).stdout


def ovs_error(frame: bytes) -> str | None:
    found = re.search(r"decode error: OFP[A-Z]+?_(\w+)", ovs(frame))
    return found and found[1]


UNKNOWN_TO_OVS = {"in_phy_port", "pbb_isid", "ipv6_exthdr"}


def _ovs_takes(term: Term) -> bool:
    """Its ports have 16 bits, its arp_op 8; where fields of neighbour discovery follow it wants icmpv6_code 0."""
    name, value, _ = term
    too_wide = value >= {"in_port": 0xFF00, "arp_op": 0x100}.get(name, value + 1)
    return not too_wide and name != "icmpv6_code" and name not in UNKNOWN_TO_OVS


@settings(max_examples=60, deadline=None)
@given(matches())
def test_ovs_reads_our_matches(match: Match) -> None:
    known = Match.trusted(filter(_ovs_takes, match))
    assert ovs_error(pack_rule(Rule(1, 2, known, DROP))) is None


ARP = Match.of(eth_type=0x0806, arp_op=1)
PAIRS = (("eth_src", "eth_dst"), ("arp_sha", "arp_tha"), ("arp_spa", "arp_tpa"), ("arp_sha", "eth_dst"))


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_ovs_moves_what_we_move(source: str, target: str) -> None:
    whole = r"\w+\[\]"
    for move in (act.Move(source, target), act.Move(target, source)):
        shown = ovs(pack_rule(Rule(2, 9, ARP, Instructions(apply=(move, act.Output(act.IN_PORT))))))
        names = re.findall(rf"move:({whole})->({whole})", shown)
        assert [tuple(map(_ovs_field, pair)) for pair in names] == [(move.source, move.target)], shown


def _ovs_field(name: str) -> str:
    return name.removesuffix("[]").replace("NXM_OF_", "").replace("NXM_NX_", "").lower()


def test_ovs_reads_the_pipeline_as_we_mean_it() -> None:
    apply = (act.PushVlan(), act.SetField("vlan_vid", 0x1007), act.SetField("eth_src", 5), act.DecNwTtl())
    todo = Instructions(3, apply, False, (act.Group(9),), (0x20, 0xF0), 6)
    match = Match.of(metadata=(5, 0xFF), eth_type=0x0800, ipv4_dst=(0x0A000000, 0xFF000000))
    shown = ovs(pack_rule(Rule(4, 100, match, todo, 0xC105 << 48)))
    for part in (
        "ADD table:4 priority=100,ip,metadata=0x5/0xff,nw_dst=10.0.0.0/8 cookie:0xc105000000000000",
        "meter:3,push_vlan:0x8100,set_field:4103->vlan_vid,set_field:00:00:00:00:00:05->eth_src,dec_ttl",
        "write_actions(group:9),write_metadata:0x20/0xf0,goto_table:6",
    ):
        assert part in shown


SELECTING = GroupEntry(7, "select", (Bucket((act.Output(1),), 3, watch_port=1), Bucket((act.Output(2),), 4)))
FLOW_MOD = FlowMod(FlowModCommand.ADD, Rule(1, 1, Match.of(in_port=1), DROP))
MEANT: dict[str, tuple[Message, str]] = {
    "group": (
        GroupMod(GroupModCommand.ADD, SELECTING),
        "ADD group_id=7,type=select,bucket=weight:3,watch_port:1,actions=output:1,bucket=weight:4,actions=output:2",
    ),
    "meter": (
        MeterMod(MeterModCommand.ADD, Meter(5, (Band(1000, 50), Band(2000, 60, 1)))),
        "ADD meter=5 kbps burst stats bands=",
    ),
    "packet-out": (PacketOut((act.Output(4),), bytes(60)), "in_port=CONTROLLER actions=output:4 data_len=60"),
    "bundle control": (
        BundleControl(9, BundleControlType.COMMIT_REQUEST, 3),
        "bundle_id=0x9 type=COMMIT_REQUEST flags=atomic ordered",
    ),
    "bundle add": (BundleAdd(9, 1, FLOW_MOD), "ADD table:1 priority=1,in_port=1 actions=drop"),
}


@pytest.mark.parametrize("name", MEANT)
def test_ovs_reads_what_we_mean(name: str) -> None:
    message, text = MEANT[name]
    assert text in ovs(encode(message, 1))


AGREED = sorted(
    set(BAD)
    - {
        # it speaks more than OpenFlow 1.3 here
        "shorter than a header", "length above the bytes", "version 1", "field of class 1", "set_field of class 1",
        "Nicira's resubmit", "move of half a field", "group command 3", "vlan_vid mask of 16 bits",
        # checked later, by the switch and not by the printer
        "output to port 0", "group ALL", "meter of no unit", "bundle control 9", "bundle flags 4",
        # the specification has a code of its own: BAD_TYPE, BAD_LEN, BAD_SET_TYPE, BAD_SET_ARGUMENT
        "match of the old kind", "in_port of 2 bytes", "set_field in_port", "set_field with a mask",
    }
)  # fmt: skip
OTHER_NAMES = {"BAD_STAT": "BAD_MULTIPART", "BAD_VENDOR": "BAD_EXPERIMENTER", "DUP_INST": "DUP_INSTRUCTION"}


@pytest.mark.parametrize("name", AGREED)
def test_ovs_refuses_with_the_same_error(name: str) -> None:
    frame, code = BAD[name]
    theirs = ovs_error(frame)
    assert theirs is not None
    assert OTHER_NAMES.get(theirs, theirs) == code.name


def test_enough_errors_are_agreed() -> None:
    assert len(AGREED) > 35
    assert BadRequest.BAD_LEN in {BAD[name][1] for name in AGREED}


def test_every_field_ovs_lacks_is_a_field() -> None:
    assert set(FIELDS) >= UNKNOWN_TO_OVS


@settings(max_examples=10, deadline=None)
@given(st.sampled_from([FlowModCommand.MODIFY, FlowModCommand.MODIFY_STRICT, FlowModCommand.DELETE_STRICT]))
def test_ovs_reads_our_commands(command: FlowModCommand) -> None:
    name = {"MODIFY": "MOD", "MODIFY_STRICT": "MOD_STRICT", "DELETE_STRICT": "DEL_STRICT"}[command.name]
    assert f": {name} table:1 priority=1,in_port=1" in ovs(pack_rule(FLOW_MOD.rule, command))


@pytest.mark.parametrize("op", [ADD, MODIFY, DELETE])
@pytest.mark.parametrize("kind", ["all", "select", "indirect", "ff"])
def test_ovs_takes_every_message_of_a_push(op: str, kind: str) -> None:
    """Its deletes of groups, too, in which it wants no buckets."""
    group = GroupEntry(1, kind, (Bucket((act.Output(1),), 1, 1 if kind in ("select", "ff") else None),))
    rule = Rule(0, 1, Match.of(eth_dst=1), Instructions(apply=(act.Output(1),)))
    push = encode_push(Push(op, Block([rule], [group], [Meter(1, (Band(100),))]), ("leaf1",)))
    frames = Framer().feed(push.data)
    assert len(frames) == 3
    assert [ovs_error(frame) for frame in frames] == [None] * 3
