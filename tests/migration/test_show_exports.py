"""A discovered network as pictures and as NetBox's objects."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import pytest

from clos.controller.migrate.model import Network
from clos.controller.migrate.netbox import netbox_objects
from clos.controller.migrate.pictures.layer2 import NoPicture, layer2
from clos.controller.migrate.pictures.layer3 import layer3
from clos.controller.migrate.pictures.layers import rows_from
from clos.controller.migrate.predict.spanning_tree import predict
from tests.support.cli_run import clos
from tests.support.legacy_networks import random_network
from tests.support.legacy_shown import shown
from tests.support.root import ROOT

NAMESPACE = "{http://www.w3.org/2000/svg}"
BANK = ROOT / "topologies" / "legacy-bank"


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bank's configurations, as files of a discovery."""
    directory = tmp_path_factory.mktemp("bank")
    for config in sorted(BANK.rglob("*.cfg")) + sorted(BANK.rglob("*.txt")):
        (directory / config.stem).mkdir(exist_ok=True)
        (directory / config.stem / "show_running-config.txt").write_text(
            config.read_text(encoding="utf-8"), encoding="utf-8"
        )
    return directory


def _words(picture: str) -> list[str]:
    return [element.text or "" for element in ET.fromstring(picture).iter(f"{NAMESPACE}text")]


def _kinds(picture: str) -> list[str]:
    return [element.get("class", "") for element in ET.fromstring(picture).iter()]


def test_a_picture_of_a_vlan_has_its_root_and_what_blocks():
    drawn = 0
    for seed in range(40):
        network = random_network(seed)
        tree = predict(network, [10])[10]
        if tree.unknown:
            with pytest.raises(NoPicture):
                layer2(network, 10)
            continue
        drawn += 1
        picture = layer2(network, 10)
        assert f"root {' and '.join(tree.roots)}" in _words(picture)[0], seed
        assert sum("root" in kind.split() for kind in _kinds(picture)) == len(tree.roots)
        cabled = {end for end in tree.blocked if tree.layout.ports[end].peer}
        assert _words(picture).count("×") == len(cabled), seed
    assert drawn > 20


def test_what_devices_show_is_drawn_rather_than_what_is_predicted():
    network = next(n for n in map(random_network, range(20)) if not predict(n, [10])[10].unknown)
    trees = predict(network)
    seen = replace(network, devices={name: shown(network, trees, d) for name, d in network.devices.items()})
    assert "as the devices show it" in layer2(seen, 10) and "as predicted" in layer2(network, 10)


def test_names_become_words_and_no_elements():
    network = random_network(1)
    evil = Network({"<b>&": replace(network.devices["s0"], name="<b>&")})
    picture = layer2(evil, 1)
    assert "<b>&" in _words(picture) and "<b>" not in picture


def test_the_second_of_a_pair_stands_beside_the_first():
    links = [("d1", "d2"), *((d, f"a{n}") for n in range(6) for d in ("d1", "d2"))]
    rows = rows_from(["d1"], links, {name for link in links for name in link})
    assert [sorted(row) for row in rows] == [["d1", "d2"], [f"a{n}" for n in range(6)]]


def test_the_bank_is_drawn_and_exported_by_the_command_line(bank, tmp_path):
    done = clos("migrate", "show", bank, "--picture", "l3", "-o", tmp_path / "l3.svg")
    assert done.code == 0 and "core1" in _words((tmp_path / "l3.svg").read_text(encoding="utf-8"))
    done = clos("migrate", "show", bank, "--to", "netbox", "-o", tmp_path / "netbox")
    files = sorted(path.name for path in (tmp_path / "netbox").iterdir())
    assert done.code == 0 and files[0] == "01-sites.json" and any("interfaces" in name for name in files)
    assert clos("migrate", "show", bank, "--to", "netbox", "--json").data["devices"]


@pytest.mark.parametrize(
    "words", [("--picture", "l2"), ("--vlan", "10"), ("-o", "x"), ("--to", "netbox", "--picture", "l3")]
)
def test_options_that_do_not_go_together_are_named(bank, words):
    done = clos("migrate", "show", bank, *words)
    assert done.code == 2 and "Traceback" not in done.err


def test_every_object_names_only_what_is_imported_before_it(bank):
    objects = json.loads(clos("migrate", "show", bank, "--to", "netbox", "--json").out)
    names = {row["name"] for row in objects["devices"]}
    vids = {row["vid"] for row in objects["vlans"]}
    seen: set[tuple[str, str]] = set()
    for row in objects["interfaces"]:
        assert row["device"] in names
        assert row.get("untagged_vlan", 1) in vids | {1}
        for word in ("lag", "parent"):
            assert word not in row or (row["device"], row[word]) in seen, row
        seen.add((row["device"], row["name"]))
    assert all((row["device"], row["interface"]) in seen for row in objects["ip-addresses"] if "device" in row)
    assert [row["role"] for row in objects["ip-addresses"] if "hsrp" in row.get("role", "")]


def test_a_network_without_anything_has_a_site_only():
    assert {kind for kind, rows in netbox_objects(Network({})).items() if rows} == {
        "sites",
        "manufacturers",
        "device-roles",
    }
    with pytest.raises(NoPicture):
        layer3(Network({}))
