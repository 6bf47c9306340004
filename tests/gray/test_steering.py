"""Laws of steering, over real OpenFlow: frames go around a gray cable by a proved change, and back when it is sound."""

from __future__ import annotations

from pathlib import Path

from clos.controller.daemon.changes.four_eyes import FourEyes
from clos.controller.intent import Text
from clos.fabric.sim.gray import Gray
from clos.fabric.topology import PortRef
from tests.support.daemon_harness import DEMO, Rig
from tests.support.waiting import eventually

PROBING = Text("demo.yaml", Path("topologies/demo.yaml").read_text(encoding="utf-8") + "  probes: true\n")
AT = PortRef("leaf1", 1)


def ways(rig: Rig) -> set[int]:
    groups = rig.state("leaf1").groups
    return {bucket.watch_port for group in groups if group.group < 2048 for bucket in group.buckets}


def test_frames_go_around_a_gray_cable_and_back_and_a_restart_remembers(tmp_path, monkeypatch) -> None:
    with Rig(tmp_path, monkeypatch, start=PROBING, watch=False, four_eyes=FourEyes(brakes=True)) as rig:
        rig.apply(allow=("empty",))
        assert ways(rig) == {1, 2}
        rig.sim.call(lambda network: network.gray(AT, Gray(1.0)))
        assert eventually(lambda: rig.daemon.steering.in_force == {AT})
        assert ways(rig) == {2}
        assert eventually(lambda: any("leaf1:1 - spine1:1" in f.text and "go around" in f.text
                                      for f in rig.daemon.queries.status().faults))  # fmt: skip
        (around, first) = rig.daemon.revisions.history()
        assert (around.who, around.why) == ("clos (gray failures)", "around leaf1:1")
        assert rig.daemon.revisions.get(around.number).proof is not None
        assert rig.daemon.revisions.fabric.avoid == {AT} and first.who == "ann"

        rig.daemon.changes.apply([DEMO], "ann", "the file again", topology=PROBING, expect_revision=around.number)
        assert rig.daemon.steering.in_force == {AT} and not rig.daemon.queries.status().topology_changed

        rig.restart()
        rig.daemon.gray.hold = 0.0
        rig.settle()
        assert rig.daemon.steering.in_force == {AT} and ways(rig) == {2}
        assert [str(one.alarm.part.at) for one in rig.daemon.steering.told()] == ["leaf1:1"]


def test_a_cable_that_is_sound_again_is_taken_back(tmp_path, monkeypatch) -> None:
    with Rig(tmp_path, monkeypatch, start=PROBING, watch=False) as rig:
        rig.apply(allow=("empty",))
        rig.daemon.gray.hold = 0.0
        rig.sim.call(lambda network: network.gray(AT, Gray(1.0)))
        assert eventually(lambda: rig.daemon.steering.in_force == {AT})
        rig.sim.call(lambda network: network.gray(AT, None))
        assert eventually(lambda: not rig.daemon.steering.in_force)
        assert ways(rig) == {1, 2} and not rig.daemon.steering.told()
