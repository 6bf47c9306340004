"""``clos migrate plan`` as a person runs it: what it says, what it writes, what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

from tests.support.cli_run import clos

BANK = Path(__file__).parents[2] / "topologies" / "legacy-bank"
BORDER = ("--border", "border1=dist1:Te1/15")


def kept(directory: Path) -> Path:
    """Configurations alone, as discovery from files would find them."""
    for config in (BANK / "startup-configs").glob("*.cfg"):
        place = directory / "bank" / config.stem
        place.mkdir(parents=True)
        (place / "show_running-config.txt").write_text(config.read_text())
    return directory / "bank"


def test_half_a_network_gets_no_plan_and_every_reason_is_named(tmp_path: Path) -> None:
    topology = str(BANK / "fabric.yaml")
    answer = clos("migrate", "plan", str(kept(tmp_path)), "-t", topology, "--out", str(tmp_path / "plan"), *BORDER)
    assert answer.code == 1
    assert "no device's ARP table was read" in answer.err
    assert "acc1: show version" in answer.err
    assert not (tmp_path / "plan").exists()


def test_bad_words_are_refused_before_anything_is_read(tmp_path: Path) -> None:
    directory, topology, out = str(kept(tmp_path)), str(BANK / "fabric.yaml"), str(tmp_path / "plan")
    for words, told in (
        (("--only-vlan", "ten"), "is no list of VLANs"),
        (("--strict", "--translation", "lenient"), "contradict each other"),
    ):
        answer = clos("migrate", "plan", directory, "-t", topology, "--out", out, *BORDER, *words)
        assert answer.code == 2
        assert told in answer.err
    assert clos("migrate", "plan", str(tmp_path / "no"), "-t", topology, "--out", out, *BORDER).code == 2
    assert clos("migrate", "plan", directory, "-t", str(tmp_path / "no.yaml"), "--out", out).code == 2
    place = clos("migrate", "plan", directory, "-t", str(tmp_path), "--out", out, *BORDER)
    assert place.code == 2 and "is a directory" in place.err


def test_reasons_come_as_json_too(tmp_path: Path) -> None:
    topology, out = str(BANK / "fabric.yaml"), str(tmp_path / "plan")
    answer = clos("migrate", "plan", str(kept(tmp_path)), "-t", topology, "--out", out, "--json")
    assert any("no border is named" in reason for reason in json.loads(answer.out)["reasons"])
