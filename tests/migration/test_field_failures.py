"""What goes wrong where migrations are made: each is caught by a check, told in the status, or does no harm.

Wrong native VLAN, a trunk in the wrong port, a cost that is too low, a gateway's MAC address on two sides, a storm of
topology changes: in the legacy bank, in virtual time, with the checks of a run made on what its devices show.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address

import pytest

from clos.controller.migrate.plan.model import BpduWatch, Check, HsrpSpeaker, Speakers
from clos.controller.migrate.run.checks import FAILED, HELD
from clos.fabric.packet.value import Packet
from clos.fabric.protocols.pvst.frame import StpFrame, encode_frame
from clos.fabric.protocols.pvst.packet import NOTIFICATION
from clos.fabric.sim.journey import Journey
from clos.fabric.sim.legacy.network import LegacyNetwork
from tests.legacy.shared import active, ping
from tests.support.bordered_bank import BORDER, END, Bordered, speakers

PORT, VIRTUAL = END[1], "10.20.70.1"
ROOT = "20550 00:1b:54:12:00:00"
WATCH = BpduWatch(BORDER, {70: ROOT})
GROUP = HsrpSpeaker(BORDER, 70, 70, 2, IPv4Address("10.20.70.250"), "02:c1:05:00:70:fa", (IPv4Address(VIRTUAL),),
                    "00:00:0c:9f:f0:46", 255, 3000, 10000, True)  # fmt: skip
TRUNK = (
    f"interface {PORT}", "spanning-tree guard root", "switchport trunk encapsulation dot1q",
    "switchport trunk native vlan 99", "switchport trunk allowed vlan 70", "switchport mode trunk", "no shutdown",
)  # fmt: skip
OPEN = Check("trunk", device="dist1", port=PORT, expect=("70",))
HEARD = Check("border-root", subject=BORDER, vlan=70, expect=(ROOT,))
ROOTED = Check("stp-root", device="acc1", vlan=70, expect=("dist1",))
BLOCKED = Check("stp-blocked", device="acc1", vlan=70, expect=("TenGigabitEthernet1/1/2",))
ONE_SIDE = Check("mac-one-side", vlan=70)
MOVED = Check("gateway", vlan=70, subject=VIRTUAL, expect=("fabric",))
LEARNED = Check("mac-at", device="dist1", vlan=70, subject=GROUP.virtual_mac, expect=(PORT,))
STANDBY = Check("hsrp", device="dist1", port="Vlan70", subject="70", expect=("Standby",))
PHASE_2 = (OPEN, HEARD, ROOTED, BLOCKED, ONE_SIDE)


@pytest.fixture(scope="module")
def settled() -> Bordered:
    """Phase 2 as it is planned."""
    found = Bordered()
    found.type("dist1", *TRUNK)
    found.speak(Speakers(watches=(WATCH,)))
    found.run(40)
    return found


@pytest.fixture
def bank(settled: Bordered) -> Iterator[Bordered]:
    """All is well before a test, and after it."""
    assert _results(settled, *PHASE_2) == {HELD} and not settled.wrong()
    yield settled
    settled.speak(Speakers(watches=(WATCH,)))
    settled.run(40)
    assert _results(settled, *PHASE_2) == {HELD} and not settled.wrong()


def _results(bank: Bordered, *checks: Check) -> set[str]:
    return {bank.verdict(check).result for check in checks}


def test_a_vlan_that_leaves_untagged_is_no_vlan_that_reaches_the_fabric(bank: Bordered) -> None:
    bank.type("dist1", f"interface {PORT}", "switchport trunk native vlan 70")
    bank.run(5)
    verdict = bank.verdict(OPEN)
    assert verdict.result == FAILED and "VLAN 70 is its native VLAN" in verdict.words
    assert "VLAN 70 at border1: it comes untagged, for it is the native VLAN there" in bank.wrong()
    bank.type("dist1", f"interface {PORT}", "switchport trunk native vlan 99")


@pytest.mark.parametrize("vlan", [None, 10, 70])
def test_a_cable_in_the_wrong_port_is_found_before_anything_goes_through_it(vlan: int | None, bank: Bordered) -> None:
    """Another port of the right switch, or a port for hosts of another one, be it of the very VLAN."""
    if vlan is None:
        wrong = ("dist1", "TenGigabitEthernet1/16")
    else:
        wrong = ("acc1", f"GigabitEthernet1/0/{vlan % 24}")
        bank.type("acc1", f"interface {wrong[1]}", "switchport mode access", f"switchport access vlan {vlan}",
                  "no shutdown")  # fmt: skip
    bank.plug(wrong)
    bank.run(40)
    trunk, heard = bank.verdict(OPEN), bank.verdict(HEARD)
    assert trunk.result == FAILED and "no trunk" in trunk.words
    assert heard.result == FAILED and "it is nothing" in heard.words
    assert f"no BPDU is heard, {ROOT} should be root" in bank.wrong()
    assert _results(bank, ROOTED, BLOCKED, ONE_SIDE) == {HELD}
    bank.plug(END)


def test_a_legacy_cost_that_is_too_low_moves_no_tree(bank: Bordered) -> None:
    """The fabric sends no BPDU, so no cost of the port towards it can win."""
    bank.type("dist1", f"interface {PORT}", "spanning-tree cost 1")
    bank.run(40)
    assert _results(bank, *PHASE_2) == {HELD} and not bank.wrong()
    bank.type("dist1", f"interface {PORT}", "no spanning-tree cost")


def test_a_lower_cost_elsewhere_that_moves_a_root_port_is_caught(bank: Bordered) -> None:
    bank.type("acc1", "interface TenGigabitEthernet1/1/1", "spanning-tree cost 5000")
    bank.run(60)
    assert bank.verdict(BLOCKED).result == FAILED
    bank.type("acc1", "interface TenGigabitEthernet1/1/1", "no spanning-tree cost")


def test_a_gateway_s_mac_address_on_two_sides_is_caught_and_told_and_forgotten_when_it_ends(bank: Bordered) -> None:
    assert bank.verdict(LEARNED).result == FAILED
    bank.speak(Speakers((GROUP,), watches=(WATCH,)))
    bank.run(25)
    assert _results(bank, MOVED, LEARNED, STANDBY) == {HELD} and not bank.wrong()
    bank.type("dist1", "interface Vlan70", "standby 70 authentication other")  # it believes us no more
    bank.run(25)
    moved = bank.verdict(MOVED)
    assert moved.result == FAILED and moved.words == "it is dist1, fabric"
    assert f"10.20.70.2 is active, too, with our MAC address {GROUP.virtual_mac}" in bank.wrong()
    assert "authentication" in bank.wrong()
    bank.type("dist1", "interface Vlan70", "no standby 70 authentication")
    bank.run(25)
    assert _results(bank, MOVED, STANDBY) == {HELD} and not bank.wrong()


def test_a_border_s_cable_that_breaks_gives_the_gateway_back_within_the_hold_time(bank: Bordered) -> None:
    bank.speak(Speakers((GROUP,), watches=(WATCH,)))
    bank.run(25)
    assert active(bank.network, 70) == set()
    bank.network.cut(*END)
    bank.run(GROUP.hold_ms / 1000 + 0.1)
    assert active(bank.network, 70) == {"dist1"}
    assert ping(bank.network, "hr-1", "treasury-1").ok
    bank.network.restore(*END)
    bank.run(50)
    assert _results(bank, MOVED, STANDBY) == {HELD}


def test_one_topology_change_is_no_storm_and_a_storm_is_told_and_changes_nothing(bank: Bordered) -> None:
    heard = bank.ours.heard
    answers = []

    def noted(border: str, data: bytes, now: int) -> tuple[object, ...]:
        answers.append(heard(border, data, now))
        return answers[-1]

    bank.ours.heard = noted  # type: ignore[method-assign, assignment]
    end = ("dist1", "TenGigabitEthernet1/16")  # a switch behind it whose ports go up and down
    bank.network.attach_at(end, "flapping", lambda _, journey: journey.land())
    bank.type("dist1", f"interface {end[1]}", *TRUNK[2:])
    bank.run(40)
    _change(bank.network, end)
    bank.run(60)
    row = next(row for row in bank.ours.report(bank.now)["watches"] if row["vlan"] == 70)
    assert row["changes"] and not row["storm"] and "again and again" not in bank.wrong()
    for _ in range(10):
        _change(bank.network, end)
        bank.run(13)
    assert "VLAN 70 at border1: its topology changes again and again, as 20550 00:1b:54:12:00:00 port" in bank.wrong()
    assert bank.verdict(HEARD).result == HELD and bank.verdict(ROOTED).result == HELD
    assert len(answers) > 50 and not any(answers), "a BPDU makes us say nothing, and no rule depends on one"
    bank.ours.heard = heard  # type: ignore[method-assign]
    bank.network.cut(*end)
    bank.ours = speakers()  # they remember a storm for three minutes


def _change(network: LegacyNetwork, end: tuple[str, str]) -> None:
    """The switch there says that the topology has changed."""
    frame = encode_frame(StpFrame(0x001B_5499_0000, NOTIFICATION, 70, 70))
    network.enter(end, Packet.parse(frame), Journey())
