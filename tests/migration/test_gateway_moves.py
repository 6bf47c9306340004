"""A gateway moves from the legacy network to the fabric and back: nothing is lost between hosts on the way.

Everything is real: the controller's daemon over OpenFlow, its speakers, the legacy devices' HSRP, hosts that keep their
ARP answers. Only the network between is simulated.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("asyncssh", reason="asyncssh is not installed (extra: migrate)")

from clos.controller.daemon import Daemon
from clos.controller.explain.inputs import read_topology
from clos.controller.intent import Text
from clos.controller.migrate.simulated import read_network
from clos.fabric.sim.world.flows import PairKey, PairResult
from clos.fabric.sim.world.running import Doorway, WorldThread
from clos.fabric.sim.world.world import SETTLED, World
from tests.legacy.shared import BANK, configured
from tests.support.waiting import eventually

HR, VOICE = "00:00:0c:9f:f0:46", "00:00:0c:9f:f0:50"
OPEN = ("interface Te1/15", "switchport mode trunk", "switchport trunk native vlan 99",
        "switchport trunk allowed vlan 70,80", "spanning-tree cost 1000", "no shutdown")  # fmt: skip
ALLOW = ("unproven", "deletes", "uplink", "empty")
PAIRS = [PairKey("hr-1", "hr-2"), PairKey("hr-1", "voice-1"), PairKey("voice-1", "hr-2")]


def intents(moved: bool) -> list[Text]:
    """VLANs 70 and 80 behind border1; their gateways are the legacy network's, or have ``moved``."""
    gateways = [f'{{ip: 10.20.{vlan}.1, mac: "{mac}"}}' if moved else "none" for vlan, mac in ((70, HR), (80, VOICE))]
    outside = (
        ""
        if moved
        else f"""
    hr-gateway: {{host: border1, ip: 10.20.70.1, mac: "{HR}"}}
    voice-gateway: {{host: border1, ip: 10.20.80.1, mac: "{VOICE}"}}"""
    )
    return [
        Text(
            "bank.yaml",
            f"""\
apiVersion: clos/v1
kind: Tenant
metadata: {{name: bank}}
spec:
  networks:
    hr: {{subnet: 10.20.70.0/24, vlan: 70, gateway: {gateways[0]}, broadcast: true}}
    voice: {{subnet: 10.20.80.0/24, vlan: 80, gateway: {gateways[1]}, broadcast: true}}
  endpoints:
    hr-1: {{host: border1, ip: 10.20.70.11, mac: "00:50:56:00:0b:01"}}
    hr-2: {{host: border1, ip: 10.20.70.12, mac: "00:50:56:00:15:01"}}
    voice-1: {{host: border1, ip: 10.20.80.11, mac: "00:50:56:00:09:01"}}{outside}
  groups:
    all: {{networks: [hr, voice]}}
  policies:
    - {{from: all, to: all, services: [icmp]}}
""",
        )
    ]


def speakers(active: bool) -> dict[str, Any]:
    groups = [
        {
            "border": "border1", "vlan": vlan, "group": vlan, "version": 2, "address": f"10.20.{vlan}.4",
            "mac": f"02:c1:05:00:00:{vlan}", "virtual": [f"10.20.{vlan}.1"], "virtual_mac": mac, "priority": 255,
            "hello_ms": 3000, "hold_ms": 10000, "active": True,
        }
        for vlan, mac in ((70, HR), (80, VOICE))
    ]  # fmt: skip
    return {"hsrp": groups if active else []}


class Stage:
    """The daemon and the world, running."""

    def __init__(self, daemon: Daemon, running: WorldThread) -> None:
        self.daemon, self.running = daemon, running

    def apply(self, moved: bool, **options: Any) -> None:
        done = self.daemon.changes.apply(intents(moved), allow=ALLOW, **options)
        assert done.revision

    def owner(self, vlan: int) -> set[str]:
        def active(world: World) -> set[str]:
            return {
                name
                for name in ("dist1", "dist2")
                for group in world.legacy.workings[name].hsrp() or ()
                if group.interface == f"Vlan{vlan}" and group.state == "Active"
            }

        return self.running.do(active)

    def losses(self) -> tuple[PairResult, ...]:
        return self.running.do(lambda world: world.flows.results(reset=True))


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    plan = read_network(BANK)
    world = World(plan, read_topology(BANK / "fabric.yaml"), dict(plan.borders))
    configured(world.legacy, "dist1", *OPEN)
    world.run(SETTLED)
    daemon = Daemon(BANK / "fabric.yaml", tmp_path, of_port=0, gather=5)
    daemon.start()
    try:
        with WorldThread(world, Doorway(controller=("127.0.0.1", daemon.switches.wire.address[1]))) as running:
            assert eventually(lambda: running.running.connected == len(world.fabric.switches if world.fabric else ()))
            yield Stage(daemon, running)
    finally:
        daemon.stop()


@pytest.mark.slow
def test_a_gateway_moves_to_the_fabric_and_back_without_a_lost_probe(stage: Stage) -> None:
    stage.apply(moved=False)
    stage.running.do(lambda world: world.flows.start(PAIRS, 5))
    assert stage.owner(70) == {"dist1"} and stage.owner(80) == {"dist2"}
    stage.apply(moved=True)
    stage.daemon.borders.configure(speakers(active=True))
    assert eventually(lambda: not stage.owner(70) and not stage.owner(80))
    stage.running.leap(1)
    for one in stage.losses():
        assert one.there.lost == one.back.lost == 0, one
        assert one.there.received
    stage.daemon.borders.configure(speakers(active=False))
    assert eventually(lambda: len(stage.owner(70)) == len(stage.owner(80)) == 1)
    stage.apply(moved=False)
    stage.running.leap(1)
    for one in stage.losses():
        assert one.there.lost == one.back.lost == 0, one
