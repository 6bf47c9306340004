"""Laws of why: each cause is told as what it is, and what is not known is never called sound."""

from __future__ import annotations

import pytest

from clos.controller.cli.simulated_hosts import attach
from clos.controller.daemon.why import DRIFT, GRAY, HOST, INTENT, LINK, PORT, RULES, SWITCH, why
from clos.controller.explain.errors import BadQuestion
from clos.fabric.dataplane.match import ANY
from clos.fabric.dataplane.switch import Selection
from tests.support.daemon_harness import Rig
from tests.support.waiting import eventually

ASKED = ("shop/web1", "shop/app1", "tcp/8080")


@pytest.fixture
def rig(tmp_path, monkeypatch):
    with Rig(tmp_path / "state", monkeypatch, watch=False) as made:
        made.apply()
        compiled = made.daemon.revisions.running.compiled
        attach(made.sim, compiled.intent, compiled.topology)
        assert made.sim.probe("shop/web1", "shop/app1", "tcp", 8080).ok
        yield made


def causes(rig, *asked):
    return {(one.about, one.text) for one in why(rig.daemon, *(asked or ASKED), listen=0.0) if one.ok is False}


def test_a_sound_way_has_no_cause_and_names_what_is_not_known(rig):
    found = why(rig.daemon, *ASKED, listen=0.0)
    assert not causes(rig)
    assert {one.about for one in found if one.ok} == {INTENT, SWITCH, RULES}
    assert {one.about for one in found if one.ok is None} == {GRAY, HOST}  # no probes; nobody was listened to


def test_what_the_intents_deny_is_told_with_the_line(rig):
    ((about, text),) = causes(rig, "shop/web1", "shop/app1", "tcp/9999")
    assert about == INTENT and text.startswith("Denied")


def test_a_host_whose_port_is_down_and_a_leaf_without_cables_are_named(rig):
    at = str(rig.daemon.revisions.fabric.hosts["app1"].ports[0])
    rig.sim.fail("cut", at)
    assert eventually(lambda: PORT in {about for about, _ in causes(rig)})
    assert any(at in text for about, text in causes(rig) if about == PORT)
    rig.sim.fail("restore", at)
    for cable in ("leaf1:1", "leaf1:2"):
        rig.sim.fail("cut", cable)
    assert eventually(lambda: (LINK, "leaf1: 2 of 2 cables to spines are down") in causes(rig))


def test_rules_that_another_took_away_are_drift_and_a_switch_that_left_is_not_known(rig):
    rig.sim.call(lambda network: network.switches["leaf1"].model.delete(Selection(5, ANY)))
    assert {about for about, _ in causes(rig)} == {DRIFT}
    rig.sim.fail("crash", "leaf1")
    assert eventually(lambda: SWITCH in {about for about, _ in causes(rig)})


def test_a_host_that_never_sent_a_frame_is_named(rig):
    compiled = rig.daemon.revisions.running.compiled
    silent = next(
        end
        for end in compiled.intent.tenants["shop"].endpoints.values()
        if len(compiled.topology.hosts[end.host].ports) == 1
        and not rig.sim.call(lambda network, end=end: sum(
            network.switches[p.switch].ports[p.port].rx_packets for p in compiled.topology.hosts[end.host].ports
        ))
    )  # fmt: skip
    told = causes(rig, "shop/web1", f"shop/{silent.name}", "icmp")
    assert any(about == HOST and silent.host in text and "no frame" in text for about, text in told)


def test_unknown_names_are_questions_that_cannot_be_answered(rig):
    with pytest.raises(BadQuestion, match="nobody"):
        why(rig.daemon, "shop/nobody", "shop/app1", "icmp")
