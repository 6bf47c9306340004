"""Configuring devices over SSH: every line's result is known, and what is not known is said to be so."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytest.importorskip("asyncssh", reason="asyncssh is not installed (extra: migrate)")
pytest.importorskip("netmiko", reason="netmiko is not installed (extra: migrate)")

from clos.controller.migrate.discover.inventory import Host
from clos.controller.migrate.discover.ssh import Access
from clos.controller.migrate.run.answers import ACCEPTED, REFUSED, UNKNOWN, LineResult, NotSendable
from clos.controller.migrate.run.configuration import difference, digest
from clos.controller.migrate.run.device import DeviceProblem, Lost, Operator, Pushed
from clos.fabric.sim.legacy.faults import CUT, GARBLE, RELOAD, STALL, SYSLOG, Fault
from tests.support.legacy import PASSWORD, network
from tests.support.legacy_thread import LegacyThread

LINES = ("interface GigabitEthernet1/0/3", " description new", " switchport access vlan 20")
DESCRIBED = ["description new", "switchport access vlan 20"]


@pytest.fixture
def running() -> Iterator[LegacyThread]:
    with LegacyThread(network()) as thread:
        yield thread


@pytest.fixture
def operator(running: LegacyThread, tmp_path: Path) -> Iterator[Operator]:
    known = tmp_path / "known_hosts"
    known.write_text(running.listening.known_hosts, encoding="utf-8")
    hosts = [Host(name, "127.0.0.1", port, "root") for name, port in running.listening.ports.items()]
    with Operator(hosts, Access("root", PASSWORD, known_hosts=known, quiet=2.0)) as made:
        yield made


def fault(running: LegacyThread, kind: str, command: str) -> None:
    running.do(lambda net: net.devices["sw1"].faults.add(Fault(kind, command)))


def port(running: LegacyThread) -> list[str]:
    return running.do(lambda net: [line.text for line in net.devices["sw1"].interface("GigabitEthernet1/0/3")])


def push(operator: Operator, lines: tuple[str, ...] = LINES, timer: int | None = None) -> Pushed:
    return operator.push("sw1", lines, timer, lambda line, result: None)


def test_every_line_is_told_before_it_is_sent_and_answered_after(running: LegacyThread, operator: Operator) -> None:
    heard: list[tuple[str, LineResult | None]] = []
    done = operator.push("sw1", LINES, None, lambda line, result: heard.append((line, result)))
    assert done.accepted and done.timer is None
    assert port(running) == DESCRIBED
    assert heard == [each for result in done.results for each in ((result.line, None), (result.line, result))]


def test_a_refused_line_ends_the_set_with_the_device_s_words(running: LegacyThread, operator: Operator) -> None:
    done = push(operator, (LINES[0], " description new", " switchprt mode access", " shutdown"))
    assert [each.result for each in done.results] == [ACCEPTED, ACCEPTED, REFUSED]
    assert "Invalid input detected" in done.results[-1].words
    assert port(running) == ["description new"]


def test_a_warning_is_no_refusal(operator: Operator) -> None:
    done = push(operator, (LINES[0], " switchport access vlan 77"))
    assert done.accepted and "Creating vlan 77" in done.results[-1].words


def test_what_is_not_confirmed_goes_back_and_what_is_stays(running: LegacyThread, operator: Operator) -> None:
    before = digest(operator.running("sw1"))
    assert push(operator, timer=5).timer == 5
    running.leap(301)
    assert digest(operator.running("sw1")) == before
    assert not operator.confirm("sw1")
    push(operator, timer=5)
    assert operator.confirm("sw1")
    running.leap(301)
    assert port(running) == DESCRIBED


def test_a_pushed_set_is_taken_back_at_once_on_demand(running: LegacyThread, operator: Operator) -> None:
    before = digest(operator.running("sw1"))
    push(operator, timer=5)
    assert operator.revert("sw1") and digest(operator.running("sw1")) == before
    assert not operator.revert("sw1")


def test_without_an_archive_the_lines_go_without_a_timer_and_that_is_told(
    running: LegacyThread, operator: Operator
) -> None:
    running.do(lambda net: net.devices["sw1"].edit(["no archive"]))
    done = push(operator, timer=5)
    assert done.accepted and done.timer is None and "archive path is not configured" in done.why_none


@pytest.mark.parametrize("kind", [CUT, STALL, RELOAD])
def test_a_session_that_ends_leaves_the_line_unknown(kind: str, running: LegacyThread, operator: Operator) -> None:
    fault(running, kind, "description")
    done = push(operator)
    assert done.unknown and [each.result for each in done.results] == [ACCEPTED, UNKNOWN]


def test_after_a_cut_the_device_is_read_again_and_says_what_is_in_force(
    running: LegacyThread, operator: Operator
) -> None:
    before = operator.running("sw1")
    fault(running, CUT, "description")
    push(operator)
    found = difference(before, operator.running("sw1"))
    assert found.lines() == ("+ interface GigabitEthernet1/0/3 / description new",)


@pytest.mark.parametrize("kind", [SYSLOG])
def test_log_lines_in_an_answer_are_no_refusal(kind: str, running: LegacyThread, operator: Operator) -> None:
    fault(running, kind, "description")
    assert push(operator).accepted


def test_a_garbled_configuration_is_no_configuration(running: LegacyThread, operator: Operator) -> None:
    clean = operator.running("sw1")
    fault(running, GARBLE, "show running-config")
    try:
        assert digest(operator.running("sw1")) != digest(clean)
    except DeviceProblem as problem:
        assert "cut short" in str(problem)


def test_an_unforeseen_question_is_never_answered(running: LegacyThread, operator: Operator) -> None:
    def asks(net: object) -> None:
        device = running.network.devices["sw1"]
        device.edit(["vlan 55"])

    running.do(asks)
    alive = running.do(lambda net: net.devices["sw1"].since)
    with pytest.raises(Lost, match="nobody foresaw"):
        operator._exec("sw1", "reload")
    assert running.do(lambda net: net.devices["sw1"].alive and net.devices["sw1"].since == alive)


def test_saving_is_an_act_of_its_own(running: LegacyThread, operator: Operator) -> None:
    push(operator, timer=5)
    operator.confirm("sw1")
    assert not running.do(lambda net: net.devices["sw1"].running == net.devices["sw1"].startup)
    operator.save("sw1")
    assert running.do(lambda net: net.devices["sw1"].running == net.devices["sw1"].startup)


@pytest.mark.parametrize(
    "line",
    ["do reload", "reload", "copy running-config startup-config", "username x secret y", "interface Gi1\nreload", "",
     "no archive", "hostname other", "end", "vlan 10\x03"],
)  # fmt: skip
def test_lines_that_are_no_configuration_are_not_sent(line: str, running: LegacyThread, operator: Operator) -> None:
    before = running.do(lambda net: net.devices["sw1"].running)
    with pytest.raises(NotSendable):
        push(operator, (LINES[0], line))
    assert running.do(lambda net: net.devices["sw1"].running) == before


def test_an_unknown_device_and_a_wrong_password_are_named(running: LegacyThread, tmp_path: Path) -> None:
    known = tmp_path / "known_hosts"
    known.write_text(running.listening.known_hosts, encoding="utf-8")
    hosts = [Host("sw1", "127.0.0.1", running.listening.ports["sw1"], "root")]
    with Operator(hosts, Access("root", "wrong", known_hosts=known)) as wrong:
        with pytest.raises(DeviceProblem, match="refused the user name or password"):
            wrong.running("sw1")
        with pytest.raises(DeviceProblem, match="not in the inventory"):
            wrong.running("sw9")


def test_a_kept_session_that_ended_is_made_anew(running: LegacyThread, operator: Operator) -> None:
    operator.running("sw1")
    running.do(lambda net: [listener(None) for listener in tuple(net.devices["sw1"].listeners)])
    checks: Callable[[], str] = lambda: operator.running("sw1")  # noqa: E731
    assert "hostname sw1" in checks()
