"""One VLAN of the bank walks onto the fabric and back: real SSH, real OpenFlow, real HSRP and BPDUs, 5 ms probes."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address
from pathlib import Path

import pytest

pytest.importorskip("asyncssh", reason="asyncssh is not installed (extra: migrate)")
pytest.importorskip("netmiko", reason="netmiko is not installed (extra: migrate)")

from clos.controller.migrate.plan.model import (
    FORMAT,
    BpduWatch,
    Budget,
    Check,
    DeviceCommands,
    HsrpSpeaker,
    Phase,
    Plan,
    Plug,
    Speakers,
    Step,
)
from clos.controller.migrate.run import progress as p
from clos.controller.migrate.run.checks import HELD
from clos.controller.migrate.run.configuration import digest
from clos.controller.migrate.run.executor import COMPLETE
from clos.controller.migrate.run.journal import opened
from tests.support.cli_run import clos
from tests.support.joined_walk import Joined, joined
from tests.support.waiting import eventually

pytestmark = pytest.mark.slow

MACS = {"hr-1": "00:50:56:00:0b:01", "hr-2": "00:50:56:00:15:01", "hr-3": "00:50:56:00:16:01"}
INTENTS = """\
apiVersion: clos/v1
kind: Tenant
metadata: {{name: bank}}
spec:
  networks:
    hr: {{subnet: 10.20.70.0/24, vlan: 70, gateway: {gateway}, broadcast: true}}
  endpoints:
{endpoints}
  groups:
    all: {{networks: [hr]}}
  policies:
    - {{from: all, to: all, services: [icmp, udp, tcp]}}
"""
VIRTUAL, VIRTUAL_MAC = "10.20.70.1", "00:00:0c:9f:f0:46"
MOVED = f"{{ip: {VIRTUAL}, mac: '{VIRTUAL_MAC}'}}"
TRUNK = (
    "interface TenGigabitEthernet1/15", " description the fabric", " switchport trunk encapsulation dot1q",
    " switchport trunk native vlan 99", " switchport trunk allowed vlan 70", " switchport mode trunk",
    " switchport nonegotiate", " no shutdown",
)  # fmt: skip
UNDO = (
    "interface TenGigabitEthernet1/15", " shutdown", " no switchport nonegotiate", " no switchport mode",
    " no switchport trunk allowed vlan", " no switchport trunk native vlan",
    " no switchport trunk encapsulation", " no description",
)  # fmt: skip
SHUT_PORT = ("interface GigabitEthernet1/0/9", " shutdown"), ("interface GigabitEthernet1/0/9", " no shutdown")
SHUT_SVI = ("interface Vlan70", " shutdown"), ("interface Vlan70", " no shutdown")
ROOT = "20550 00:1b:54:12:00:00"
WATCH = BpduWatch("border1", {70: ROOT})
GROUP = HsrpSpeaker("border1", 70, 70, 2, IPv4Address("10.20.70.250"), "02:c1:05:00:70:fa", (IPv4Address(VIRTUAL),),
                    VIRTUAL_MAC, 200, 3000, 10000, True)  # fmt: skip


def intents(gateway: str, moved: tuple[str, ...] = ()) -> str:
    rows = [
        f"    {name}: {{host: {name if name in moved else 'border1'}, ip: 10.20.70.{10 + n}, mac: '{mac}'}}"
        for n, (name, mac) in enumerate(MACS.items(), 1)
    ]
    return INTENTS.format(gateway=gateway, endpoints="\n".join(rows))


def plan(configs: dict[str, str]) -> Plan:
    reach = Check("reach", subject="hr-1", expect=("hr-2", "hr-3"))
    trunk = Check("trunk", device="dist1", port="TenGigabitEthernet1/15", expect=("70",))
    heard = Check("border-root", subject="border1", vlan=70, expect=(ROOT,))
    passes = Check(
        "stp-port", device="dist1", vlan=70, port="TenGigabitEthernet1/15", expect=("designated forwarding",)
    )
    root = Check("stp-root", device="acc1", vlan=70, expect=("dist1",))
    budgets = (Budget("hr-1", 10_000, "its cable"),)
    port = DeviceCommands("acc1", *SHUT_PORT)
    svis = tuple(DeviceCommands(name, *SHUT_SVI, True) for name in ("dist2", "dist1"))
    loss, fabric = Check("loss", when="throughout"), Check("fabric")
    standby = Check("hsrp", device="dist1", port="Vlan70", subject="70", expect=("Standby",))
    owner = Check("gateway", vlan=70, subject=VIRTUAL, expect=("fabric",))
    before = Check("gateway", when="before", vlan=70, subject=VIRTUAL, expect=("dist1",))
    one = Check("mac-one-side", vlan=70)
    watching, speaking = Speakers(watches=(WATCH,)), Speakers((GROUP,), watches=(WATCH,))
    phases = (
        Phase(2, "extend L2", "", "", (
            Step("2.state", "the fabric knows it", intents="a.yaml", speakers=watching, checks=(fabric,)),
            Step("2.trunk", "the trunk opens", commands=(DeviceCommands("dist1", TRUNK, UNDO, True),),
                 speakers=watching, checks=(trunk, heard, passes, root, reach, loss), settle_ms=60_000),
        )),
        Phase(4, "move gateways", "", "", (
            Step("4.70", "the gateway of VLAN 70 moves", intents="b.yaml", speakers=speaking, budgets=(),
                 checks=(before, owner, standby, fabric, reach, loss), settle_ms=30_000),
        )),
        Phase(5, "move hosts", "", "", (
            Step("5.hr-1", "hr-1 moves", intents="c.yaml", speakers=speaking, fabric_first=True,
                 plugs=(Plug("hr-1", "acc1 GigabitEthernet1/0/9", "leaf1:19"),), budgets=budgets,
                 checks=(fabric, reach, one, loss), settle_ms=30_000),
        )),
        Phase(6, "clean up", "", "", (
            Step("6.acc1.ports", "nobody is at the port", commands=(port,), speakers=speaking,
                 checks=(Check("reach", subject="hr-1", expect=("hr-2", "hr-3")), loss)),
            Step("6.vlan70", "the SVIs are shut", commands=svis, speakers=speaking,
                 checks=(owner, fabric, reach, loss), settle_ms=30_000),
        )),
    )  # fmt: skip
    return Plan(FORMAT, "bank-hr", "digest", "fabric.yaml", phases, configs=configs)


@pytest.fixture
def bank(tmp_path: Path) -> Iterator[Joined]:
    for name, text in (("a", intents("none")), ("b", intents(MOVED)), ("c", intents(MOVED, ("hr-1",)))):
        (tmp_path / f"{name}.yaml").write_text(text, encoding="utf-8")
    with joined(tmp_path) as made:
        yield made


def lost(bank: Joined) -> dict[str, int]:
    """By host, the packets that it lost on the way there, of some that were sent."""
    with opened(bank.directory, "digest") as journal:
        assert journal is not None
        losses = [event.detail for event in journal.events() if event.kind == p.LOSS and event.act != p.BACK]
    assert losses and all(each["sent"] for each in losses), losses
    return {name: sum(each["lost"] for each in losses if each["host"] == name) for name in MACS}


def stood_by(bank: Joined) -> list[str]:
    """What was found of the standby router before the gateway was given back."""
    with opened(bank.directory, "digest") as journal:
        assert journal is not None
        events = [event for event in journal.events() if event.act == "4/4.70/state" and event.kind == p.CHECKED]
    return [event.detail["result"] for event in events]


def test_a_vlan_walks_onto_the_fabric_and_back_and_only_a_host_that_moves_loses_anything(bank: Joined) -> None:
    start = {name: digest(bank.operator.running(name)) for name in ("dist1", "dist2", "acc1")}
    walk, rules = plan(start), bank.rules()
    for to in (2, 4):
        outcome = bank.forward(walk, to)
        assert outcome.how == COMPLETE, (outcome, bank.said[-5:])
    assert lost(bank) == dict.fromkeys(MACS, 0)
    assert "Standby" in bank.operator.show("dist1", "show standby brief")
    told = clos("status", "--state", bank.state)
    assert f"HSRP border1 VLAN 70 group 70: Active for {VIRTUAL}; 10.20.70.2 standby" in told.out
    assert f"Spanning tree at border1: root {ROOT} of VLANs 70" in told.out
    borders = clos("status", "--state", bank.state, "--json").data["borders"]
    assert borders["hsrp"][0]["state"] == "Active" and borders["watches"][0]["root"] == ROOT
    bank.restart()
    assert eventually(bank.in_sync)
    assert bank.daemon.borders.report()["hsrp"][0]["state"] == "Active"
    assert bank.daemon.borders.report()["hsrp"][0]["standby"] in ("10.20.70.2", None)
    outcome = bank.forward(walk)
    assert outcome.how == COMPLETE, (outcome, bank.said[-5:])
    assert {name for name, packets in lost(bank).items() if packets} <= {"hr-1"}, "who stays loses nothing"
    assert bank.world.do(lambda world: world.sides["hr-1"]) == "fabric"
    for device in ("dist1", "dist2"):
        shown = bank.operator.show(device, "show ip interface brief").splitlines()
        assert "administratively down" in next(line for line in shown if line.startswith("Vlan70 "))
    outcome = bank.back(walk)
    assert outcome.how == COMPLETE, (outcome, bank.said[-5:])
    assert stood_by(bank) == [HELD], "the gateway is given up once somebody stands by to take it"
    assert {name: digest(bank.operator.running(name)) for name in start} == start
    assert bank.world.do(lambda world: set(world.sides.values())) == {"legacy"}
    assert bank.rules() == rules
    assert eventually(lambda: "Active" in bank.operator.show("dist1", "show standby brief"))
