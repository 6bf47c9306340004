"""Laws of several controllers: one leads, the others take over, and nobody who has been deposed changes anything.

Real processes, real etcd, real TCP; switches are simulated. One client applies all the time while leaders are lost.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from clos.controller.api.client import ApiError, NoDaemon
from tests.support.cluster_load import Load
from tests.support.cluster_rig import LEASE, Rig
from tests.support.etcd_members import require_etcd

require_etcd()
pytestmark = pytest.mark.slow
DEMO = Path("intents/demo.yaml").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def rig():
    with Rig(Path("topologies/demo.yaml")) as running:
        load = Load(running, {"demo.yaml": DEMO}, "tcp/8080", clients=1, pause=1.0)
        running.wait(running.settled, "all switches")
        running.wait(lambda: load.apply_once("c0").outcome == "written", "a first revision")
        with load:
            yield running
        running.wait(running.settled, "a fabric that holds what it should")
        assert load.wrong() == []
        assert running.witness.counts["deposed"] == 0 < running.witness.counts["taken"]


def replaced(rig: Rig, old: str) -> str:
    """Who leads instead."""
    rig.wait(lambda: rig.leader(without=old), f"a leader instead of {old}")
    new = rig.leader(without=old)
    assert new is not None and new != old
    return new


def changes(rig: Rig) -> None:
    """A change goes through, by whoever leads."""
    before = rig.client().status()["revision"]
    rig.wait(lambda: rig.client().status()["revision"] > before, "another revision")


def test_a_leader_paused_for_longer_than_its_lease_leads_no_more_from_its_first_moment_on(rig):
    old = rig.leader()
    rig.controllers[old].pause()
    new = replaced(rig, old)
    rig.controllers[old].resume()
    rig.wait(lambda: rig.said(old), f"{old} again")
    assert rig.said(old)["leads"] is False and rig.leader() == new
    changes(rig)


def test_a_leader_cut_off_from_etcd_reads_and_never_writes(rig):
    old = rig.leader()
    rig.controllers[old].cut()
    replaced(rig, old)
    found = rig.said(old, "/v1/status")
    assert found["cluster"]["leads"] is False and found["cluster"]["age"] > LEASE / 2 and found["revision"] > 0
    with pytest.raises(ApiError, match="this controller follows, so it changes nothing") as refused:
        rig.client(rig.controllers[old].url).apply({"demo.yaml": DEMO})
    assert (refused.value.code, refused.value.status) == ("follower", 421)
    rig.controllers[old].cut(False)
    rig.wait(lambda: rig.said(old)["cluster"]["age"] < 1, f"{old} to hear etcd again")


def test_a_follower_names_the_leader_and_is_warm(rig):
    leader = rig.leader()
    follower = next(name for name in rig.controllers if name != leader)
    rig.wait(lambda: leader in (rig.said(follower) or {"cluster": {"leader": ""}})["cluster"]["leader"], "the news")
    with pytest.raises(ApiError, match=f"{leader} leads \\({rig.controllers[leader].url}\\)"):
        rig.client(rig.controllers[follower].url).rollback(1)
    found = rig.said(follower, "/v1/status")
    assert found["connected"] == found["expected"], "its sessions are open"
    wanted = {name: name == leader for name in rig.controllers}

    def members():
        return {row["name"]: row["leads"] for row in rig.said(follower)["cluster"]["members"]}

    rig.wait(lambda: members() == wanted, "all three to be listed")


def test_without_a_majority_of_etcd_everybody_reads_and_nobody_writes(rig):
    for number in (0, 1):
        rig.etcd.kill(number)
    rig.wait(lambda: rig.leader() is None, "nobody to lead", LEASE * 4 + 20)
    for name in rig.controllers:
        assert rig.said(name, "/v1/revisions")["revisions"]
    one = next(iter(rig.controllers.values())).url
    with pytest.raises((ApiError, NoDaemon)):
        rig.client(one).apply({"demo.yaml": DEMO})
    for number in (0, 1):
        rig.etcd.revive(number)
    rig.wait(rig.leader, "a leader again")
    changes(rig)


def test_a_client_with_one_dead_address_finds_the_leader(rig):
    assert rig.client(f"http://127.0.0.1:1,{rig.urls}").status()["cluster"]["leads"]


def test_a_leader_that_is_killed_is_replaced_and_what_it_had_begun_is_ended(rig):
    old = rig.leader()
    rig.controllers[old].kill()
    replaced(rig, old)
    changes(rig)
    assert rig.client().status()["pending"] is None
