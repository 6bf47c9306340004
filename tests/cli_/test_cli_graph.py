"""Pictures of fabrics: well-formed, complete, the same every time."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from clos.controller.cli.render.diagram import dot, mermaid
from clos.controller.cli.render.svg import svg
from clos.fabric.generate import clos as generate
from tests.support.cli_run import BANK, DEMO, clos

SVG = "{http://www.w3.org/2000/svg}"


def _texts(picture: str) -> list[str]:
    return [node.text or "" for node in ElementTree.fromstring(picture).iter(f"{SVG}text")]


@pytest.mark.parametrize("words", [DEMO, BANK], ids=["demo", "bank"])
def test_a_picture_names_every_switch_host_and_tenant_once(words: tuple[str, ...]) -> None:
    picture = clos("graph", *words).out
    fabric = clos("topology", "show", words[-1], "--json").data
    texts = _texts(picture)
    named = [row["name"] for row in (*fabric["switches"], *fabric["hosts"])]
    assert all(texts.count(name) == 1 for name in named)
    links = [
        node for node in ElementTree.fromstring(picture).iter(f"{SVG}path") if node.find(f"{SVG}title") is not None
    ]
    assert len(links) == len(fabric["links"])
    assert {"retail", "core"} <= set(texts) or {"shop", "office"} <= set(texts)


def test_everything_stands_inside_the_picture() -> None:
    root = ElementTree.fromstring(svg(generate(4, 9, borders=2, hosts_per_leaf=5, pairs=True, dual_homed=2)))
    width, height = float(root.get("width")), float(root.get("height"))
    for box in root.iter(f"{SVG}rect"):
        assert float(box.get("x", 0)) >= 0 and float(box.get("x", 0)) + float(box.get("width")) <= width
        assert float(box.get("y", 0)) >= 0 and float(box.get("y", 0)) + float(box.get("height")) <= height


def test_boxes_do_not_overlap() -> None:
    root = ElementTree.fromstring(svg(generate(3, 6, hosts_per_leaf=3, pairs=True, dual_homed=2)))
    boxes = [
        tuple(float(node.get(k)) for k in ("x", "y", "width", "height"))
        for node in root.iterfind(f".//{SVG}g/{SVG}rect")
    ]
    boxes = [box for box in boxes if box[2] > 6]
    assert len(boxes) == 3 + 6 + 18 + 6
    for i, (x, y, w, h) in enumerate(boxes):
        for a, b, c, d in boxes[:i]:
            assert x + w <= a or a + c <= x or y + h <= b or b + d <= y


def test_a_large_fabric_shows_how_many_hosts_each_leaf_has() -> None:
    assert _texts(svg(generate(8, 64, hosts_per_leaf=300))).count("300 hosts") == 64


def test_names_are_escaped() -> None:
    assert ElementTree.fromstring(svg(generate(1, 1, name="a<b&c"))) is not None


def test_text_notations_hold_every_link_and_host(tmp_path: Path) -> None:
    topology = generate(2, 4, hosts_per_leaf=2, pairs=True, dual_homed=1)
    edges = len(topology.links) + sum(len(host.ports) for host in topology.hosts.values())
    assert dot(topology).count(" -- ") == edges == mermaid(topology).count(" --- ")
    path = tmp_path / "fabric.mmd"
    assert clos("graph", "-t", "topologies/demo.yaml", "-o", path).code == 0
    assert path.read_text().startswith("flowchart TB\n")
    assert clos("graph", "-t", "topologies/demo.yaml", "-o", tmp_path / "no" / "x.svg").code == 2


@pytest.mark.parametrize("name", ["x.png", "x.pdf", "x", "x.svgz", ".svg"])
def test_a_suffix_that_names_no_notation_is_refused_and_nothing_is_written(name: str, tmp_path: Path) -> None:
    ran = clos("graph", "-t", "topologies/demo.yaml", "-o", tmp_path / name)
    assert (ran.code, ran.out) == (2, "") and ".svg, .dot, .gv, .mmd" in ran.err
    assert list(tmp_path.iterdir()) == []


def test_a_format_that_is_named_needs_no_suffix(tmp_path: Path) -> None:
    path = tmp_path / "fabric.PNG"
    assert clos("graph", "-t", "topologies/demo.yaml", "-o", path, "--format", "dot").code == 0
    assert path.read_text().startswith("graph ")
    assert clos("graph", "-t", "topologies/demo.yaml", "-o", tmp_path / "X.SVG").code == 0
