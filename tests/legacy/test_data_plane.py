"""Frames and packets through the simulated legacy bank: VLANs, trees, gateways, access lists, tables that age."""

from __future__ import annotations

import pytest

from clos.fabric.packet import build
from clos.fabric.sim.journey import Journey
from clos.fabric.sim.legacy.network import LegacyNetwork
from tests.legacy.shared import active, configured, ping, settled_bank

UP1, UP2 = "TenGigabitEthernet1/1/1", "TenGigabitEthernet1/1/2"
DEVICES = 30
"""More than the devices that one broadcast meets in the bank, each at most twice: a loop would use up 10,000."""


@pytest.fixture(scope="module")
def bank() -> LegacyNetwork:
    return settled_bank()


@pytest.fixture
def fresh() -> LegacyNetwork:
    return settled_bank()


def met_by_a_broadcast(network: LegacyNetwork) -> int:
    """How many times a device took a copy of a question that nobody answers."""
    asker, journey = network.endpoints["tellers-1"], Journey()
    network.hosts["tellers-1"].emit(build.arp_request(asker.mac, asker.ip, 0x0A14_14FE), journey)
    network.clock.advance(network.clock.now + 50_000)
    assert not journey.flying
    return 10_000 - journey.budget


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("tellers-1", "tellers-2"),  # one switch
        ("tellers-1", "tellers-9"),  # two switches
        ("tellers-1", "tellers-11"),  # behind the old switch in MST mode
        ("core-banking-1", "core-banking-7"),  # from a port-channel's switch
        ("hr-1", "treasury-1"),  # another VLAN, the other distribution switch
        ("mgmt-1", "voice-5"),
        ("hr-7", "provider1"),  # over the cores and a WAN router
        ("hr-1", "provider1/10.64.1.10"),  # a network behind the provider, by redistributed routes
        ("provider1", "branch-services-7"),
    ],
)
def test_hosts_reach_one_another_as_the_configuration_says(bank: LegacyNetwork, source: str, target: str) -> None:
    assert ping(bank, source, target).ok


@pytest.mark.parametrize(
    ("source", "target", "proto", "port", "answered"),
    [
        ("tellers-1", "core-banking-1", "tcp", 443, True),
        ("tellers-1", "core-banking-1", "tcp", 80, False),
        ("tellers-1", "core-banking-3", "tcp", 443, False),  # not of the object group
        ("tellers-1", "cards-1", "tcp", 8445, True),
        ("tellers-1", "cards-1", "tcp", 8450, False),
        ("core-banking-1", "payments-1", "tcp", 1521, True),
        ("core-banking-3", "payments-1", "tcp", 1521, False),
        ("core-banking-1", "hr-1", "icmp", 0, False),
        ("hr-1", "core-banking-1", "icmp", 0, True),  # the reply is permitted
        ("dmz-1", "payments-1", "tcp", 5005, True),
        ("dmz-2", "payments-1", "tcp", 5005, False),
    ],
)
def test_access_lists_drop_what_they_deny_and_count_it(
    bank: LegacyNetwork, source: str, target: str, proto: str, port: int, answered: bool
) -> None:
    def hits() -> int:
        routers = (bank.workings[name].router for name in ("dist1", "dist2"))
        return sum(e.hits for r in routers for name in r.lists.names() for e in r.lists.entries(name))

    before = hits()
    outcome = ping(bank, source, target, proto, port)
    assert outcome.ok == answered, outcome
    assert answered or "access list" in outcome.why
    assert hits() > before


def test_one_router_answers_for_each_gateway_and_both_are_used(bank: LegacyNetwork) -> None:
    owners = {vlan: active(bank, vlan) for vlan in range(10, 110, 10)}
    assert all(len(names) == 1 for names in owners.values())
    assert set().union(*owners.values()) == {"dist1", "dist2"}


def test_a_broadcast_reaches_everybody_of_its_vlan_once(bank: LegacyNetwork) -> None:
    members = [name for name in bank.hosts if name.startswith("tellers-") and name != "tellers-1"]
    before = {name: host.traffic.rx_packets for name, host in bank.hosts.items()}
    assert met_by_a_broadcast(bank) < DEVICES
    got = {name: host.traffic.rx_packets - before[name] for name, host in bank.hosts.items()}
    assert {name for name, count in got.items() if count == 1} == set(members)
    assert all(count == 0 for name, count in got.items() if name not in members)


QUICK = [("acc1", UP1), ("acc3", UP1), ("dist1", "TenGigabitEthernet1/1")]
SLOW = [
    ("acc1", UP2), ("acc5", "GigabitEthernet1/0/24"), ("acc6", UP1), ("dist1", "TenGigabitEthernet1/3"),
    ("core1", "TenGigabitEthernet1/5"),
]  # fmt: skip
CUTS = [*QUICK, *(pytest.param(*cut, marks=pytest.mark.slow) for cut in SLOW)]


@pytest.mark.parametrize(("device", "port"), CUTS)
def test_after_any_single_cable_breaks_all_is_reached_again_and_nothing_loops(
    fresh: LegacyNetwork, device: str, port: str
) -> None:
    fresh.cut(device, port)
    for _ in range(30):
        fresh.settle(2)
        assert met_by_a_broadcast(fresh) < DEVICES
    for source, target in (("tellers-1", "tellers-11"), ("hr-7", "treasury-6"), ("core-banking-1", "core-banking-7")):
        assert ping(fresh, source, target).ok, (source, target)
    assert ping(fresh, "hr-1", "provider1").ok
    fresh.restore(device, port)
    for _ in range(20):
        fresh.settle(3)
        assert met_by_a_broadcast(fresh) < DEVICES
    assert ping(fresh, "tellers-1", "tellers-11").ok


def test_a_cut_of_one_uplink_does_not_stop_what_does_not_use_it(fresh: LegacyNetwork) -> None:
    fresh.cut("acc1", UP1)
    assert ping(fresh, "hr-2", "hr-4").ok
    assert ping(fresh, "tellers-1", "tellers-5").ok, "VLAN 20's tree goes over the other uplink"


def test_a_gateway_that_dies_silently_is_replaced_within_the_hold_time(fresh: LegacyNetwork) -> None:
    assert active(fresh, 10) == {"dist1"}
    fresh.devices["dist1"].reload()
    fresh.settle(10)
    assert active(fresh, 10) == {"dist2"}


def test_an_interface_that_is_shut_hands_its_gateway_over_at_once(fresh: LegacyNetwork) -> None:
    configured(fresh, "dist1", "interface Vlan10", "shutdown")
    fresh.settle(1)
    assert active(fresh, 10) == {"dist2"}
    assert ping(fresh, "branch-services-1", "hr-1").ok
    configured(fresh, "dist1", "interface Vlan10", "no shutdown")
    fresh.settle(59)
    assert active(fresh, 10) == {"dist2"}, "it preempts only after its delay"
    fresh.settle(10)
    assert active(fresh, 10) == {"dist1"}


def test_priority_and_tracking_move_a_gateway_live(fresh: LegacyNetwork) -> None:
    configured(fresh, "dist1", "interface Vlan20", "standby 20 priority 150")
    fresh.settle(5)
    assert active(fresh, 20) == {"dist1"}
    fresh.cut("dist1", "TenGigabitEthernet1/1")
    fresh.settle(5)
    assert active(fresh, 30) == {"dist2"}, "the tracked uplink is down"


def test_a_lost_core_moves_routes_to_the_other_one(fresh: LegacyNetwork) -> None:
    fresh.devices["core1"].reload()
    fresh.settle(16)
    routes = fresh.workings["dist1"].routes() or ()
    assert {route.interface for route in routes if route.code == "D EX"} == {"TenGigabitEthernet1/2"}
    assert ping(fresh, "hr-1", "provider1").ok


def test_configuration_of_routing_takes_effect_live(fresh: LegacyNetwork) -> None:
    configured(fresh, "wan1", "no ip route 10.64.0.0 255.255.0.0 192.0.2.1")
    configured(fresh, "wan1", "interface Loopback64", "ip address 10.64.7.1 255.255.255.0")
    configured(fresh, "wan1", "router eigrp 100", "network 10.64.7.0 0.0.0.255")
    fresh.settle(2)
    assert any(str(r.prefix) == "10.64.7.0/24" and r.code == "C" for r in fresh.workings["wan1"].routes() or ())
    configured(fresh, "dist1", "ip access-list extended TELLERS-IN", "5 deny icmp any any")
    configured(fresh, "dist2", "ip access-list extended TELLERS-IN", "5 deny icmp any any")
    assert "(5 deny icmp any any)" in ping(fresh, "tellers-1", "hr-1").why


def test_a_change_that_is_not_confirmed_is_taken_back_and_what_ran_runs_again(fresh: LegacyNetwork) -> None:
    device = fresh.devices["dist2"]
    assert device.arm(1)
    configured(fresh, "dist2", "interface Vlan20", "shutdown")
    fresh.settle(5)
    assert active(fresh, 20) == {"dist1"}
    fresh.settle(130)
    assert active(fresh, 20) == {"dist2"}
    assert not device.waits


def test_a_cable_in_the_wrong_port_takes_that_port_down_by_its_guard(fresh: LegacyNetwork) -> None:
    for end, far in ((("acc1", "GigabitEthernet1/0/11"), ("acc2", "GigabitEthernet1/0/11")),):
        fresh.connect(end, far)
        for device, port in (end, far):
            configured(fresh, device, f"interface {port}", "switchport access vlan 20", "no shutdown")
    fresh.settle(5)
    down = {name for name in ("acc1", "acc2") if "GigabitEthernet1/0/11" in fresh.devices[name].errdisabled}
    assert down, "PortFast access ports have BPDU guard in the bank"
    assert met_by_a_broadcast(fresh) < DEVICES
    for name in down:
        configured(fresh, name, "interface GigabitEthernet1/0/11", "shutdown")
        assert not fresh.devices[name].errdisabled


def test_a_trunk_that_loses_a_vlan_carries_it_no_more(fresh: LegacyNetwork) -> None:
    for port in (UP1, UP2):
        configured(fresh, "acc1", f"interface {port}", "switchport trunk allowed vlan remove 20")
    fresh.settle(5)
    assert not ping(fresh, "tellers-1", "tellers-5").ok
    assert ping(fresh, "tellers-1", "tellers-2").ok
    assert ping(fresh, "hr-1", "hr-2").ok


def test_addresses_that_are_not_heard_of_age(fresh: LegacyNetwork) -> None:
    def learned() -> bool:
        return any(one.mac == fresh.endpoints["tellers-9"].mac for one in fresh.workings["acc1"].macs() or ())

    assert ping(fresh, "tellers-1", "tellers-9").ok
    assert learned()
    fresh.settle(200)
    assert learned()
    fresh.settle(101)
    assert not learned()
