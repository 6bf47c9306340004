"""The daemon killed (SIGKILL) at random instants: every switch and the store hold the old revision or the new one."""

from __future__ import annotations

import multiprocessing
import random
import socket
import sqlite3
import threading
import time
from contextlib import suppress
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
from tests.support.waiting import eventually

pytestmark = pytest.mark.slow

INTERRUPTED = 50
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


@pytest.mark.timeout(900)
def test_a_daemon_killed_in_the_middle_of_a_change_leaves_the_old_revision_or_the_new_one(tmp_path, monkeypatch):
    monkeypatch.setattr(
        "clos.fabric.sim.openflow.tcp.LAST_RETRY", 0.1
    )  # switches that knock again at once, to save time
    slow, daemon, dice = Slow(monkeypatch), Processes(tmp_path / "state"), random.Random(2)
    daemon.start()
    with SimThread(FABRIC, ("127.0.0.1", daemon.port)) as sim:
        settled(daemon.state_dir)
        begun = time.monotonic()
        apply(daemon.state_dir, DOCUMENTS[0])
        usual = time.monotonic() - begun
        kill, cut, mixed = 0, 0, 0
        while cut < INTERRUPTED and kill < 3 * INTERRUPTED:
            kill += 1
            before = settled(daemon.state_dir)["revision"]
            old = wanted(daemon.state_dir, before)
            assert sim.call(_states) == old
            slow.after(dice.randint(1, 150))
            asked = threading.Thread(target=apply, args=(daemon.state_dir, DOCUMENTS[(kill + 1) % len(DOCUMENTS)]))
            asked.start()
            if kill % 3:  # two in three after so many messages, the others at any instant from the first byte of HTTP
                slow.reached.wait(usual)
            else:
                time.sleep(dice.uniform(0, usual))
            daemon.kill()
            asked.join()
            left, known = sim.call(_states), statuses(daemon.state_dir)
            cut += "applying" in known.values()
            policy = dice.choice([FINISH, UNDO])
            daemon.start(policy)
            if dice.random() < 0.2:  # and killed again while it recovers
                time.sleep(dice.uniform(0, 0.3))
                daemon.kill()
                daemon.start(policy)
            after = settled(daemon.state_dir)["revision"]
            assert after in (before, max(known))
            new = wanted(daemon.state_dir, after)
            assert sim.call(_states) == new, f"kill {kill}: the switches do not hold revision {after}"
            mixed += left not in (old, new)
            ends = statuses(daemon.state_dir)
            assert ends[after] == APPLIED
            assert set(ends.values()) <= {APPLIED, UNDONE}
        daemon.kill()
    print(f"{cut} of {kill} kills hit a change, {mixed} left a mixture")
    assert cut == INTERRUPTED, "too few kills hit a change"
    assert mixed > INTERRUPTED // 5, "too few kills left a mixture: the test is nearly void"
