"""A policy flips between two packets: whatever message a switch has come to, all packets fare by the old policy or
all by the new one. The controller and the simulated fabric over TCP; after every message, every packet is tried."""

from __future__ import annotations

from pathlib import Path

import pytest

from clos.controller.compile import compile_fabric
from clos.controller.intent import Text, load_intent, load_topology
from clos.controller.plan import diff
from clos.controller.probe.packets import matrix
from clos.controller.wire.controller import Controller
from clos.fabric.dataplane.ruleset import EMPTY
from clos.fabric.dataplane.step import step
from clos.fabric.dataplane.switch import SwitchModel
from clos.fabric.sim.openflow import agent
from clos.fabric.sim.openflow.server import SimThread

TOPOLOGY = load_topology(Path("topologies/demo.yaml")).topology
NAMES = {switch.dpid: name for name, switch in TOPOLOGY.switches.items()}
DEMO = Path("intents/demo.yaml").read_text(encoding="utf-8")
WEB_TO_APP = "    - {from: web, to: app, services: [tcp/8080]}"
DENY_DB = "    - {name: no, from: app, to: db, services: [tcp], action: deny}"
FLIPS = {
    "another service": ("services: [tcp/5432]}", "services: [tcp/5433]}"),
    "a denial in front": (WEB_TO_APP, f"{DENY_DB}\n{WEB_TO_APP}"),
    "the sides exchanged": (WEB_TO_APP, "    - {from: app, to: web, services: [tcp/8080]}"),
    "other groups": (
        "    app: {labels: {resource: app}}", "    app: {endpoints: [app2]}\n    more: {endpoints: [app1, web1]}",
    ),
    "a service of a share less": ("services: [udp/53, tcp/53, icmp]", "services: [udp/53]"),
}  # fmt: skip


def compiled(text, previous=None):
    intent, problems = load_intent([Text("demo.yaml", text)], TOPOLOGY)
    assert intent is not None, problems
    return compile_fabric(intent, TOPOLOGY, previous=previous)


def fates(model, probes):
    """What the switch does with each packet."""
    return [
        tuple((port, bytes(sent.data)) for port, sent in step(model, p.at.port, p.packet).emissions) for p in probes
    ]


class Watched:
    """Notes the fate of every packet after every message a leaf processes, where it differs from the one before."""

    def __init__(self, monkeypatch, probes):
        self.probes = {leaf.name: [p for p in probes if p.at.switch == leaf.name] for leaf in TOPOLOGY.leaves}
        self.seen = {}
        take = agent.Session._take

        def taken(session, frame):
            take(session, frame)
            self.look(session._switch)

        monkeypatch.setattr(agent.Session, "_take", taken)

    def look(self, switch):
        if self.seen and self.probes.get(switch.name):
            now = fates(switch.model, self.probes[switch.name])
            if self.seen[switch.name][-1] != now:
                self.seen[switch.name].append(now)

    def begin(self, ruleset):
        self.seen = {name: [fates(model(ruleset, name), probes)] for name, probes in self.probes.items()}


def model(ruleset, name):
    ports = [*(n for n, _ in (*TOPOLOGY.uplinks[name],)), *(p.port for p in TOPOLOGY.host_at if p.switch == name)]
    return SwitchModel.of(ruleset.state(name), ports)


@pytest.mark.parametrize("flip", FLIPS)
def test_every_packet_fares_by_the_old_policy_or_the_new_one_and_never_by_the_old_one_again(flip, monkeypatch):
    old = compiled(DEMO)
    new = compiled(DEMO.replace(*FLIPS[flip]), old)
    assert new.ruleset != old.ruleset
    found = _turned(monkeypatch, old, new, bundle=True)
    for name, states in found.items():
        begin, end = (fates(model(c.ruleset, name), _probes(old, name)) for c in (old, new))
        assert states == ([begin] if begin == end else [begin, end]), f"{name} was in a state between"
    assert any(len(states) == 2 for states in found.values()), "nothing flipped"


def test_message_by_message_there_are_states_between(monkeypatch):
    """What the bundle is for; and that the test above can fail."""
    old = compiled(DEMO)
    new = compiled(DEMO.replace(*FLIPS["the sides exchanged"]), old)
    assert max(map(len, _turned(monkeypatch, old, new, bundle=False).values())) > 2


def _probes(fabric, name):
    return [probe for probe in matrix(fabric.intent, TOPOLOGY) if probe.at.switch == name]


def _turned(monkeypatch, old, new, bundle):
    watched = Watched(monkeypatch, list(matrix(old.intent, TOPOLOGY)))
    with Controller(NAMES, port=0) as controller, SimThread(TOPOLOGY, controller.address):
        assert not controller.wait_for(NAMES.values(), 15)
        assert controller.apply(diff(EMPTY, old.ruleset)).ok
        watched.begin(old.ruleset)
        assert controller.apply(diff(old.ruleset, new.ruleset), bundle=bundle).ok
        return watched.seen
