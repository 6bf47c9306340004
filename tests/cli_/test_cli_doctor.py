"""The doctor finds what is wrong with an environment and says what helps."""

from __future__ import annotations

import socket

import pytest

from clos.controller.cli import environment
from clos.controller.cli.environment import ABSENT, TOOLS, WRONG, findings
from clos.lab.mininet.sandbox import NEEDS
from tests.support.cli_run import clos


def test_this_environment_is_healthy() -> None:
    ran = clos("doctor", "--json")
    assert ran.code == 0 and ran.data["healthy"]
    assert {"python", "os-ken", "networkx", "root", "mininet"} <= {row["what"] for row in ran.data["findings"]}


def test_another_os_ken_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment.metadata, "version", lambda name: "9.9")
    wrong = {finding.what: finding.remedy for finding in findings() if finding.state == WRONG}
    assert list(wrong) == ["os-ken"] and "os-ken==4.2.2" in wrong["os-ken"]


def test_every_tool_a_lab_needs_is_asked_for_and_its_package_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert set(NEEDS) <= {tool.program for tool in TOOLS}
    monkeypatch.setattr(environment, "_where", lambda program: None)
    rows = {finding.what: finding for finding in findings()}
    for tool in TOOLS:
        row = rows[tool.package]
        assert (row.state, row.remedy) == (ABSENT, f"sudo apt-get install {tool.package}")
        assert tool.program in row.answer


def test_a_python_package_that_only_a_lab_needs_is_not_wrong_when_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    version = environment.metadata.version

    def without(name: str) -> str:
        if name == "mininet":
            raise environment.metadata.PackageNotFoundError(name)
        return version(name)

    monkeypatch.setattr(environment.metadata, "version", without)
    (row,) = (finding for finding in findings() if finding.what == "python mininet")
    assert row.state == ABSENT and row.remedy.endswith("-m pip install -e '.[lab]'")


def test_without_root_the_lab_is_absent_and_clos_is_healthy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment.os, "geteuid", lambda: 1000)
    rows = {finding.what: finding for finding in findings()}
    assert (rows["root"].state, rows["root"].remedy) == (ABSENT, "sudo clos lab")
    assert "namespaces" not in rows
    assert not [finding for finding in findings() if finding.state == WRONG]


def test_a_port_in_use_is_told_with_the_way_round_it() -> None:
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            other.bind(("127.0.0.1", 6653))
            other.listen()
        except OSError:
            pass  # somebody else has it: as good
        found = next(finding for finding in findings() if finding.what == "port 6653")
    assert found.state != "fine" and "--listen" in found.remedy
