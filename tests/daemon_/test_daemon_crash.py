"""The daemon killed (SIGKILL) at random instants: every switch and the store hold the old revision or the new one."""

from __future__ import annotations

import multiprocessing
import random
import socket
import sqlite3
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial

import pytest

from clos.controller.api.client import ApiError, Client, NoDaemon
from clos.controller.api.process import serve
from clos.controller.daemon import FINISH, UNDO
from clos.controller.intent import Text
from clos.controller.store import APPLIED, UNDONE
from clos.fabric.openflow import messages as m
from clos.fabric.sim.openflow import mods
from clos.fabric.sim.openflow.server import SimThread
from tests.support.daemon_harness import ALLOW, DEMO, FABRIC, SMALL, TOPOLOGY, ruleset_of
from tests.support.examples import EXAMPLES
from tests.support.waiting import eventually

pytestmark = pytest.mark.slow

INTERRUPTED = max(10, EXAMPLES // 5)
"""So many changes are cut short; to hit so many, more than this many kills are needed."""
GATHER = 3.0
DESKS = Text("demo.yaml", DEMO.text.split("---\n")[1].partition("  imports:\n")[0])
DOCUMENTS = (DEMO, SMALL, DESKS)


def run(state_dir, port, recover, pipe):
    """The daemon's process."""
    serve(
        TOPOLOGY, state_dir, ("127.0.0.1", port), ("127.0.0.1", 0), recover=recover, gather=GATHER, say=pipe.send
    )  # fmt: skip


class Processes:
    """Daemons one after the other, forked from a process that has everything imported: a start costs milliseconds."""

    def __init__(self, state_dir):
        self.state_dir = state_dir
        self.context = multiprocessing.get_context("forkserver")
        self.context.set_forkserver_preload([__name__, "clos.controller.api.app"])
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.process = None

    def start(self, recover=FINISH):
        ear, mouth = self.context.Pipe(duplex=False)
        self.process = self.context.Process(target=run, args=(self.state_dir, self.port, recover, mouth), daemon=True)
        self.process.start()
        mouth.close()
        assert ear.poll(20), "the daemon did not start"
        ear.recv()

    def kill(self):
        self.process.kill()
        self.process.join()


def _states(network):
    return {name: switch.model.state() for name, switch in network.switches.items()}


def apply(state_dir, document):
    """Ask for a change and do not mind what becomes of it."""
    sources = {document.name: document.text}
    with suppress(NoDaemon, ApiError), Client.from_state_dir(state_dir) as client:
        client.apply(sources, who="crash", allow=ALLOW)


class Slow:
    """Makes simulated switches as slow as real ones, and tells when so many changes have reached them."""

    def __init__(self, monkeypatch):
        self.left = 0
        self.reached = threading.Event()
        for kind in (m.FlowMod, m.GroupMod, m.MeterMod):
            monkeypatch.setitem(mods.MODS, kind, partial(self.slowly, mods.MODS[kind]))

    def slowly(self, change, switch, message):
        time.sleep(0.0003)
        self.left -= 1
        if self.left == 0:
            self.reached.set()
        return change(switch, message)

    def after(self, changes):
        self.left = changes
        self.reached.clear()


def settled(state_dir):
    """The status once every switch is in line with a revision that nothing is pending on."""
    with Client.from_state_dir(state_dir) as client:

        def quiet():
            found = client.status()
            return found["in_line"] == len(FABRIC.switches) and found["pending"] is None and not found["doing"]

        assert eventually(quiet, 20), client.status()
        return client.status()


def statuses(state_dir):
    """What the store says of each revision, read behind the daemon's back."""
    with sqlite3.connect(f"file:{state_dir / 'clos.db'}?mode=ro", uri=True) as db:
        return dict(db.execute("SELECT number, status FROM revision"))


def wanted(state_dir, number):
    with Client.from_state_dir(state_dir) as client:
        stored = client.revision(number)
    ruleset = ruleset_of(stored["sources"], stored["topology"], stored["numbering"])
    return {name: ruleset.state(name) for name in FABRIC.switches}


@dataclass
class Turns:
    """Changes cut short by kills, one after another: what was hit, and what must hold each time."""

    daemon: Processes
    sim: SimThread
    slow: Slow
    usual: float
    """Seconds that a change takes."""
    dice: random.Random = field(default_factory=lambda: random.Random(2))
    kills: int = 0
    cut: int = 0
    mixed: int = 0

    def turn(self):
        """One kill in the middle of a change, a start, and a look at every switch and at the store."""
        self.kills += 1
        state_dir = self.daemon.state_dir
        before = settled(state_dir)["revision"]
        old = wanted(state_dir, before)
        assert self.sim.call(_states) == old
        self._killed_in_a_change()
        left, known = self.sim.call(_states), statuses(state_dir)
        self.cut += "applying" in known.values()
        self._started_again()
        after = settled(state_dir)["revision"]
        assert after in (before, max(known))
        new = wanted(state_dir, after)
        assert self.sim.call(_states) == new, f"kill {self.kills}: the switches do not hold revision {after}"
        self.mixed += left not in (old, new)
        ends = statuses(state_dir)
        assert ends[after] == APPLIED
        assert set(ends.values()) <= {APPLIED, UNDONE}

    def _killed_in_a_change(self):
        """Two in three after so many messages, the others at any instant from the first byte of HTTP."""
        self.slow.after(self.dice.randint(1, 150))
        document = DOCUMENTS[(self.kills + 1) % len(DOCUMENTS)]
        asked = threading.Thread(target=apply, args=(self.daemon.state_dir, document))
        asked.start()
        if self.kills % 3:
            self.slow.reached.wait(self.usual)
        else:
            time.sleep(self.dice.uniform(0, self.usual))
        self.daemon.kill()
        asked.join()

    def _started_again(self):
        policy = self.dice.choice([FINISH, UNDO])
        self.daemon.start(policy)
        if self.dice.random() < 0.2:  # and killed again while it recovers
            time.sleep(self.dice.uniform(0, 0.3))
            self.daemon.kill()
            self.daemon.start(policy)


@pytest.mark.timeout(900)
def test_a_daemon_killed_in_the_middle_of_a_change_leaves_the_old_revision_or_the_new_one(tmp_path, monkeypatch):
    # switches that knock again at once, to save time
    monkeypatch.setattr("clos.fabric.sim.openflow.tcp.LAST_RETRY", 0.1)
    slow, daemon = Slow(monkeypatch), Processes(tmp_path / "state")
    daemon.start()
    with SimThread(FABRIC, ("127.0.0.1", daemon.port)) as sim:
        settled(daemon.state_dir)
        begun = time.monotonic()
        apply(daemon.state_dir, DOCUMENTS[0])
        turns = Turns(daemon, sim, slow, time.monotonic() - begun)
        while turns.cut < INTERRUPTED and turns.kills < 3 * INTERRUPTED:
            turns.turn()
        daemon.kill()
    print(f"{turns.cut} of {turns.kills} kills hit a change, {turns.mixed} left a mixture")
    assert turns.cut == INTERRUPTED, "too few kills hit a change"
    assert turns.mixed > INTERRUPTED // 5, "too few kills left a mixture: the test is nearly void"
