"""A plan carried out and taken back, on devices over SSH, through every fault that a device or an operator may add."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("asyncssh", reason="asyncssh is not installed (extra: migrate)")
pytest.importorskip("netmiko", reason="netmiko is not installed (extra: migrate)")

from clos.controller.migrate.plan.model import Check, DeviceCommands
from clos.controller.migrate.run import progress as p
from clos.controller.migrate.run.acts import ACCEPT, PUSH, SAVE, Act, acts
from clos.controller.migrate.run.configuration import digest
from clos.controller.migrate.run.executor import COMPLETE, PAUSED, ROLLED_BACK, STOPPED
from clos.controller.migrate.run.journal import Busy, JournalProblem, opened
from clos.controller.migrate.run.journal import operating as operating_plan
from clos.controller.migrate.run.progress import progress
from tests.support.legacy import network
from tests.support.legacy_thread import LegacyThread
from tests.support.migration_run import Walk, configs, described, operating


@pytest.fixture
def running() -> Iterator[LegacyThread]:
    with LegacyThread(network()) as thread:
        yield thread


@pytest.fixture
def walk(running: LegacyThread, tmp_path: Path) -> Iterator[Walk]:
    with operating(running, tmp_path) as operator:
        yield Walk(running, operator, tmp_path)


NOTHING = {"sw1": False, "sw2": False}


def test_all_phases_there_and_back_leave_configurations_and_startup_as_they_were(walk: Walk) -> None:
    outcome = walk.forward()
    assert outcome.how == COMPLETE, outcome
    assert walk.changed() == {"sw1": True, "sw2": True} and walk.saved("sw1") and walk.saved("sw2")
    assert walk.fabric.revision == 2 and walk.hands.moved == [("h1", False)]
    assert walk.back().how == COMPLETE
    assert walk.changed() == NOTHING and walk.saved("sw1") and walk.saved("sw2")
    assert walk.fabric.revision == 1 and walk.hands.moved[-1] == ("h1", True)
    with walk.journal() as journal:
        assert progress(journal.events()).acts == {}


def test_nothing_is_saved_before_its_phase_is_accepted(walk: Walk) -> None:
    with walk.executor() as executor:
        perform = executor._acts.perform
        seen = []

        def watched(act: Act) -> None:
            perform(act)
            if act.kind == PUSH:
                seen.append(walk.saved(executor.plan.phases[0].steps[0].commands[0].device))

        executor._acts.perform = watched  # type: ignore[method-assign]
        assert executor.forward(2).how == COMPLETE
    assert seen[0] is False and walk.saved("sw1")


def test_a_phase_is_left_at_its_end_and_gone_on_with(walk: Walk) -> None:
    assert walk.forward(2).how == COMPLETE
    assert walk.fabric.revision == 1
    assert walk.forward(3).how == COMPLETE and walk.fabric.revision == 2
    assert walk.back(2).how == COMPLETE and walk.fabric.revision == 1
    assert walk.changed() == {"sw1": True, "sw2": True}


def test_a_phase_whose_brake_nobody_released_waits(walk: Walk) -> None:
    outcome = walk.forward(allow=())
    assert outcome.how == STOPPED and "--allow routes" in outcome.reason and outcome.known
    with walk.journal() as journal:
        assert progress(journal.events()).accepted(2)


def test_a_refused_line_rolls_its_phase_back_and_only_that(running: LegacyThread, tmp_path: Path) -> None:
    bad = DeviceCommands("sw1", ("interface GigabitEthernet1/0/7", " description x", " switchprt mode access"),
                         ("interface GigabitEthernet1/0/7", " no description"))  # fmt: skip
    with operating(running, tmp_path) as operator:
        walk = Walk(running, operator, tmp_path, commands=(described("sw2", 6, "good"), bad))
        assert walk.forward(3).how == COMPLETE
        before = {name: digest(text) for name, text in configs(operator).items()}
        outcome = walk.forward()
        assert outcome.how == ROLLED_BACK and "refuses 'switchprt mode access'" in outcome.reason
        assert {name: digest(text) for name, text in configs(operator).items()} == before


@pytest.mark.parametrize("risky", [True, False])
def test_a_check_that_does_not_hold_rolls_its_phase_back(running: LegacyThread, tmp_path: Path, risky: bool) -> None:
    check = Check("config-has", device="sw1", expect=("description nowhere",))
    with operating(running, tmp_path) as operator:
        commands = (described("sw1", 7, "x", risky), described("sw2", 7, "x", risky))
        walk = Walk(running, operator, tmp_path, commands=commands, checks=(check,), plugs=())
        outcome = walk.forward()
        assert outcome.how == ROLLED_BACK and "it lacks description nowhere" in outcome.reason
        assert walk.on("sw1", lambda at: [line.text for line in at.interface("GigabitEthernet1/0/7")]) == []
        assert not walk.on("sw1", lambda at: at.waits) and not walk.on("sw2", lambda at: at.waits)


def test_a_check_that_nobody_can_make_is_not_let_pass_unless_somebody_says_so(
    running: LegacyThread, tmp_path: Path
) -> None:
    with operating(running, tmp_path) as operator:
        walk = Walk(running, operator, tmp_path, checks=(Check("loss"),))
        outcome = walk.forward()
        assert outcome.how == ROLLED_BACK and "unknown: no probes are sent" in outcome.reason
        assert walk.forward(allow=("routes", "unchecked")).how == COMPLETE


def test_somebody_else_s_change_before_a_phase_stops_it_with_what_changed(walk: Walk) -> None:
    assert walk.forward(2).how == COMPLETE
    walk.on("sw2", lambda at: at.edit(["interface GigabitEthernet1/0/8", "shutdown"]))
    outcome = walk.forward()
    assert outcome.how == STOPPED and outcome.known
    assert "+ interface GigabitEthernet1/0/8 / shutdown" in outcome.reason and "sw2" in outcome.reason
    assert walk.fabric.revision == 1


def test_somebody_else_s_change_survives_our_way_back_and_is_named(walk: Walk) -> None:
    assert walk.forward(2).how == COMPLETE
    walk.on("sw2", lambda at: at.edit(["interface GigabitEthernet1/0/8", "description theirs"]))
    assert walk.back().how == COMPLETE
    text = walk.operator.running("sw2")
    assert "description theirs" in text and "description two" not in text
    with walk.journal() as journal:
        assert any("theirs" in str(event.detail) for event in journal.events() if event.kind == p.NOTED)


def test_somebody_else_s_change_of_the_fabric_stops_the_run(walk: Walk) -> None:
    assert walk.forward(2).how == COMPLETE
    walk.fabric.revision = 7
    outcome = walk.forward()
    assert outcome.how == STOPPED and "revision 7, the migration left it at 1" in outcome.reason


def test_what_a_timer_took_back_while_nobody_ran_is_done_again(walk: Walk) -> None:
    with walk.executor() as executor:
        perform = executor._acts.perform

        def killed(act: Act) -> None:
            perform(act)
            if act == Act(2, "2.one", PUSH, "0"):
                raise KeyboardInterrupt

        executor._acts.perform = killed  # type: ignore[method-assign]
        with pytest.raises(KeyboardInterrupt):
            executor.forward()
    walk.running.leap(3600)
    assert walk.changed() == NOTHING
    assert walk.forward().how == COMPLETE
    assert "description one" in walk.operator.running("sw1")


def test_a_run_that_is_asked_to_pause_stops_between_steps_and_goes_on(walk: Walk) -> None:
    with walk.executor() as executor:
        perform = executor._acts.perform

        def asking(act: Act) -> None:
            perform(act)
            if act.kind == PUSH:
                executor.journal.ask_pause(True)

        executor._acts.perform = asking  # type: ignore[method-assign]
        outcome = executor.forward()
    assert outcome.how == PAUSED and outcome.reason == "before 2/2.two/before"
    assert not walk.on("sw1", lambda at: at.waits)
    assert walk.forward().how == COMPLETE


def test_two_operators_do_not_carry_out_one_plan(tmp_path: Path) -> None:
    with operating_plan(tmp_path), pytest.raises(Busy, match="another operator"), operating_plan(tmp_path):
        pass


def test_the_journal_of_another_plan_is_refused(tmp_path: Path) -> None:
    with opened(tmp_path, "a") as journal:
        assert journal is not None
        journal.write(p.NOTED, text="password secret-word")
        assert "secret-word" not in str(journal.events())
    with pytest.raises(JournalProblem, match="another plan"), opened(tmp_path, "b"):
        pass


def test_every_act_of_a_plan_is_named_once(walk: Walk) -> None:
    names = [str(act) for act in acts(walk.plan)]
    assert len(names) == len(set(names)) and names[-2:] == [str(Act(4, "", ACCEPT)), str(Act(4, "", SAVE, "sw1"))]
