"""A run through faults: of a device's session, of a device, of the run itself. The end is always a known one."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

pytest.importorskip("asyncssh", reason="asyncssh is not installed (extra: migrate)")
pytest.importorskip("netmiko", reason="netmiko is not installed (extra: migrate)")

from clos.controller.migrate.run import progress as p
from clos.controller.migrate.run.acts import KEEP, PUSH, SAVE, STATE, Act, acts
from clos.controller.migrate.run.executor import COMPLETE, ROLLED_BACK, STOPPED
from clos.fabric.sim.legacy.faults import CUT, GARBLE, RELOAD, STALL, SYSLOG, Fault
from tests.support.legacy import network
from tests.support.legacy_thread import LegacyThread
from tests.support.migration_run import Walk, operating

pytestmark = pytest.mark.slow


@pytest.fixture
def running() -> Iterator[LegacyThread]:
    with LegacyThread(network()) as thread:
        yield thread


@pytest.fixture
def walk(running: LegacyThread, tmp_path: Path) -> Iterator[Walk]:
    with operating(running, tmp_path, quiet=0.7) as operator:
        yield Walk(running, operator, tmp_path)


NOTHING = {"sw1": False, "sw2": False}


@pytest.mark.parametrize("kind", [CUT, STALL, SYSLOG, GARBLE])
@pytest.mark.parametrize("command", ["description two", "revert timer", "configure confirm", "access vlan 20"])
def test_a_fault_of_a_session_ends_in_the_same_configuration(kind: str, command: str, walk: Walk) -> None:
    walk.on("sw2", lambda at: at.faults.add(Fault(kind, command)))
    outcome = walk.forward()
    if outcome.how == ROLLED_BACK:
        assert walk.forward().how == COMPLETE
    else:
        assert outcome.how == COMPLETE, outcome
    assert walk.back().how == COMPLETE and walk.changed() == NOTHING


def test_a_device_that_reloads_under_way_is_waited_for_and_configured_again(walk: Walk) -> None:
    walk.on("sw2", lambda at: at.faults.add(Fault(RELOAD, "description two")))
    with walk.executor(patience=20.0) as executor:
        tried = []

        def said(kind: str, text: str) -> None:
            tried.append(kind)

        note = executor.journal.write

        def noted(kind: str, act: str = "", **detail: object) -> None:
            note(kind, act, **detail)
            if kind == p.NOTED and "asked again" in str(detail.get("text")):
                walk.running.leap(61)

        executor.journal.write = noted  # type: ignore[method-assign]
        assert executor.forward(2).how == COMPLETE
    assert walk.back().how == COMPLETE and walk.changed() == NOTHING


def test_a_run_cut_short_after_any_act_goes_on_or_back(walk: Walk) -> None:
    """As if killed before an act's last word, for every kind of act that has an effect."""
    for act in (act for act in acts(walk.plan, 3) if act.kind in (PUSH, KEEP, SAVE, STATE) and act.subject != "1"):
        with walk.executor() as executor:
            _stop_at(executor, act)
            with pytest.raises(KeyboardInterrupt):
                executor.forward()
        assert walk.back().how == COMPLETE
        assert walk.changed() == NOTHING and walk.fabric.revision == 1
    assert walk.forward().how == COMPLETE


def _stop_at(executor, act: Act) -> None:
    """End the run just before it notes that the act is done."""
    note = executor.journal.write

    def noted(kind: str, name: str = "", **detail: object) -> None:
        if (kind, name) == (p.ACT_DONE, str(act)):
            raise KeyboardInterrupt
        note(kind, name, **detail)

    executor.journal.write = noted


def test_two_operators_with_copies_of_one_plan_end_known_and_lead_back(running: LegacyThread, tmp_path: Path) -> None:
    """No lock keeps two copies of a plan's directory apart, only what devices hold: who pushes the same lines in the
    same instant finds its own, so both may complete."""
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    with operating(running, tmp_path / "a", quiet=2.0) as one, operating(running, tmp_path / "b", quiet=2.0) as other:
        walks = Walk(running, one, tmp_path / "a"), Walk(running, other, tmp_path / "b")
        with ThreadPoolExecutor(2) as pool:
            ends = [each.result() for each in [pool.submit(walk.forward, 2) for walk in walks]]
        assert all(end.how in (COMPLETE, STOPPED, ROLLED_BACK) for end in ends), ends
        for walk in walks:
            walk.back()
        assert walks[0].changed() == NOTHING
        assert not running.do(lambda net: any(device.waits for device in net.devices.values()))
