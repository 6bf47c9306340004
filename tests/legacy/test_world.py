"""The legacy bank joined with a fabric: flows between hosts, hosts that move, orders from other processes."""

from __future__ import annotations

from pathlib import Path

import pytest

from clos.controller.compile import compile_fabric
from clos.controller.explain.inputs import read_intents, read_topology
from clos.controller.migrate.simulated import read_network
from clos.fabric.packet.build import Packet
from clos.fabric.protocols.pvst.frame import decode_frame
from clos.fabric.sim.control.server import ControlError, call
from clos.fabric.sim.world import chatter
from clos.fabric.sim.world import flows as flows_module
from clos.fabric.sim.world.flows import PairKey, PairResult
from clos.fabric.sim.world.world import FABRIC, LEGACY, SETTLED, World
from tests.legacy.shared import BANK, configured
from tests.support.compiled_run import models

HR = """\
apiVersion: clos/v1
kind: Tenant
metadata: {name: bank}
spec:
  networks:
    hr: {subnet: 10.20.70.0/24, vlan: 70, gateway: none, broadcast: true}
  endpoints:
    hr-1: {host: hr-1, ip: 10.20.70.11}
    hr-2: {host: border1, ip: 10.20.70.12, mac: "00:50:56:00:15:01"}
  groups:
    all: {networks: [hr]}
  policies:
    - {from: all, to: all, services: [icmp, udp]}
"""
OPEN = ("interface Te1/15", "switchport mode trunk", "switchport trunk native vlan 99",
        "switchport trunk allowed vlan 70", "no shutdown")  # fmt: skip
PAIRS = [
    PairKey("tellers-1", "tellers-5"),
    PairKey("hr-1", "treasury-1"),
    PairKey("tellers-1", "core-banking-1", "tcp", 443),
    PairKey("dmz-1", "hr-1"),
]


@pytest.fixture
def world() -> World:
    found = World(read_network(BANK))
    found.run(SETTLED)
    return found


@pytest.fixture
def joined(tmp_path: Path) -> World:
    """The bank with its fabric, VLAN 70 open at dist1's border, hr-1 and hr-2 known to the fabric."""
    topology = read_topology(BANK / "fabric.yaml")
    plan = read_network(BANK)
    found = World(plan, topology, dict(plan.borders))
    (tmp_path / "hr.yaml").write_text(HR)
    ruleset = compile_fabric(read_intents([tmp_path / "hr.yaml"], topology), topology).ruleset
    assert found.fabric is not None
    for name, model in models(ruleset, topology).items():
        found.fabric.switches[name].model = model
    configured(found.legacy, "dist1", *OPEN)
    found.run(SETTLED)
    return found


def results(world: World) -> dict[PairKey, PairResult]:
    return {one.key: one for one in world.flows.results()}


def hits(world: World) -> int:
    routers = [one.router for one in world.legacy.workings.values()]
    return sum(
        entry.hits for router in routers for name in router.lists.names() for entry in router.lists.entries(name)
    )


def test_every_probe_that_may_pass_arrives_and_none_that_may_not(world: World) -> None:
    world.flows.start(PAIRS, 5)
    world.run(3)
    found = results(world)
    for key, one in found.items():
        assert one.there.sent >= 600, key
        open_ = key.source != "dmz-1"
        assert (one.there.lost == 0) == open_, one
        assert not open_ or (one.back.lost == 0 and one.there.longest_gap_ms < 6), one
    ((_, why),) = found[PAIRS[3]].drops
    assert "access list DMZ-IN in denies it" in why


@pytest.mark.parametrize("fresh", [0, flows_module.FRESH])
def test_probes_that_take_a_known_way_count_as_those_that_are_built(
    world: World, monkeypatch: pytest.MonkeyPatch, fresh: int
) -> None:
    monkeypatch.setattr(flows_module, "FRESH", fresh)
    before = hits(world)
    world.flows.start(PAIRS[2:], 5)
    world.run(2)
    world.flows.stop()
    world.run(0.1)
    passed, denied = results(world)[PAIRS[2]], results(world)[PAIRS[3]]
    assert passed.there.received == passed.there.sent == denied.there.sent
    assert hits(world) - before == passed.there.sent + passed.back.received + denied.there.sent


@pytest.mark.parametrize("fresh", [0, flows_module.FRESH])
def test_what_a_break_costs_does_not_depend_on_how_probes_are_sent(
    world: World, monkeypatch: pytest.MonkeyPatch, fresh: int
) -> None:
    monkeypatch.setattr(flows_module, "FRESH", fresh)
    world.flows.start(PAIRS[:2], 10)
    world.run(1)
    world.cut("acc2 TenGigabitEthernet1/1/2")
    world.run(35)
    lost = {key: one.there.lost for key, one in results(world).items()}
    assert lost[PAIRS[1]] == 0, "VLAN 70 and 50 do not use that cable"
    assert 2990 <= lost[PAIRS[0]] <= 3010, "a classic tree takes twice the forward delay"


def test_a_host_that_is_replugged_reaches_its_neighbour_over_the_border_and_back(joined: World) -> None:
    assert joined.sides["hr-1"] == LEGACY
    joined.flows.start([PairKey("hr-1", "hr-2")], 5)
    joined.run(1)
    assert results(joined)[PairKey("hr-1", "hr-2")].there.lost == 0
    for side in (FABRIC, LEGACY):
        joined.plug("hr-1", side)
        joined.run(1)
        joined.flows.results(reset=True)
        joined.run(2)
        (one,) = joined.flows.results()
        assert one.there.lost == one.back.lost == 0, (side, one)
        assert one.there.received >= 399


def test_a_border_is_dark_while_either_of_its_ends_is(joined: World) -> None:
    device, border = joined.legacy.devices["dist1"], joined.borders["border1"]
    assert joined.fabric is not None
    port = joined.fabric.switches["edge1"].ports[border.port.port]
    assert device.up("TenGigabitEthernet1/15") and port.up
    configured(joined.legacy, "dist1", "interface Te1/15", "shutdown")
    joined.run(0.1)
    assert not port.up
    configured(joined.legacy, "dist1", "interface Te1/15", "no shutdown")
    joined.run(0.1)
    assert port.up and device.up("TenGigabitEthernet1/15")
    joined.fabric.crash("edge1")
    joined.run(0.1)
    assert not device.up("TenGigabitEthernet1/15")


def test_the_fabric_hears_the_trees_of_the_vlans_that_are_open(joined: World) -> None:
    heard: list[tuple[int | None, int | None]] = []
    assert joined.fabric is not None

    def see(at: int, way: str, packet: Packet) -> None:
        if way == "in" and packet.data[:6] in (b"\x01\x00\x0c\xcc\xcc\xcd", b"\x01\x80\xc2\x00\x00\x00"):
            frame = decode_frame(packet.data)
            heard.append((frame.tag, frame.pvid))

    joined.fabric.tap(joined.borders["border1"].port, see)
    joined.run(4)
    assert set(heard) == {(70, 70)}


@pytest.mark.parametrize(
    ("pairs", "interval", "words"),
    [
        ([PairKey("tellers-1", "nobody")], 5, "no endpoint nobody"),
        ([PairKey("tellers-1", "tellers-1")], 5, "asks itself"),
        ([PairKey("tellers-1", "hr-1", "sctp")], 5, "hosts speak icmp, tcp, udp"),
        ([PairKey("tellers-1", "hr-1")], 0, "at least 0.1"),
    ],
)
def test_flows_that_cannot_be_are_refused(pairs: list[PairKey], interval: float, words: str) -> None:
    with pytest.raises((KeyError, ValueError), match=words):
        World(read_network(BANK)).flows.start(pairs, interval)


def test_orders_from_outside_are_done_and_wrong_ones_named(tmp_path: Path) -> None:
    pytest.importorskip("asyncssh", reason="asyncssh is not installed (extra: migrate)")
    from clos.fabric.sim.world.running import Doorway, WorldThread  # noqa: PLC0415

    found = World(read_network(BANK))
    found.run(SETTLED)
    with WorldThread(found, Doorway(control=tmp_path / "control")) as running:
        place = running.open.control
        assert place is not None
        assert call(place, "status")["devices"]["dist1"] == {"alive": True, "hostname": "dist1", "waits": False}
        assert call(place, "probe", source="hr-1", target="treasury-1")["answered"]
        call(place, "flows_start", pairs=[["hr-1", "hr-2"]], interval_ms=5)
        call(place, "leap", seconds=2)
        (flow,) = call(place, "flows", reset=True)
        assert flow["there"]["lost"] == 0 and flow["there"]["received"] > 390
        call(place, "flows_start", pairs=[["hr-1", "treasury-1"]], interval_ms=5, group="mine")
        call(place, "flows_stop")
        call(place, "leap", seconds=2)
        (flow,) = call(place, "flows", group="mine")
        assert flow["target"] == "treasury-1" and flow["there"]["received"] > 390
        call(place, "cut", where="acc1 Te1/1/1")
        assert call(place, "status")["broken"] == ["acc1 TenGigabitEthernet1/1/1", "dist1 TenGigabitEthernet1/5"]
        call(place, "restore", where="acc1 Te1/1/1")
        call(place, "edit", device="acc1", lines=["hostname other"])
        with pytest.raises(ControlError) as refused:
            call(place, "edit", device="acc1", lines=["frobnicate 7"])
        assert str(refused.value) == "edit: acc1: frobnicate 7: % Invalid input detected at '^' marker."
        assert call(place, "status")["devices"]["acc1"]["hostname"] == "other"
        call(place, "reload", device="acc1", seconds=5)
        assert not call(place, "status")["devices"]["acc1"]["alive"]
        for op, fields, words in (
            ("plug", {"host": "hr-1", "side": "fabric"}, "hr-1 has no port of the fabric"),
            ("plug", {"host": "nobody", "side": "fabric"}, "there is no host nobody"),
            ("cut", {"where": "acc9 Te1/1/1"}, "there is no device acc9"),
            ("crash", {"where": "leaf1"}, "there is no fabric"),
            ("fault", {"device": "acc1", "kind": "flames"}, "expected one of"),
            ("nothing", {}, "op is one of"),
        ):
            with pytest.raises(ControlError, match=words):
                call(place, op, timeout=60.0, **fields)


def test_hosts_that_speak_by_themselves_stand_in_the_tables_of_their_switches(world: World) -> None:
    def known() -> set[str]:
        return {
            host.name
            for host in world.legacy.plan.hosts
            for entry in world.legacy.workings[host.port[0]].macs() or ()
            if entry.mac == host.mac and entry.port == host.port[1]
        }

    switched = {host.name for host in world.legacy.plan.hosts if not host.port[0].startswith("wan")}
    assert not known()
    chatter.start(world)
    world.run(1)
    assert known() == switched
    world.run(900)  # three times the age after which an address is forgotten
    assert known() == switched
