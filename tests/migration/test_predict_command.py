"""``clos migrate predict`` over kept outputs of three switches: what it prints, and its exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.cli_run import clos

CONFIG = """hostname s{number}
spanning-tree mode pvst
spanning-tree extend system-id
spanning-tree vlan 10 priority {priority}
vlan 10
 name HOSTS
interface GigabitEthernet0/1
 description to s{first}
 switchport mode trunk
interface GigabitEthernet0/2
 description to s{second}
 switchport mode trunk
interface GigabitEthernet0/3
 switchport access vlan 10
 switchport mode access
end
"""


@pytest.fixture
def outputs(tmp_path: Path) -> Path:
    """s1 is the root of VLAN 10, s2 the second; s3 blocks what leads to s2."""
    for number, priority, first, second in ((1, 4096, 2, 3), (2, 8192, 1, 3), (3, 32768, 1, 2)):
        folder = tmp_path / f"s{number}"
        folder.mkdir()
        text = CONFIG.format(number=number, priority=priority, first=first, second=second)
        (folder / "show_running-config.txt").write_text(text)
    return tmp_path


def test_the_tree_of_a_vlan_is_shown_with_what_it_stands_on(outputs: Path) -> None:
    ran = clos("migrate", "predict", outputs, "--vlan", "10")
    assert ran.code == 0, ran
    assert "10     s1    s3 GigabitEthernet0/2 (alternate)" in ran.out
    assert "assumed: the cost of s3 GigabitEthernet0/1 is taken from its name" in ran.out


def test_a_root_port_that_moves_on_a_path_in_use_is_a_no(outputs: Path) -> None:
    ran = clos("migrate", "predict", outputs, "--vlan", "10", "--change", "s1 Gi0/2: shutdown")
    assert ran.code == 1
    moved = "VLANs 10: s3: root port GigabitEthernet0/1 -> GigabitEthernet0/2, no frames for 30 s"
    assert moved in ran.out and "1 root port of 1 device moves on paths in use." in ran.out


def test_a_change_that_moves_nothing_is_a_yes_and_json_has_every_port(outputs: Path) -> None:
    quiet = ("--change", "s3 Gi0/2: spanning-tree cost 100")
    ran = clos("migrate", "predict", outputs, "--vlan", "10", *quiet)
    assert (ran.code, "No root port moves on a path in use, in 1 VLAN." in ran.out) == (0, True)
    found = json.loads(clos("migrate", "predict", outputs, "--vlan", "10", *quiet, "--json").out)
    assert found["moves"] == [] and len(found["vlans"][0]["ports"]) == 9


def test_a_vlan_whose_root_cannot_be_told_is_not_guessed(outputs: Path) -> None:
    """In VLAN 1 all have the default priority, and nothing says their addresses."""
    ran = clos("migrate", "predict", outputs, "--vlan", "1")
    assert ran.code == 3
    assert "cannot say: VLANs 1: s1 has a priority that others have too, and its address is unknown" in ran.out


@pytest.mark.parametrize("words", [("--change", "s9: spanning-tree vlan 10 priority 0"), ("--vlan", "ten")])
def test_what_cannot_be_read_is_refused(outputs: Path, words: tuple[str, str]) -> None:
    ran = clos("migrate", "predict", outputs, *words)
    assert ran.code == 2 and ran.err
    assert "Traceback" not in ran.err
