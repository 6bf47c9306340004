"""A daemon and a simulated fabric over real TCP, for the daemon's laws: the fabric side counts and can refuse."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from clos.controller.compile import compile_fabric
from clos.controller.compile.numbering import from_json
from clos.controller.daemon import Daemon
from clos.controller.intent import Text, load_intent, load_topology
from clos.fabric.dataplane.ruleset import Ruleset
from clos.fabric.errors import Fault, SwitchError
from clos.fabric.openflow import messages as m
from clos.fabric.sim.openflow import mods
from clos.fabric.sim.openflow.server import SimThread
from tests.support.waiting import eventually

TOPOLOGY = Path("topologies/demo.yaml")
FABRIC = load_topology(TOPOLOGY).topology
DEMO = Text("demo.yaml", Path("intents/demo.yaml").read_text(encoding="utf-8"))
SMALL = Text("demo.yaml", DEMO.text.split("---\n", maxsplit=1)[0].partition("  imports:\n")[0])
"""The first of its tenants."""
TENANTS = tuple(f"delete-tenant={name}" for name in ("infra", "office", "shop", "db", "alpha", "beta"))
ALLOW = ("deletes", "uplink", "empty", *TENANTS)
FULL = Fault(5, 1)  # FLOW_MOD_FAILED/TABLE_FULL


def edited(old, new, text=DEMO.text):
    """The demonstration intents with a passage changed."""
    assert old in text
    return [Text("demo.yaml", text.replace(old, new))]


def ruleset_of(sources, topology, numbering) -> Ruleset:
    """The rules of a stored revision, compiled afresh: what a reader of the store may rely on."""
    fabric = load_topology(Text("topology", topology)).topology
    intent, problems = load_intent([Text(name, text) for name, text in sorted(sources.items())], fabric)
    assert not problems
    return compile_fabric(intent, fabric, from_json(numbering)).ruleset


class Watch:
    """Sees every change that reaches a simulated switch. ``refuse(switch, message)`` true: the switch says FULL."""

    def __init__(self, monkeypatch):
        self.seen = Counter()
        self.refuse = lambda switch, message: False
        self.before = lambda switch, message: None
        for kind in (m.FlowMod, m.GroupMod, m.MeterMod):
            monkeypatch.setitem(mods.MODS, kind, self._watched(mods.MODS[kind]))

    def _watched(self, change):
        def watched(switch, message):
            self.before(switch.name, message)
            self.seen[switch.name] += 1
            if self.refuse(switch.name, message):
                raise SwitchError(FULL, "no room")
            return change(switch, message)

        return watched


class Rig:
    """A daemon for ``state_dir`` and a fabric that connects to it; the daemon may be replaced by another.

    ``start``: the daemon's topology; ``boxes``: the switches that are there.
    """

    def __init__(self, state_dir, monkeypatch, start=TOPOLOGY, boxes=FABRIC, **options):
        self.state_dir, self.options, self.document = state_dir, options, start
        self.topology = boxes
        self.watch = Watch(monkeypatch)
        self.daemon = None
        self.port = 0

    def __enter__(self):
        self.start()
        self.sim = SimThread(self.topology, ("127.0.0.1", self.port))
        self.sim.__enter__()
        self.settle()
        return self

    def __exit__(self, *_):
        self.sim.__exit__(None, None, None)
        self.daemon.stop()

    def start(self, topology=None, **options):
        self.daemon = Daemon(
            topology or self.document, self.state_dir, of_port=self.port, gather=5, **{**self.options, **options}
        )
        self.daemon.start()
        self.port = self.daemon.switches.wire.address[1]

    def restart(self, **options):
        self.daemon.stop()
        self.watch.seen.clear()
        self.start(**options)

    def settle(self):
        """Wait until all switches are connected and in line, and nothing is under way."""

        def settled():
            status = self.daemon.queries.status()
            return status.in_line == status.expected and status.pending is None and not status.doing

        assert eventually(settled), self.daemon.queries.status()

    def state(self, switch):
        return self.sim.call(lambda network: network.switches[switch].model.state())

    def states(self):
        return self.sim.call(lambda network: {name: s.model.state() for name, s in network.switches.items()})

    def holds(self, ruleset):
        """Whether every switch holds exactly this."""
        return self.states() == {name: ruleset.state(name) for name in self.topology.switches}

    def apply(self, sources=(DEMO,), **options):
        return self.daemon.changes.apply(sources, "ann", "because", **{"allow": ALLOW, **options})
