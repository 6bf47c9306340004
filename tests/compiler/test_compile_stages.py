"""Laws of the pipeline's table of stages, of port ranges and of the refusals of the compiler."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clos.controller.compile import CompileError, compile_fabric, is_clos, origins
from clos.controller.compile.numbering import TenantNumbers
from clos.controller.compile.rules.policy import port_masks
from clos.controller.compile.stages import BRIDGE, METER, POLICY, STAGES, TARGET
from clos.controller.intent.model import Intent, Network, Tenant
from clos.fabric.dataplane.action import DecNwTtl, Group, Output, PushMpls, SetField
from clos.fabric.dataplane.match import Match
from clos.fabric.dataplane.rule import Instructions
from clos.fabric.topology import LEAF, SPINE, Link, PortRef, Switch, Topology
from tests.support.fabrics import intents, topologies

TO_MAC = Match.of(eth_dst=5)


@pytest.mark.parametrize(
    ("stage", "match", "instructions", "what"),
    [
        (BRIDGE, Match.of(ip_proto=6, eth_type=0x0800), Instructions(), "matches ip_proto"),
        (BRIDGE, TO_MAC, Instructions(apply=(DecNwTtl(),)), "applies DecNwTtl"),
        (BRIDGE, TO_MAC, Instructions(write=(PushMpls(),)), "writes PushMpls"),
        (POLICY, Match.of(), Instructions(metadata=TARGET.write(3)), "writes metadata 0xffff"),
        (BRIDGE, TO_MAC, Instructions(goto=7), "goes to table 7"),
        (BRIDGE, TO_MAC, Instructions(meter=1), "uses a meter"),
        (METER, TO_MAC, Instructions(), "matches eth_dst"),
    ],
)
def test_a_rule_outside_its_stage_cannot_be_built(stage, match, instructions, what) -> None:
    with pytest.raises(CompileError, match=what):
        stage.rule(1, match, instructions, 0)


def test_a_refusal_names_every_fault_at_once() -> None:
    wrong = Instructions(apply=(DecNwTtl(), Output(1)), write=(PushMpls(), Group(1), SetField("eth_dst", 1)), goto=2)
    with pytest.raises(CompileError, match="applies DecNwTtl, applies Output, writes PushMpls, goes to table 2"):
        BRIDGE.rule(1, TO_MAC, wrong, 0)


def test_tables_are_numbered_as_they_are_named() -> None:
    names = ["port", "admit", "arp", "bridge", "route", "policy", "meter", "deliver"]
    assert [(stage.table, stage.name) for stage in STAGES] == list(enumerate(names))


def test_stages_only_go_forward() -> None:
    assert all(target > stage.table for stage in STAGES for target in stage.goto)


@given(st.integers(0, 65535), st.integers(0, 65535))
def test_port_masks_hold_the_range_and_nothing_else(one: int, two: int) -> None:
    first, last = sorted((one, two))
    masks = list(port_masks(first, last))
    assert sum(0x10000 - mask for _, mask in masks) == last - first + 1
    for port in {first, last, (first + last) // 2, max(0, first - 1), min(65535, last + 1)}:
        assert any(port & mask == value for value, mask in masks) == (first <= port <= last)


@given(st.data())
def test_every_rule_of_clos_says_which_intent_caused_it(data: st.DataObject) -> None:
    topology = data.draw(topologies())
    intent = data.draw(intents(topology))
    known = origins(intent)
    ruleset = compile_fabric(intent, topology).ruleset
    tenants = [part for name, part in ruleset.parts.items() if name != "fabric"]
    rules = [rule for part in tenants for placed in part.values() for rule in placed.block.rules]
    assert all(is_clos(rule.cookie) and rule.cookie in known for rule in rules)


def test_leaves_without_a_spine_in_common_are_refused() -> None:
    switches = {"s0": Switch("s0", SPINE, 8), "s1": Switch("s1", SPINE, 9)}
    switches |= {"l0": Switch("l0", LEAF, 1, 1), "l1": Switch("l1", LEAF, 2, 2)}
    links = (Link(PortRef("l0", 1), PortRef("s0", 1)), Link(PortRef("l1", 1), PortRef("s1", 1)))
    with pytest.raises(CompileError, match="l0 and l1 have no spine in common"):
        compile_fabric(Intent(), Topology("split", switches, links))


def test_running_out_of_numbers_is_an_error_that_says_of_what() -> None:
    switches = {"s0": Switch("s0", SPINE, 9), "l0": Switch("l0", LEAF, 1, 1)}
    topology = Topology("one", switches, (Link(PortRef("l0", 1), PortRef("s0", 1)),))
    full = {f"t{i}": TenantNumbers(i + 1, {}, {}, {}, {}) for i in range(8191)}
    tenant = Tenant("late", {"n": Network("n", (10 << 24, 24), (10 << 24) + 1)}, {}, {})
    with pytest.raises(CompileError, match="out of VRFs: all 8191 numbers are in use"):
        compile_fabric(Intent({"late": tenant}), topology, numbering=full)
