"""The pytest plugin: a user's tests on the simulated fabric, what they say when they fail, and the sample workflow."""

from __future__ import annotations

import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
import yaml

from clos.controller.explain.inputs import Inputs
from clos.controller.probe.simulated import Simulated
from clos.controller.testing.backends import OnSim
from clos.controller.testing.fabric import Fabric, NotAsAsserted
from clos.fabric.dataplane.match import ANY
from clos.fabric.dataplane.rule import Instructions, Rule
from clos.fabric.dataplane.ruleset import Block, Placed, Ruleset
from clos.lab.mininet.sandbox import PACKAGES
from tests.support.docs import demo
from tests.support.testing_repo import ROOT, repository

pytest_plugins = ["pytester"]


def test_the_ten_lines_of_the_page_are_tests(pytester: pytest.Pytester) -> None:
    repository(pytester)
    ran = pytester.runpytest("-rs", "-p", "no:cacheprovider")
    ran.assert_outcomes(passed=8, skipped=1)
    ran.stdout.fnmatch_lines(["*clos: network/topology.yaml on sim*", "*lab_only: this run is on sim*"])


def test_a_test_that_fails_tells_the_packet_the_line_and_every_table(pytester: pytest.Pytester) -> None:
    repository(pytester)
    pytester.makepyfile("def test_it(fabric): fabric.assert_isolated('shop/web', 'shop/app', 'tcp/8080')")
    ran = pytester.runpytest("-p", "no:cacheprovider", "--junitxml=told.xml", "test_a_test_that_fails_tells_the_packet_"
                             "the_line_and_every_table.py")  # fmt: skip
    ran.assert_outcomes(failed=1)
    ran.stdout.fnmatch_lines(
        [
            "*not so: shop/web cannot open tcp/8080 to shop/app (4 of 4 packets say otherwise)",
            "*shop/web1 -> shop/app1 tcp/8080: delivered",
            "*packet: 10.1.1.11 > 10.1.2.11 tcp/8080 ttl 64, sent at leaf1:11",
            "*intents: Permitted: policy web-to-app lets group web open tcp/8080 to app.",
            "*network/intents/demo.yaml:28:7  - {from: web, to: app, services: [[]tcp/8080]}",
            "*leaf1 from web1 at port 11:*",
            "*4 route    #100 tenant=shop,eth_type=0x800,ipv4_dst=10.1.2.11",
            "*delivered to app1 at *",
            "*... and 1 more",
        ]
    )
    told = {p.get("name"): p.get("value") or "" for p in ET.parse(pytester.path / "told.xml").iter("property")}
    assert told["clos.backend"] == "sim"
    assert told["clos.assert"] == "shop/web cannot open tcp/8080 to shop/app: 4 packets sent, 4 delivered"
    assert re.fullmatch(r"leaf\d:1\d [0-9a-f]+ shop/web\d -> shop/app\d tcp/8080: delivered", told["clos.witness"])


CASES = {
    "a name that stands for nobody": (
        "assert_isolated('shap', 'office')",
        "nothing is called shap; did you mean shop?",
    ),
    "oneself": ("assert_isolated('shop/web1', 'shop/web1')", "nothing would be tested"),
    "a service without a meaning": ("assert_reachable('shop/web', 'shop/app', 'http')", "http"),
    "any service": ("assert_reachable('shop/web', 'shop/app', 'any')", "name one service to try"),
    "a group as a single sender": ("probe('shop/web', 'shop/app1')", "a single probe needs one, such as shop/web1"),
}


@pytest.mark.parametrize(("asked", "answer"), CASES.values(), ids=CASES)
def test_what_cannot_be_tested_fails_and_says_why(pytester: pytest.Pytester, asked: str, answer: str) -> None:
    repository(pytester)
    for path in (pytester.path / "tests").iterdir():
        path.unlink()
    called = asked if asked.startswith("probe") else f"fabric.{asked}"
    (pytester.path / "tests/test_wrong.py").write_text(f"def test_it(fabric, probe): {called}\n")
    ran = pytester.runpytest("-p", "no:cacheprovider")
    ran.assert_outcomes(failed=1)
    assert answer in ran.stdout.str()


def test_a_group_and_an_endpoint_of_one_name_must_be_told_apart(pytester: pytest.Pytester) -> None:
    here = repository(pytester)
    intents = here / "network/intents/demo.yaml"
    intents.write_text(intents.read_text().replace("    web: {networks: [front]}", "    app1: {networks: [front]}")
                       .replace("from: web,", "from: app1,").replace("groups: [web,", "groups: [app1,"))  # fmt: skip
    (here / "tests/test_isolation.py").write_text(
        "import pytest\n"
        "def test_it(fabric):\n"
        "    assert fabric.endpoints('shop/groups/app1') == ('shop/web1', 'shop/web2')\n"
        "    assert fabric.endpoints('shop/endpoints/app1') == ('shop/app1',)\n"
        "    with pytest.raises(ValueError, match='shop/endpoints/app1 or shop/groups/app1: write one of these'):\n"
        "        fabric.endpoints('shop/app1')\n"
    )
    pytester.runpytest("-p", "no:cacheprovider", "tests/test_isolation.py").assert_outcomes(passed=1)


def test_a_leak_that_rules_have_and_intents_forbid_is_found(pytester: pytest.Pytester) -> None:
    """Isolation is asserted of the running rules: a policy that lets the office in makes the test fail."""
    here = repository(pytester)
    intents = here / "network/intents/demo.yaml"
    intents.write_text(intents.read_text().replace("services: [icmp]}", "services: [any]}", 1))
    (here / "tests/test_isolation.py").write_text(
        "def test_it(fabric): fabric.assert_isolated('shop/web', 'shop/db', 'tcp/5432')\n"
    )
    ran = pytester.runpytest("-p", "no:cacheprovider", "tests/test_isolation.py")
    ran.assert_outcomes(failed=1)
    ran.stdout.fnmatch_lines(["*policy ping lets group everyone open any to everyone*"])


def test_without_a_fabric_the_error_says_what_to_say(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("from clos.controller.testing import assert_isolated\ndef test_it(): assert_isolated('a', 'b')")
    ran = pytester.runpytest("-p", "no:cacheprovider")
    assert "which topology? Say --clos-topology=..., clos_topology in the configuration file" in ran.stdout.str()


def test_problems_in_the_intents_are_told_with_their_lines(pytester: pytest.Pytester) -> None:
    here = repository(pytester)
    intents = here / "network/intents/demo.yaml"
    intents.write_text(intents.read_text().replace("on web1", "on nobody", 1))
    ran = pytester.runpytest("-p", "no:cacheprovider", "tests/test_isolation.py")
    assert re.search(r"network/intents/demo.yaml:\d+:\d+.*nobody", ran.stdout.str())


def test_the_plugin_loads_nothing_of_clos_until_a_test_asks() -> None:
    program = (
        "import sys, clos.controller.testing.plugin\n"
        "heavy = [m for m in sys.modules if m.split('.')[0] in ('fabric', 'lab', 'os_ken', 'scapy', 'rich')]\n"
        "assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr


# ---- the sample workflow


def workflow() -> dict[str, dict[str, object]]:
    read = yaml.safe_load((ROOT / "docs/isolation.yml").read_text())
    assert set(read) == {"name", True, "permissions", "env", "jobs"}  # YAML 1.1 reads the key ``on`` as true
    assert set(read[True]) == {"pull_request", "push", "schedule", "workflow_dispatch"}
    jobs: dict[str, dict[str, object]] = read["jobs"]
    return jobs


def commands(job: dict[str, object]) -> list[str]:
    steps = job["steps"]
    assert isinstance(steps, list)
    assert all(set(step) & {"uses", "run"} for step in steps)
    return [step["run"] for step in steps if "run" in step]


def test_the_sample_workflow_runs_the_simulated_fabric_on_changes_and_real_switches_by_night() -> None:
    jobs = workflow()
    assert set(jobs) == {"sim", "lab"}
    assert jobs["sim"]["if"] == "github.event_name != 'schedule'"
    assert "schedule" in str(jobs["lab"]["if"])
    (tested,) = [line for line in commands(jobs["lab"]) if "pytest " in line]
    assert tested.startswith("sudo ") and "--clos-backend=lab" in tested
    (installed,) = [line for line in commands(jobs["lab"]) if "apt-get install" in line]
    assert set(PACKAGES) <= set(installed.split())


def test_the_sample_workflow_s_own_command_tests_the_repository_of_the_page(pytester: pytest.Pytester) -> None:
    here = repository(pytester)
    (tested,) = [line for line in commands(workflow()["sim"]) if "pytest " in line]
    program, *words = tested.split()
    assert Path(program).name == "python"
    done = subprocess.run([sys.executable, *words], cwd=here, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert (here / "isolation.xml").exists()


# ---- the fabric under test, without pytest around it


def test_rules_that_leak_are_found_though_the_intents_and_the_compiler_know_of_no_leak() -> None:
    """A switch that lost its refusal forwards what no policy permits: the packets say so, and so does the message."""
    compiled = demo()
    wanted = Inputs(compiled.topology, compiled.intent)
    noted: list[tuple[str, str]] = []
    with Simulated(compiled.topology, _leaking(compiled.ruleset)) as running:
        fabric = Fabric(wanted, compiled, OnSim(running), lambda name, value: noted.append((name, value)))
        fabric.assert_isolated("shop/web2", "shop/db", "tcp/5432")
        with pytest.raises(NotAsAsserted, match="The switches did not do what their rules say") as told:
            fabric.assert_isolated("shop/web1", "shop/db", "tcp/5432")
    assert "Denied: no policy or share permits tcp/5432 from shop/web1 to shop/db1" in str(told.value)
    assert [value.split()[2:] for name, value in noted if name == "clos.witness"]


def _leaking(ruleset: Ruleset) -> Ruleset:
    """The rules, and on leaf1 one more that lets everything past the policy table."""
    leak = Rule(5, 65535, ANY, Instructions(goto=6))
    return Ruleset(ruleset.switches, {**ruleset.parts, "leak": {"": Placed(Block([leak]), ("leaf1",))}})
