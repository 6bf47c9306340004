"""One tenant's documents replaced, the matrix of who may reach whom, intents to begin with."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from clos.controller.cli.one_tenant import with_tenant
from clos.fabric.sim.openflow.server import SimThread
from tests.support.cli_run import BANK, DEMO, ROOT, clos
from tests.support.controller_fixtures import INTENTS, NOBODY

SHOP, OFFICE, *REST = (ROOT / INTENTS).read_text().split("---\n")


def test_a_tenant_is_replaced_and_nothing_else(fabric: tuple[Path, SimThread], tmp_path: Path) -> None:
    state = ("--state", fabric[0])
    assert clos("apply", INTENTS, *state, "--yes").code == 0
    shop = tmp_path / "demo.yaml"
    shop.write_text(SHOP.replace("services: [tcp/8080]", "services: [tcp/8081]") + f"---\n{NOBODY}")
    planned = clos("plan", shop, "--tenant", "shop", *state)
    assert "tcp/8081" in planned.out and "nobody" not in planned.out
    assert clos("apply", shop, "--tenant", "shop", *state, "--yes").code == 0
    assert fabric[1].probe("shop/web1", "shop/app1", "tcp", 8081).ok
    assert fabric[1].probe("office/desk1", "office/lab1", "tcp", 22).ok
    assert clos("plan", shop, "--tenant", "shop", *state, "--detailed-exitcode").code == 0
    assert "intents/demo.yaml:" in clos("explain", *state, "--from", "desk1", "--to", "lab1", "-s", "tcp/22").out
    wrong = clos("apply", shop, "--tenant", "shpo", *state, "--yes")
    assert wrong.code == 2
    assert f"no document of tenant shpo is in {shop}; these are of nobody, shop" in wrong.err


def test_a_plan_for_one_tenant_needs_no_controller(tmp_path: Path) -> None:
    shop = tmp_path / "shop.yaml"
    shop.write_text(SHOP.replace("services: [tcp/8080]", "services: [tcp/8081]"))
    words = ("plan", shop, "--tenant", "shop", "-t", DEMO[2], "--state", tmp_path)
    found = clos(*words, "--from", INTENTS)
    assert (found.code, found.err) == (0, "")
    assert "office" not in found.out and "infra" not in found.out
    assert clos(*words).code == 2


def test_documents_of_others_keep_their_lines() -> None:
    held = {
        "all.yaml": "a: 1\n".join(
            [_named("x"), "---\n" + _named("y"), "---\n" + _named("x", "Share"), "---\n" + _named("z")]
        )
    }
    found = with_tenant(held, {"all.yaml": _named("x") + "new: 1\n---\n" + _named("y")}, "x")
    assert list(found) == ["all.yaml", "./all.yaml"]
    kept, own = found.values()
    was = held["all.yaml"].split("\n")
    assert [line for line in kept.split("\n") if line] == [*was[4:9], *was[14:-1]]
    assert all(line in ("", old) for line, old in zip(kept.split("\n"), was, strict=True))
    assert own.strip() == (_named("x") + "new: 1").strip()
    assert list(with_tenant({"x.yaml": _named("x")}, {"new.yaml": _named("x")}, "x")) == ["new.yaml"]


def _named(tenant: str, kind: str = "Tenant") -> str:
    names = f"name: {tenant}" if kind == "Tenant" else f"name: s, tenant: {tenant}"
    return f"apiVersion: clos/v1\nkind: {kind}\nmetadata: {{{names}}}\n"


def test_a_document_of_nobody_is_refused(tmp_path: Path) -> None:
    shop = tmp_path / "shop.yaml"
    shop.write_text("kind: Tenant\nspec: {}\n")
    ran = clos("plan", shop, "--tenant", "shop", "--from", INTENTS, "-t", DEMO[2], "--state", tmp_path)
    assert ran.code == 1
    assert f"{shop}:1:1: whose document this is cannot be read" in ran.err


def test_the_matrix_says_what_policies_come_to(tmp_path: Path) -> None:
    found = clos("matrix", *DEMO)
    assert (
        "shop/app  2 endpoints\n  to shop/web: icmp\n  to each other: icmp\n  to shop/db: tcp/5432, icmp\n" in found.out
    )
    rows = clos("matrix", *BANK, "--tenant", "treasury", "--json").data["reach"]
    assert {
        (row["from"], row["to"], *row["services"]) for row in rows if row["from"] == "treasury/controllers+all"
    } == {
        ("treasury/controllers+all", "management/dns+servers", "udp/53", "tcp/53"),
        ("treasury/controllers+all", "management/identity+servers", "tcp/636", "tcp/88", "udp/88"),
        ("treasury/controllers+all", "treasury/risk+all", "tcp/9001-9002"),
    }
    page = tmp_path / "m.html"
    assert clos("matrix", *DEMO, "--html", page).out == f"Wrote {page}.\n"
    cells = re.findall(r"<td[^>]*>(.*?)</td>", page.read_text())
    assert "tcp/5432, icmp" in cells and "nothing" in cells
    assert "did you mean shop?" in clos("matrix", *DEMO, "--tenant", "shp").err


def test_addresses_outside_are_rows_too(tmp_path: Path) -> None:
    text = (ROOT / INTENTS).read_text().replace("  groups:\n", OUTSIDE, 1)
    path = tmp_path / "demo.yaml"
    path.write_text(text.replace("policies:\n", "policies:\n    - {from: web, to: world, services: [tcp/443]}\n", 1))
    found = clos("matrix", path, "-t", DEMO[2])
    assert "shop/world  addresses outside\n" in found.out
    assert "to shop/world: tcp/443" in found.out


OUTSIDE = """\
  external:
    isp: {router: report, prefixes: [0.0.0.0/0]}
  groups:
    world: {cidr: 0.0.0.0/0}
"""


def test_a_deny_is_taken_out_of_what_it_stands_before(tmp_path: Path) -> None:
    words = "policies:\n    - {name: no, from: web, to: app, services: [tcp/8080], action: deny}\n"
    text = (ROOT / INTENTS).read_text().replace("policies:\n", words, 1)
    path = tmp_path / "demo.yaml"
    path.write_text(text)
    rows = clos("matrix", path, "-t", DEMO[2], "--json").data["reach"]
    assert [row["services"] for row in rows if (row["from"], row["to"]) == ("shop/web", "shop/app")] == [["icmp"]]


@pytest.mark.parametrize("topology", ["topologies/demo.yaml", "topologies/bank.yaml"])
def test_a_start_is_valid_and_permits_everything(topology: str, tmp_path: Path) -> None:
    path = tmp_path / "start.yaml"
    assert clos("init", "-t", topology, "--tenant", "lab", "-o", path).out == f"Wrote {path}.\n"
    assert clos("validate", path, "-t", topology).code == 0
    found = clos("matrix", path, "-t", topology, "--json").data
    assert [(row["from"], row["services"]) for row in found["reach"]] == [("lab/everyone else", ["any"])]
    again = clos("init", "-t", topology, "-o", path)
    assert again.code == 2 and "is there already" in again.err
    assert "has room for 1: pass a larger --subnet" in clos("init", "-t", topology, "--subnet", "10.0.0.0/30").err
