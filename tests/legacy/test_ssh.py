"""Simulated legacy devices, reached as netmiko reaches real ones."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

pytest.importorskip("asyncssh", reason="asyncssh is not installed (extra: migrate)")
netmiko = pytest.importorskip("netmiko", reason="netmiko is not installed (extra: migrate)")

from clos.fabric.sim.legacy.faults import CUT, GARBLE, RELOAD, STALL, SYSLOG, Fault  # noqa: E402
from tests.support.legacy import PASSWORD, netmiko_session, network  # noqa: E402
from tests.support.legacy_thread import LegacyThread  # noqa: E402


@pytest.fixture
def running() -> Iterator[LegacyThread]:
    with LegacyThread(network()) as thread:
        yield thread


def test_a_session_connects_enables_and_reads(running: LegacyThread) -> None:
    with netmiko_session(running, "sw1") as session:
        assert session.find_prompt() == "sw1>"
        session.enable()
        assert session.find_prompt() == "sw1#"
        text = session.send_command("show running-config")
        assert "hostname sw1" in text and text.rstrip().endswith("end")
        assert PASSWORD not in text.replace(f"hostname {PASSWORD}", "")
        assert "uptime is 0 minutes" in session.send_command("show version")


def test_a_refused_line_is_known_and_those_before_it_are_in_force(running: LegacyThread) -> None:
    with netmiko_session(running, "sw1") as session:
        session.enable()
        lines = ["interface Gi1/0/3", "description before", "switchprt mode access", "description behind"]
        with pytest.raises(netmiko.exceptions.ConfigInvalidException, match="switchprt"):
            session.send_config_set(lines, error_pattern=r"% (Invalid|Incomplete|Ambiguous)")
    assert running.do(lambda net: [line.text for line in net.devices["sw1"].interface("GigabitEthernet1/0/3")]) == [
        "description before"
    ]


def test_saving_writes_the_startup_configuration(running: LegacyThread) -> None:
    with netmiko_session(running, "sw1", username="root") as session:
        session.send_config_set(["vlan 30", "name SAVED"])
        assert not running.do(lambda net: net.devices["sw1"].running == net.devices["sw1"].startup)
        assert "[OK]" in session.save_config()
    assert running.do(lambda net: net.devices["sw1"].running == net.devices["sw1"].startup)


def test_a_long_output_is_paged_until_told_otherwise(running: LegacyThread) -> None:
    with netmiko_session(running, "sw1", username="root") as session:
        session.send_command("terminal length 5", expect_string="#")
        session.write_channel("show version\n")
        assert "--More--" in session.read_until_pattern("--More--", read_timeout=5)
        session.write_channel("q")
        session.read_until_pattern("sw1#", read_timeout=5)


def test_a_wrong_password_is_refused(running: LegacyThread) -> None:
    with (
        pytest.raises(netmiko.exceptions.NetmikoAuthenticationException),
        netmiko_session(running, "sw1", password="wrong"),
    ):
        pass


def test_a_refused_login_passes_the_next_time(running: LegacyThread) -> None:
    def refuse(net: object) -> None:
        running.network.devices["sw1"].faults.refused_logins = 1

    running.do(refuse)
    with pytest.raises(netmiko.exceptions.NetmikoAuthenticationException), netmiko_session(running, "sw1"):
        pass
    with netmiko_session(running, "sw1") as session:
        assert session.find_prompt() == "sw1>"


def _fault(running: LegacyThread, kind: str, command: str) -> None:
    running.do(lambda net: net.devices["sw1"].faults.add(Fault(kind, command)))


def test_a_session_that_is_cut_ends_in_the_middle_of_an_answer(running: LegacyThread) -> None:
    _fault(running, CUT, "show running")
    with netmiko_session(running, "sw1", username="root") as session:
        with pytest.raises((OSError, netmiko.exceptions.ReadException, EOFError)):
            session.send_command("show running-config", read_timeout=5)
        assert not session.is_alive()
    with netmiko_session(running, "sw1", username="root") as session:
        assert session.send_command("show running-config").rstrip().endswith("end")


def test_a_stalled_device_answers_nothing(running: LegacyThread) -> None:
    _fault(running, STALL, "show version")
    with netmiko_session(running, "sw1") as session, pytest.raises(netmiko.exceptions.ReadTimeout):
        session.send_command("show version", read_timeout=1)


def test_garbled_bytes_change_the_answer_and_not_the_next_one(running: LegacyThread) -> None:
    with netmiko_session(running, "sw1") as session:
        right = session.send_command("show vlan brief")
        _fault(running, GARBLE, "show vlan")
        wrong = session.send_command("show vlan brief")
        assert wrong != right and len(wrong) == len(right)
        assert session.send_command("show vlan brief") == right


def test_log_lines_stand_in_the_middle_of_an_answer(running: LegacyThread) -> None:
    _fault(running, SYSLOG, "show vlan")
    with netmiko_session(running, "sw1") as session:
        text = session.send_command("show vlan brief")
        assert re.search(r"\n\*Jan .*%LINEPROTO-5-UPDOWN.*\n", text)


def test_a_reload_ends_the_session_and_loses_what_was_not_saved(running: LegacyThread) -> None:
    with netmiko_session(running, "sw1", username="root") as session:
        session.send_config_set(["vlan 30"])
        _fault(running, RELOAD, "show clock")
        with pytest.raises((OSError, netmiko.exceptions.ReadException, EOFError)):
            session.send_command("show clock", read_timeout=5)
    with pytest.raises(netmiko.exceptions.NetmikoTimeoutException), netmiko_session(running, "sw1", conn_timeout=2):
        pass
    running.leap(61)
    with netmiko_session(running, "sw1") as session:
        assert "\n30 " not in session.send_command("show vlan brief")


def test_a_reload_asks_for_confirmation(running: LegacyThread) -> None:
    with netmiko_session(running, "sw1", username="root") as session:
        text = session.send_command_timing("reload")
        assert text.endswith("Proceed with reload? [confirm]")
        session.send_command_timing("n")
        assert session.find_prompt() == "sw1#"
        session.send_config_set(["vlan 30"])
        assert "Save? [yes/no]: " in session.send_command_timing("reload")


def test_a_changed_hostname_changes_the_prompt(running: LegacyThread) -> None:
    with netmiko_session(running, "sw1", username="root") as session:
        running.do(lambda net: net.devices["sw1"].edit(["hostname other"]))
        assert session.find_prompt() == "other#"


def test_another_operators_change_is_in_the_configuration_under_its_name(running: LegacyThread) -> None:
    with netmiko_session(running, "sw1", username="root") as session:
        before = session.send_command("show running-config")
        running.do(lambda net: net.devices["sw1"].edit(["interface Vlan20", "ip address 10.20.0.2 255.255.255.0"]))
        after = session.send_command("show running-config")
        assert "Last configuration change at" not in before
        assert re.search("Last configuration change at .* by operator2", after) and "interface Vlan20" in after
        assert "%SYS-5-CONFIG_I: Configured from console by operator2" in session.send_command("show logging")


def test_a_device_with_nothing_but_sha1_refuses_todays_clients(running: LegacyThread) -> None:
    """paramiko 5 has no such key exchange, and netmiko calls it a timeout: nothing in it names the cause."""
    with pytest.raises(netmiko.exceptions.NetmikoTimeoutException), netmiko_session(running, "sw3"):
        pass


def test_a_change_comes_back_unless_it_is_confirmed(running: LegacyThread) -> None:
    with netmiko_session(running, "sw1", username="root") as session:
        before = running.do(lambda net: net.devices["sw1"].running)
        for confirmed in (False, True):
            session.send_command("configure terminal revert timer 1", expect_string=r"\(config\)#")
            session.send_config_set(["vlan 40"], enter_config_mode=False)
            if confirmed:
                session.send_command("configure confirm")
            running.leap(61)
            after = running.do(lambda net: net.devices["sw1"].running)
            assert (after == before) is not confirmed
