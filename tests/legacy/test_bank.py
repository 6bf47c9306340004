"""The shipped legacy bank, and what is wrong with directories that describe no network."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
import yaml

from clos.controller.migrate.simulated import Unreadable, read_network, refused_lines
from clos.fabric.sim.legacy.network import LegacyNetwork
from clos.fabric.sim.legacy.session import Session
from tests.support.cli_run import ROOT, clos
from tests.support.signals import FRESH

BANK = Path(__file__).parents[2] / "topologies" / "legacy-bank"


def answer(network: LegacyNetwork, device: str, command: str) -> list[str]:
    """What a device answers to a privileged user, without echo and prompt."""
    written: list[str] = []
    session = Session(network.devices[device], "clos", 15, written.append, lambda _: None)
    session.length = 0
    session.feed(command + "\n")
    session.close()
    return "".join(written).replace("\r\n", "\n").split("\n")[1:-1]


def test_the_bank_is_as_large_as_it_says(bank: LegacyNetwork) -> None:
    kinds = Counter(name.rstrip("0123456789") for name in bank.devices)
    assert kinds == {"core": 2, "dist": 2, "acc": 6, "wan": 2, "old": 1}
    assert len(bank.hosts) >= 60
    assert len([name for name in bank.devices["dist1"].interfaces() if name.startswith("Vlan")]) >= 8


def test_both_ends_of_every_cable_hear_each_other(bank: LegacyNetwork) -> None:
    for protocol, local, far in (
        ("cdp", "Interface: ", "Port ID (outgoing port): "),
        ("lldp", "Local Intf: ", "Port id: "),
    ):
        heard = sum(
            line.startswith(local)
            for name in bank.devices
            for line in answer(bank, name, f"show {protocol} neighbors detail")
        )
        assert heard == 2 * len(bank.plan.cables), (protocol, far)


def test_a_cable_that_breaks_is_seen_at_both_ends_and_only_there(bank: LegacyNetwork) -> None:
    before = {name: answer(bank, name, "show interfaces status") for name in bank.devices}
    bank.cut("acc1", "TenGigabitEthernet1/1/1")
    after = {name: answer(bank, name, "show interfaces status") for name in bank.devices}
    assert {name for name in bank.devices if before[name] != after[name]} == {"acc1", "dist1"}
    bank.restore("dist1", "TenGigabitEthernet1/5")
    assert {name: answer(bank, name, "show interfaces status") for name in bank.devices} == before


def test_a_port_channel_works_while_one_of_its_ports_does(bank: LegacyNetwork) -> None:
    for port, flag in (("TenGigabitEthernet1/1/1", "Po1(SU)"), ("TenGigabitEthernet1/1/2", "Po1(SD)")):
        bank.cut("acc3", port)
        assert any(flag in line for line in answer(bank, "acc3", "show etherchannel summary")), flag


def test_a_pipe_lets_through_what_it_says(bank: LegacyNetwork) -> None:
    whole = answer(bank, "dist1", "show running-config")
    assert answer(bank, "dist1", "show running-config | include ^vlan") == [x for x in whole if x.startswith("vlan")]
    assert answer(bank, "dist1", "show run | exclude ^vlan") == [x for x in whole if not x.startswith("vlan")]
    first = whole.index("router eigrp 100")
    assert answer(bank, "dist1", "show run | begin router eigrp") == whole[first:]
    section = answer(bank, "dist1", "show run | section router eigrp")
    assert section == whole[first : whole.index("!", first)]
    assert "% Invalid input" in "".join(answer(bank, "dist1", "show run | nonsense x"))


@pytest.mark.parametrize(
    ("file", "old", "new", "words"),
    [
        ("cabling.yaml", "[dist1 Te1/1, core1 Te1/3]", "[dist1 Te1/1, core9 Te1/3]", "core9 has no port"),
        ("cabling.yaml", "[dist1 Te1/1, core1 Te1/3]", "[dist1 Te1/1]", "expected a pair"),
        ("cabling.yaml", "[dist1 Te1/1, core1 Te1/3]", "[dist1 Te1/2, core1 Te1/3]", "more than one cable"),
        ("cabling.yaml", "mac: 0050.5600.0101", "mac: zero", "hosts.provider1.mac: 'zero': expected a MAC address"),
        ("cabling.yaml", "cables:", "cables: [", "is no YAML"),
        ("inventory.yaml", "  core2:", "  core7:", "core7.cfg: write its startup configuration there"),
        ("inventory.yaml", "[TenGigabitEthernet1/1-16]", "[Foo1-16]", "'Foo1-16': expected ports like"),
        ("inventory.yaml", "[TenGigabitEthernet1/1-16]", "[TenGigabitEthernet1/1-999999999]", "expected ports like"),
        ("inventory.yaml", "model:", "modell:", "unknown key; there are"),
        ("cabling.yaml", "\nborder:", "\nborders:", "the document.borders: unknown key; there are border, cables"),
        ("inventory.yaml", "\ndevices:", "\ndevice:", "there are none"),
        ("inventory.yaml", "\nname:", "\nnames:", "the document.names: unknown key; there are defaults, devices, name"),
    ],
)
def test_what_is_wrong_with_a_directory_is_named(tmp_path: Path, file: str, old: str, new: str, words: str) -> None:
    directory = tmp_path / "bank"
    shutil.copytree(BANK, directory)
    text = (directory / file).read_text()
    assert old in text
    (directory / file).write_text(text.replace(old, new, 1))
    with pytest.raises(Unreadable) as error:
        read_network(directory)
    assert words in str(error.value) and file in str(error.value)


def test_a_line_that_its_device_refuses_is_named_with_file_and_number(tmp_path: Path) -> None:
    directory = tmp_path / "bank"
    shutil.copytree(BANK, directory)
    config = directory / "startup-configs" / "acc1.cfg"
    lines = config.read_text().splitlines()
    config.write_text("\n".join([*lines[:4], "frobnicate 7", *lines[4:]]))
    (problem,) = refused_lines(LegacyNetwork(read_network(directory)), directory)
    assert problem.startswith(f"{config}:5: frobnicate 7: % Invalid input")
    result = clos("sim-legacy", directory)
    assert result.code == 1 and "frobnicate" in result.err


def test_the_command_runs_until_it_is_told_to_stop_and_writes_where_devices_listen(tmp_path: Path) -> None:
    pytest.importorskip("asyncssh", reason="asyncssh is not installed (extra: migrate)")
    words = [*FRESH, sys.executable, "-m", "clos.controller.cli", "sim-legacy", str(BANK), "--ssh", "127.0.0.1:0"]
    with subprocess.Popen([*words, "--out", str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        lines = [running.stdout.readline() for _ in range(14)]
        inventory = yaml.safe_load((tmp_path / "inventory.yaml").read_text())
        running.send_signal(signal.SIGTERM)
        assert running.wait(timeout=60) == 0
    assert lines[-1] == "clos: 13 devices of legacy-bank run\n"
    ports = {name: device["port"] for name, device in inventory["devices"].items()}
    assert lines[:-1] == [f"{name}: ssh -p {port} 127.0.0.1\n" for name, port in ports.items()]
    known = Path(inventory["defaults"]["known_hosts"]).read_text()
    assert [line.split()[0] for line in known.splitlines()] == [f"[127.0.0.1]:{port}" for port in ports.values()]
