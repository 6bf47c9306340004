"""The plan for the legacy bank: order, way back, predictions, intents, refusals."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from clos.controller.migrate.model import AccessList, AclLine, Contradiction
from clos.controller.migrate.plan import model as m
from clos.controller.migrate.plan.config_change import after, same
from clos.controller.migrate.plan.ground import Unplannable
from clos.controller.migrate.plan.make import Wishes, make
from clos.controller.migrate.plan.plan_json import plan_text, read_plan
from clos.controller.migrate.plan.transit_lists import transit_list
from clos.controller.migrate.plan.writing import files, write
from clos.controller.migrate.segmentation.planes import planes
from clos.controller.migrate.segmentation.rules import Rule, read_list
from clos.controller.migrate.segmentation.verdicts import Row, judge, told_apart
from tests.migration.discovered_bank import BANK, bank
from tests.migration.plan.bank_plan import BORDERS, configs, fabric, planned, planned_with
from tests.migration.plan.simulated_config import on_the_simulator


def steps(phase: int) -> tuple[m.Step, ...]:
    return next(p.steps for p in planned().plan.phases if p.number == phase)


def test_all_commands_and_then_all_inverses_give_every_configuration_back() -> None:
    held = dict(configs())
    typed = [each for step in planned().plan.steps() for each in step.commands]
    for each in typed:
        held[each.device] = after(held[each.device], each.lines)
    assert not all(same(held[name], text) for name, text in configs().items())
    for each in reversed(typed):
        held[each.device] = after(held[each.device], each.inverse)
    assert all(same(held[name], text) for name, text in configs().items())


def test_the_simulated_devices_take_every_line_and_come_back_by_the_inverse() -> None:
    held = {name: on_the_simulator(text, ()) for name, text in configs().items()}
    first, typed = dict(held), [each for step in planned().plan.steps() for each in step.commands]
    for each in typed:
        there = on_the_simulator(held[each.device], each.lines)
        assert same(there, after(held[each.device], each.lines)), each
        held[each.device] = there
    for each in reversed(typed):
        held[each.device] = on_the_simulator(held[each.device], each.inverse)
    assert all(same(held[name], text) for name, text in first.items())


def test_the_trunk_protects_itself_before_it_opens_and_carries_nothing_at_first() -> None:
    (lines,) = [each.lines for each in steps(m.EXTEND)[0].commands]
    order = [lines.index(line) for line in (" spanning-tree bpduguard enable", " switchport trunk allowed vlan none")]
    assert [*order, lines.index(" no shutdown")] == sorted([*order, len(lines) - 1])
    inverse = steps(m.EXTEND)[0].commands[0].inverse
    assert inverse[1] == " shutdown"


def test_each_vlan_is_attached_at_one_border_and_the_others_carry_nothing() -> None:
    for step in planned().plan.steps():
        for each in step.commands:
            if each.device == "dist2":
                assert not any("allowed vlan add" in line for line in each.lines)


def test_no_check_waits_for_a_root_that_nobody_knows() -> None:
    wanted = [check for step in planned().plan.steps() for check in step.checks if check.kind == "border-root"]
    assert len(wanted) >= 7
    assert all(root.count(":") == 5 for check in wanted for root in check.expect)


def test_no_step_changes_a_root_or_a_blocked_port() -> None:
    start = planned().plan.start
    assert set(start.roots) >= {30, 40, 50, 60, 80, 90, 100}
    for step in planned().plan.steps():
        assert all(step.predicted.roots.get(vlan) == roots for vlan, roots in start.roots.items())
        assert all(step.predicted.blocked.get(vlan) == ports for vlan, ports in start.blocked.items())


def test_gateways_move_with_their_address_and_mac_and_legacy_routers_stand_by() -> None:
    moved = steps(m.GATEWAYS)
    assert [step.vlan for step in moved] == [10, 20, 30, 40, 50, 60, 70, 80, 90, 100]
    for step in moved:
        owner = next(o for o in step.predicted.gateways if o.vlan == step.vlan)
        assert owner.owners[0] == "fabric"
        assert set(owner.owners[1:]) == {"dist1", "dist2"}
        speaker = next(s for s in step.speakers.hsrp if s.vlan == step.vlan)
        assert speaker.virtual_mac == owner.mac
        assert speaker.virtual[0] == owner.address
        network = next(
            n
            for tenant in planned().intents[step.intents or ""].tenants.values()
            for n in tenant.networks.values()
            if n.vlan == step.vlan
        )
        assert network.gateway == int(owner.address)
        assert network.gateway_mac == int(owner.mac.replace(":", ""), 16)
    assert {s.authentication for s in moved[-1].speakers.hsrp if s.vlan in (30, 40)} == {"md5"}


def test_a_vlan_is_in_one_tenant_at_a_time_and_never_lost() -> None:
    seen: set[int] = set()
    for intent in planned().intents.values():
        numbers = [n.vlan for t in intent.tenants.values() for n in t.networks.values() if n.name != "transit"]
        assert len(numbers) == len(set(numbers))
        assert seen <= set(numbers)
        seen |= set(filter(None, numbers))
    assert seen == {10, 20, 30, 40, 50, 60, 70, 80, 90, 100}


def test_routes_to_a_moved_vlan_lead_to_the_fabric_although_its_svi_is_up() -> None:
    step = next(step for step in steps(m.GATEWAYS) if step.vlan == 50)
    ours = planned().ground.transit
    assert ours is not None
    routes = {(r.device, str(r.prefix)): r.by for r in step.predicted.routes}
    assert routes["dist1", "10.20.50.0/25"] == (f"{ours.ours} Vlan{ours.vlan}",)
    assert routes["dist2", "10.20.50.128/25"] == ("10.255.98.1 Vlan98",)


def test_hosts_move_after_their_gateway_and_only_to_a_port_with_their_mac() -> None:
    plugs = [plug for step in steps(m.HOSTS) for plug in step.plugs]
    assert len(plugs) == 64
    assert all(plug.fabric == str(fabric().hosts[plug.host].ports[0]) for plug in plugs)
    assert planned().plan.silent == ()


def test_svis_that_relay_dhcp_or_serve_legacy_devices_stay_up() -> None:
    shut = {step.vlan for step in steps(m.CLEAN) if step.vlan}
    assert shut == {30, 40, 50, 60, 70, 100}


def rows(rules: tuple[Rule, ...], source: int, target: int) -> Iterator[Row]:
    for rule in rules:
        if rule.source.holds(source) and rule.target.holds(target):
            yield Row(rule.permit, rule.services, rule.place)


@pytest.mark.parametrize("inward", [True, False])
def test_the_transit_list_treats_each_vlans_packets_as_its_own_list_did(inward: bool) -> None:
    device, moved = bank().devices["dist1"], planned().ground.movable
    lines = tuple(AclLine(n, text) for n, text in enumerate(transit_list(device, moved, inward), 1))
    rules = read_list("dist1", AccessList("T", True, lines), device.object_groups)
    places = [IPv4Address(f"10.20.{third}.{last}") for third in range(10, 110, 10) for last in (11, 12, 14, 20)]
    for vlan in moved:
        name = vlan.routers[0].interface.acl_in if inward else vlan.routers[0].interface.acl_out
        own = read_list("dist1", device.access_lists[name], device.object_groups) if name else ()
        mine = [place for place in places if place in vlan.subnets[0]]
        others = [place for place in places if place not in vlan.subnets[0]]
        for source, target in ((a, b) for a in mine for b in others):
            ends = (source, target) if inward else (target, source)
            filters = [tuple(rows(of, int(ends[0]), int(ends[1]))) for of in (rules, own)]
            cut = planes([w for rows in filters for w in told_apart((rows,), True)])
            verdicts = [judge(cut, (rows,) if rows else (), True).permitted for rows in filters]
            assert verdicts[0] == verdicts[1], (vlan.number, source, target)


def test_the_files_say_what_the_plan_says(tmp_path: Path) -> None:
    content = files(planned(), (BANK / "fabric.yaml").read_text())
    assert read_plan(content["plan.json"]) == planned().plan
    assert content["plan.json"] == plan_text(planned().plan)
    assert {s.intents for s in planned().plan.steps() if s.intents} == {n for n in content if n.startswith("intents/")}
    for step in planned().plan.steps():
        assert f"Step {step.id}" in content["plan.md"]
        assert f"Step {step.id}" in content["plan.html"]
    for line in (line for step in planned().plan.steps() for each in step.commands for line in each.lines):
        assert line in content["plan.md"]
    for difference in planned().plan.differences:
        assert all(packets in content["plan.md"] for packets in difference.packets)
    assert content["plan.html"].count("<svg") > 2
    assert "http://" not in content["plan.html"].replace("http://www.w3.org/2000/svg", "")
    write(content, tmp_path / "plan")
    assert {str(p.relative_to(tmp_path / "plan")) for p in (tmp_path / "plan").rglob("*") if p.is_file()} == set(
        content
    )
    with pytest.raises(FileExistsError):
        write(content, tmp_path / "plan")


def test_the_same_network_gives_the_same_plan_byte_by_byte() -> None:
    again = planned_with(Wishes("bank", BORDERS))
    assert plan_text(again.plan) == plan_text(planned().plan)


def test_a_plan_for_some_vlans_leaves_the_others_alone() -> None:
    some = planned_with(Wishes("bank", BORDERS, only=(50, 90)))
    text = json.dumps([each.lines for step in some.plan.steps() for each in step.commands])
    assert "allowed vlan add 50" in text and 'allowed vlan add 10"' not in text
    assert {step.vlan for phase in some.plan.phases if phase.number == m.GATEWAYS for step in phase.steps} == {50, 90}


@pytest.mark.parametrize(
    ("change", "wishes", "words"),
    [
        (lambda n: replace(n, devices={}), Wishes("bank", BORDERS), "no device was discovered"),
        (lambda n: replace(n, missing={"a": ("show ip arp",)}), Wishes("bank", BORDERS), "a: show ip arp not read"),
        (
            lambda n: replace(n, contradictions=(Contradiction("mac-arp", "two say it"),)),
            Wishes("bank", BORDERS),
            "mac-arp: two say it",
        ),
        (lambda n: n, Wishes("bank", ()), "no border is named"),
        (lambda n: n, Wishes("bank", ("border9=dist1:Te1/15",)), "no host 'border9'"),
        (lambda n: n, Wishes("bank", ("border1=dist9:Te1/15",)), "no device 'dist9'"),
        (lambda n: n, Wishes("bank", ("border1=dist1:Te9/15",)), "no interface 'Te9/15'"),
        (lambda n: n, Wishes("bank", ("border1=dist1:Te1/5",)), "is cabled to another legacy device"),
        (lambda n: n, Wishes("bank", BORDERS, only=(77,)), "there is no VLAN 77"),
        (lambda n: n, Wishes("bank", (BORDERS[0], BORDERS[0])), "host border1 is named twice"),
        (lambda n: n, Wishes("bank", (BORDERS[0], "border2=dist1:Te1/15")), "Ethernet1/15 is named twice"),
        (lambda n: n, Wishes("bank", ("tellers-1=dist1:Te1/15",)), "host tellers-1 has mode access"),
        (lambda n: n, Wishes("bank", ("border1",)), "write it like border1=dist1:Te1/15"),
        (lambda n: n, Wishes("bank", BORDERS, transit="97"), "write it like 97:"),
        (lambda n: n, Wishes("bank", BORDERS, transit=""), "write it like 97:"),
        (lambda n: n, Wishes("bank", BORDERS, transit="10:10.255.97.0/29"), "has VLAN 10 already"),
        (lambda n: n, Wishes("bank", BORDERS, transit="97:10.20.10.0/29"), "10.20.10.0/24 is on dist1 Vlan10 already"),
        (lambda n: n, Wishes("bank", BORDERS, transit="97:0.0.0.0/0"), "name a free subnet"),
    ],
)  # fmt: skip
def test_what_cannot_be_planned_is_refused_by_name(change, wishes, words) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(Unplannable, match=words.replace("(", r"\(")):
        make(change(bank()), configs(), fabric(), wishes)


def test_what_a_person_accepts_is_no_reason_to_refuse() -> None:
    doubtful = replace(bank(), contradictions=(Contradiction("mac-arp", "two say it"),))
    wishes = Wishes("bank", BORDERS, only=(50,), accepted=("contradictions",))
    assert make(doubtful, configs(), fabric(), wishes).plan.phases


def test_what_lies_beyond_the_fabric_and_secondary_subnets_are_in_the_intents() -> None:
    (last,) = [text for name, text in files(planned(), "").items() if name.endswith("4.vlan100.yaml")]
    (transit,) = [line for line in last.splitlines() if line.startswith("    dist1-transit:")]
    assert "routes: [0.0.0.0/0]" in transit
    (branches,) = [line for line in last.splitlines() if line.startswith("    branch-services: {subnet")]
    assert "secondary: [{subnet: 10.21.10.0/24}]" in branches
