"""How fast rules become flow-mod bytes and come back, against os-ken doing the same in the same run.

    python -m benchmarks.pack [--rules 20000]

The rules are those of a leaf's pipeline: admission, bridging, routing, policy, delivery. Before timing, both sides'
bytes are compared, so that the rates speak of the same work. Best of three rounds each.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterable

import os_ken.base.app_manager  # noqa: F401  # must come before os_ken.controller and what imports it
from os_ken.ofproto import ofproto_parser, ofproto_protocol, ofproto_v1_3
from os_ken.ofproto import ofproto_v1_3_parser as ryu

from clos.fabric.dataplane import action as act
from clos.fabric.dataplane.action import Group, PushVlan, SetField
from clos.fabric.dataplane.match import Match
from clos.fabric.dataplane.rule import Instructions, Rule
from clos.fabric.dataplane.ruleset import Block
from clos.fabric.openflow import decode, encode, pack_block, pack_rule
from clos.fabric.openflow import flow as packing
from clos.fabric.openflow.actions import _ACTIONS
from clos.fabric.openflow.entries import _INSTRUCTIONS
from clos.fabric.openflow.multipart import FlowStats, FlowStatsReply
from clos.fabric.openflow.oxm import _TERMS

COOKIE = 0xC105 << 48
DATAPATH = ofproto_protocol.ProtocolDesc(ofproto_v1_3.OFP_VERSION)


def admit(n: int) -> Rule:
    address = {"eth_type": 0x0800, "ipv4_src": 0x0A000000 + n}
    match = Match.of(in_port=n % 48 + 1, metadata=(n % 400, 0xFFFF), eth_src=0x020000000000 + n, **address)
    return Rule(1, 100, match, Instructions(metadata=((n % 900) << 16, 0xFFFF0000), goto=2), COOKIE | n)


def bridge(n: int) -> Rule:
    match = Match.of(metadata=(n % 400, 0xFFFF), eth_dst=0x020000000000 + n)
    apply = (PushVlan(), SetField("vlan_vid", 0x1000 | n % 400))
    metadata = ((n % 900) << 32, 0xFFFF00000000)
    return Rule(
        3, 100, match, Instructions(apply=apply, write=(Group(n % 64 + 1),), metadata=metadata, goto=5), COOKIE | n
    )


def route(n: int) -> Rule:
    match = Match.of(metadata=(n % 200 << 48, 0xFFFF << 48), eth_type=0x0800, ipv4_dst=0x0A000000 + n)
    rewrite = (SetField("eth_src", 0x02C105000001), SetField("eth_dst", 0x020000000000 + n), act.DecNwTtl())
    apply = (*rewrite, PushVlan(), SetField("vlan_vid", 0x1000 | n % 400))
    metadata = ((n % 900) << 32, 0xFFFF00000000)
    return Rule(
        4, 100, match, Instructions(apply=apply, write=(Group(n % 64 + 1),), metadata=metadata, goto=5), COOKIE | n
    )


def policy(n: int) -> Rule:
    groups = ((n % 900) << 32 | (n // 900) << 16, 0xFFFFFFFF0000)
    match = Match.of(metadata=groups, eth_type=0x0800, ip_proto=6, tcp_dst=1024 + n % 1000)
    return Rule(5, 100, match, Instructions(goto=6), COOKIE | n)


def deliver(n: int) -> Rule:
    match = Match.of(vlan_vid=0x1000 | n % 400, eth_dst=0x020000000000 + n)
    return Rule(7, 100, match, Instructions(apply=(act.PopVlan(), act.Output(n % 48 + 1))), COOKIE | n)


def rules_of(count: int) -> list[Rule]:
    kinds = (admit, bridge, bridge, route, route, policy, deliver)
    return [kinds[n % len(kinds)](n) for n in range(count)]


_RYU_ACTIONS: dict[type, Callable[..., object]] = {
    act.PushVlan: lambda a: ryu.OFPActionPushVlan(a.ethertype),
    act.PopVlan: lambda a: ryu.OFPActionPopVlan(),
    act.SetField: lambda a: ryu.OFPActionSetField(**{a.field: a.value}),
    act.Group: lambda a: ryu.OFPActionGroup(a.group),
    act.DecNwTtl: lambda a: ryu.OFPActionDecNwTtl(),
    act.Output: lambda a: ryu.OFPActionOutput(a.port, a.max_len),
}


def ryu_frame(rule: Rule) -> bytes:
    """The rule as an os-ken application sends it: construct match, actions, instructions, OFPFlowMod; serialise."""
    fields = {name: value if mask is None else (value, mask) for name, value, mask in rule.match}
    todo = rule.instructions
    instructions: list[object] = []
    for kind, actions in ((4, todo.apply), (3, todo.write)):
        if actions:
            instructions.append(ryu.OFPInstructionActions(kind, [_RYU_ACTIONS[type(a)](a) for a in actions]))
    if todo.metadata is not None:
        instructions.append(ryu.OFPInstructionWriteMetadata(*todo.metadata))
    if todo.goto is not None:
        instructions.append(ryu.OFPInstructionGotoTable(todo.goto))
    message = ryu.OFPFlowMod(
        DATAPATH, cookie=rule.cookie, table_id=rule.table, priority=rule.priority, match=ryu.OFPMatch(**fields),
        instructions=instructions, out_port=0xFFFFFFFF, out_group=0xFFFFFFFF,
    )  # fmt: skip
    message.set_xid(0)
    message.serialize()
    return bytes(message.buf)


def forget() -> None:
    """Empty every memo, so that a round starts cold."""
    for memo in (packing._FLOW_MODS, packing._ENTRIES, _INSTRUCTIONS, _ACTIONS, _TERMS):
        memo.forget()


def rate(work: Callable[[], Iterable[object]], count: int, *, cold: bool = True) -> float:
    """Items a second, best of three."""
    best = 0.0
    for _ in range(3):
        if cold:
            forget()
        start = time.perf_counter()
        for _ in work():
            pass
        best = max(best, count / (time.perf_counter() - start))
    return best


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rules", type=int, default=20_000)
    rules = rules_of(parser.parse_args().rules)
    few = rules[: max(1, len(rules) // 10)]
    frames = [pack_rule(rule) for rule in rules]
    for rule, frame in zip(few, frames, strict=False):
        if ryu_frame(rule)[8:] != frame[8:]:
            raise SystemExit(f"os-ken and pack_rule disagree on {rule}")
    replies = [
        encode(FlowStatsReply(tuple(FlowStats(r, n) for r in rules[n : n + 300]))) for n in range(0, len(rules), 300)
    ]

    theirs = rate(lambda: map(ryu_frame, few), len(few))
    ours = rate(lambda: map(pack_rule, rules), len(rules))
    shared = rate(lambda: [pack_block(Block(rules))], len(rules), cold=False)
    print(f"rules                                  {len(rules):>12,}")
    print(f"os-ken construct + serialise           {theirs:>12,.0f} /s")
    print(f"pack_rule, cold                        {ours:>12,.0f} /s   {ours / theirs:6.1f} x os-ken")
    print(f"pack_block                             {shared:>12,.0f} /s   {shared / theirs:6.1f} x os-ken")

    parse = ofproto_parser.msg
    some = frames[: len(few)]
    theirs = rate(lambda: (parse(DATAPATH, 4, 14, len(f), 0, f) for f in some), len(some))
    first = rate(lambda: map(decode, frames), len(frames))
    again = rate(lambda: map(decode, frames), len(frames), cold=False)
    print(f"os-ken parse of flow-mods              {theirs:>12,.0f} /s")
    print(f"decode flow-mods, each for the 1st time{first:>12,.0f} /s   {first / theirs:6.1f} x os-ken")
    print(f"decode flow-mods, met before           {again:>12,.0f} /s   {again / theirs:6.1f} x os-ken")
    first = rate(lambda: map(decode, replies), len(rules))
    again = rate(lambda: map(decode, replies), len(rules), cold=False)
    print(f"decode flow statistics, 1st time       {first:>12,.0f} entries/s")
    print(f"decode flow statistics, rules met before{again:>11,.0f} entries/s")


if __name__ == "__main__":
    main()
