"""Arbitrary OpenFlow messages, one strategy for each class of message.

``MESSAGES[kind]`` draws messages of that class whose values fit their fields and are legal by themselves, so that
``decode(encode(m)) == m`` must hold for every one of them.
"""

from __future__ import annotations

from hypothesis import strategies as st

from clos.fabric.dataplane import action as act
from clos.fabric.dataplane.match import Match
from clos.fabric.dataplane.rule import (
    GROUP_TYPES,
    SELECT,
    Band,
    Bucket,
    GroupEntry,
    Instructions,
    Rule,
)
from clos.fabric.openflow import messages as m
from clos.fabric.openflow import multipart as mp
from clos.fabric.openflow.constants import (
    BundleControlType,
    FlowModCommand,
    GroupModCommand,
    MeterModCommand,
    Role,
    TableProperty,
)
from clos.fabric.openflow.entries import meter_of
from clos.fabric.packet.fields import FIELDS


def bits(width: int) -> st.SearchStrategy[int]:
    """Numbers of a width; the ends of the range more often than chance would have them."""
    return st.integers(0, (1 << width) - 1) | st.sampled_from((0, 1, (1 << width) - 1))


u8, u16, u32, u64 = bits(8), bits(16), bits(32), bits(64)
data = st.binary(max_size=80)
names = st.text(st.characters(blacklist_characters="\0", blacklist_categories=("Cs",)), max_size=5)
macs = bits(48)

_GROUNDS: tuple[dict[str, int], ...] = (
    {},
    {"vlan_vid": 0x1000 | 7},
    {"eth_type": 0x0800},
    {"eth_type": 0x86DD},
    {"eth_type": 0x0806},
    {"eth_type": 0x8847},
    {"eth_type": 0x88E7},
    {"eth_type": 0x0800, "ip_proto": 6},
    {"eth_type": 0x86DD, "ip_proto": 17},
    {"eth_type": 0x0800, "ip_proto": 132},
    {"eth_type": 0x0800, "ip_proto": 1},
    {"eth_type": 0x86DD, "ip_proto": 58},
    {"eth_type": 0x86DD, "ip_proto": 58, "icmpv6_type": 135},
    {"eth_type": 0x86DD, "ip_proto": 58, "icmpv6_type": 136},
)
"""Exact terms that other fields stand on."""


def _stands(name: str, ground: dict[str, int]) -> bool:
    return all(ground.get(need, -1) in (allowed or {0x1007}) for need, allowed in FIELDS[name].needs)


@st.composite
def matches(draw: st.DrawFn) -> Match:
    """Legal matches: every field in turn, exact or masked, on its prerequisites."""
    ground = draw(st.sampled_from(_GROUNDS))
    free = [name for name in FIELDS if name not in ground and _stands(name, ground)]
    terms = [(name, value, None) for name, value in ground.items()]
    for name in draw(st.lists(st.sampled_from(free), unique=True, max_size=4)):
        field = FIELDS[name]
        value = draw(bits(field.bits))
        mask = draw(st.none() | bits(field.bits)) if field.maskable else None
        terms.append((name, value if mask is None else value & mask, mask))
    return Match.checked(terms)


ports = st.integers(1, act.MAX_PORT) | st.sampled_from((act.IN_PORT, act.FLOOD, act.ALL, act.CONTROLLER, act.LOCAL))
_SETTABLE = sorted(set(FIELDS) - {"in_port", "in_phy_port", "metadata"})
set_fields = st.sampled_from(_SETTABLE).flatmap(
    lambda name: st.builds(act.SetField, st.just(name), bits(FIELDS[name].bits))
)
_MOVES = (("eth_src", "eth_dst"), ("arp_sha", "arp_tha"), ("arp_spa", "arp_tpa"), ("ipv4_src", "ipv4_dst"))
moves = st.sampled_from(
    [act.Move(*pair) for a, b in _MOVES for pair in ((a, b), (b, a))] + [act.Move("arp_sha", "eth_dst")]
)
plain_actions = st.one_of(
    st.builds(act.Output, ports, u16),
    st.builds(act.Group, st.integers(0, 0xFFFFFF00)),
    set_fields,
    st.builds(act.PushVlan, st.sampled_from((0x8100, 0x88A8))),
    st.builds(act.PushMpls, st.sampled_from((0x8847, 0x8848))),
    st.builds(act.PopMpls, u16),
    st.builds(act.SetMplsTtl, u8),
    st.builds(act.SetNwTtl, u8),
    st.builds(act.SetQueue, u32),
    st.sampled_from(
        (
            act.PopVlan(),
            act.PushPbb(),
            act.PopPbb(),
            act.DecMplsTtl(),
            act.DecNwTtl(),
            act.CopyTtlOut(),
            act.CopyTtlIn(),
        )
    ),
)
"""Every action but ``Move``, which os-ken knows by other names."""
actions = st.lists(plain_actions | moves, max_size=4).map(tuple)


def instructions_from(table: int) -> st.SearchStrategy[Instructions]:
    goto = st.none() | st.integers(table + 1, 255) if table < 255 else st.none()
    metadata = st.none() | st.tuples(u64, u64)
    return st.builds(Instructions, st.none() | u32, actions, st.booleans(), actions, metadata, goto)


rules = u8.flatmap(
    lambda table: st.builds(
        Rule, st.just(table), u16, matches(), instructions_from(table), u64, u16, u16, st.integers(0, 31)
    )
)


@st.composite
def groups(draw: st.DrawFn) -> GroupEntry:
    kind = draw(st.sampled_from(GROUP_TYPES))
    weight = u16 if kind == SELECT else st.just(1)
    watch = st.none() | st.integers(0, 0xFFFFFFFE)
    return GroupEntry(
        draw(u32), kind, tuple(draw(st.lists(st.builds(Bucket, actions, weight, watch, watch), max_size=3)))
    )


bands = st.lists(st.builds(Band, u32, u32, st.none() | u8), max_size=3).map(tuple)
flagged_meters = st.builds(meter_of, u32, st.sampled_from((1, 2, 5, 6, 9, 10, 13, 14)), bands)
"""(meter, flags): flags None where the meter implies them."""

switch_ports = st.builds(m.Port, u32, macs, names.filter(lambda name: len(name.encode()) <= 16), *[u32] * 8)
queue_properties = st.builds(m.QueueRate, st.sampled_from((1, 2)), u16) | st.builds(m.QueueExperimenter, u32, data)
queues = st.builds(m.Queue, u32, u32, st.lists(queue_properties, max_size=3).map(tuple))
bundle_properties = st.lists(st.builds(m.BundleProperty, u32, u32, data), max_size=2).map(tuple)
counters = st.lists(st.builds(mp.Counter, u64, u64), max_size=3).map(tuple)
_select = (u8, u32, u32, u64, u64, matches())
_async = (u32,) * 6
_P = TableProperty
type_ids = st.integers(0, 0xFFFE) | u32.map(lambda n: 0xFFFF << 32 | n)
oxm_ids = st.integers(0, 0xFFFEFFFF) | u32.map(lambda n: 0xFFFF0104 << 32 | n)


def _ids(ids: st.SearchStrategy[int], *kinds: int) -> st.SearchStrategy[mp.TableIds]:
    return st.builds(mp.TableIds, st.sampled_from(kinds), st.lists(ids, max_size=5).map(tuple))


_INSTRUCTIONS = (_P.INSTRUCTIONS, _P.INSTRUCTIONS_MISS)
_ACTIONS = (_P.WRITE_ACTIONS, _P.WRITE_ACTIONS_MISS, _P.APPLY_ACTIONS, _P.APPLY_ACTIONS_MISS)
_OXMS = (_P.MATCH, _P.WILDCARDS, _P.WRITE_SETFIELD, _P.WRITE_SETFIELD_MISS, _P.APPLY_SETFIELD, _P.APPLY_SETFIELD_MISS)
table_properties = st.one_of(
    _ids(type_ids, *_INSTRUCTIONS, *_ACTIONS),
    _ids(u8, _P.NEXT_TABLES, _P.NEXT_TABLES_MISS),
    _ids(oxm_ids, *_OXMS),
    st.builds(mp.TableExperimenter, st.sampled_from((_P.EXPERIMENTER, _P.EXPERIMENTER_MISS)), u32, u32, data),
)
tables = st.builds(mp.TableFeatures, u8, names, u64, u64, u32, u32, st.lists(table_properties, max_size=3).map(tuple))
flow_stats = st.builds(mp.FlowStats, rules, u32, u32, u64, u64)
more = st.booleans()


def _listed(kind: type, entries: st.SearchStrategy[object]) -> st.SearchStrategy[m.Message]:
    return st.builds(kind, st.lists(entries, max_size=3).map(tuple), more=more)


PLAIN: dict[type, st.SearchStrategy[m.Message]] = {
    m.Hello: st.builds(m.Hello, st.lists(u8, unique=True).map(lambda v: tuple(sorted(v))), u8),
    m.Error: st.builds(m.Error, st.integers(0, 13), u16, data)
    | st.builds(m.Error, st.just(0xFFFF), u16, data, st.just(0x4F4E4600)),
    m.EchoRequest: st.builds(m.EchoRequest, data),
    m.EchoReply: st.builds(m.EchoReply, data),
    m.Experimenter: st.builds(m.Experimenter, u32, st.integers(0, 2299), data),
    m.FeaturesRequest: st.just(m.FeaturesRequest()),
    m.FeaturesReply: st.builds(m.FeaturesReply, u64, u32, u8, u8, u32),
    m.GetConfigRequest: st.just(m.GetConfigRequest()),
    m.GetConfigReply: st.builds(m.GetConfigReply, u16, u16),
    m.SetConfig: st.builds(m.SetConfig, st.integers(0, 3), u16),
    m.PacketIn: st.builds(m.PacketIn, matches(), data, u32, u16, u8, u8, u64),
    m.FlowRemoved: st.builds(m.FlowRemoved, u8, u16, matches(), u64, u8, u32, u32, u16, u16, u64, u64),
    m.PortStatus: st.builds(m.PortStatus, u8, switch_ports),
    m.PacketOut: st.builds(m.PacketOut, actions, data, u32, u32),
    m.FlowMod: st.builds(m.FlowMod, st.sampled_from(FlowModCommand), rules, u64, u32, u32, u32),
    m.GroupMod: st.builds(m.GroupMod, st.sampled_from(GroupModCommand), groups()),
    m.PortMod: st.builds(m.PortMod, u32, macs, u32, u32, u32),
    m.TableMod: st.builds(m.TableMod, u8, u32),
    m.MeterMod: st.builds(lambda c, fm: m.MeterMod(c, *fm), st.sampled_from(MeterModCommand), flagged_meters),
    m.BarrierRequest: st.just(m.BarrierRequest()),
    m.BarrierReply: st.just(m.BarrierReply()),
    m.QueueGetConfigRequest: st.builds(m.QueueGetConfigRequest, u32),
    m.QueueGetConfigReply: st.builds(m.QueueGetConfigReply, u32, st.lists(queues, max_size=3).map(tuple)),
    m.RoleRequest: st.builds(m.RoleRequest, st.sampled_from(Role), u64),
    m.RoleReply: st.builds(m.RoleReply, st.sampled_from(Role), u64),
    m.GetAsyncRequest: st.just(m.GetAsyncRequest()),
    m.GetAsyncReply: st.builds(m.GetAsyncReply, *_async),
    m.SetAsync: st.builds(m.SetAsync, *_async),
}
MULTIPART: dict[type, st.SearchStrategy[m.Message]] = {
    mp.DescRequest: st.builds(mp.DescRequest, more=more),
    mp.DescReply: st.builds(mp.DescReply, names, names, names, names, names, more=more),
    mp.FlowStatsRequest: st.builds(mp.FlowStatsRequest, *_select, more=more),
    mp.FlowStatsReply: _listed(mp.FlowStatsReply, flow_stats),
    mp.AggregateRequest: st.builds(mp.AggregateRequest, *_select, more=more),
    mp.AggregateReply: st.builds(mp.AggregateReply, u64, u64, u32, more=more),
    mp.TableStatsRequest: st.builds(mp.TableStatsRequest, more=more),
    mp.TableStatsReply: _listed(mp.TableStatsReply, st.builds(mp.TableStats, u8, u32, u64, u64)),
    mp.PortStatsRequest: st.builds(mp.PortStatsRequest, u32, more=more),
    mp.PortStatsReply: _listed(mp.PortStatsReply, st.builds(mp.PortStats, u32, *[u64] * 12, u32, u32)),
    mp.QueueStatsRequest: st.builds(mp.QueueStatsRequest, u32, u32, more=more),
    mp.QueueStatsReply: _listed(mp.QueueStatsReply, st.builds(mp.QueueStats, u32, u32, u64, u64, u64, u32, u32)),
    mp.GroupStatsRequest: st.builds(mp.GroupStatsRequest, u32, more=more),
    mp.GroupStatsReply: _listed(mp.GroupStatsReply, st.builds(mp.GroupStats, u32, u32, u64, u64, u32, u32, counters)),
    mp.GroupDescRequest: st.builds(mp.GroupDescRequest, more=more),
    mp.GroupDescReply: _listed(mp.GroupDescReply, groups()),
    mp.GroupFeaturesRequest: st.builds(mp.GroupFeaturesRequest, more=more),
    mp.GroupFeaturesReply: st.builds(
        mp.GroupFeaturesReply, u32, u32, st.tuples(u32, u32, u32, u32), st.tuples(u32, u32, u32, u32), more=more
    ),
    mp.MeterStatsRequest: st.builds(mp.MeterStatsRequest, u32, more=more),
    mp.MeterStatsReply: _listed(mp.MeterStatsReply, st.builds(mp.MeterStats, u32, u32, u64, u64, u32, u32, counters)),
    mp.MeterConfigRequest: st.builds(mp.MeterConfigRequest, u32, more=more),
    mp.MeterConfigReply: _listed(mp.MeterConfigReply, flagged_meters.map(lambda fm: mp.MeterConfig(*fm))),
    mp.MeterFeaturesRequest: st.builds(mp.MeterFeaturesRequest, more=more),
    mp.MeterFeaturesReply: st.builds(mp.MeterFeaturesReply, u32, u32, u32, u8, u8, more=more),
    mp.TableFeaturesRequest: _listed(mp.TableFeaturesRequest, tables),
    mp.TableFeaturesReply: _listed(mp.TableFeaturesReply, tables),
    mp.PortDescRequest: st.builds(mp.PortDescRequest, more=more),
    mp.PortDescReply: _listed(mp.PortDescReply, switch_ports),
    mp.ExperimenterMultipartRequest: st.builds(mp.ExperimenterMultipartRequest, u32, u32, data, more=more),
    mp.ExperimenterMultipartReply: st.builds(mp.ExperimenterMultipartReply, u32, u32, data, more=more),
}
BUNDLES: dict[type, st.SearchStrategy[m.Message]] = {
    m.BundleControl: st.builds(
        m.BundleControl, u32, st.sampled_from(BundleControlType), st.integers(0, 3), bundle_properties
    ),
    m.BundleAdd: st.builds(
        m.BundleAdd, u32, st.integers(0, 3), PLAIN[m.FlowMod] | PLAIN[m.GroupMod] | PLAIN[m.PortMod], bundle_properties
    ),
}
MESSAGES: dict[type, st.SearchStrategy[m.Message]] = PLAIN | MULTIPART | BUNDLES
