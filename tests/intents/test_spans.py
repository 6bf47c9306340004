"""Ranges, protocols and "any" where a service is asked about: every part gets its own answer, none is a sample's."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clos.controller.cli.sources import read
from clos.controller.intent.model import Service
from clos.controller.intent.reach import Flow, ends, passage
from clos.controller.intent.spans import LAST_PORT, WITH_PORTS, parts
from clos.controller.probe.packets import each_kind
from clos.controller.probe.simulated import Simulated
from clos.controller.testing.backends import OnSim
from clos.controller.testing.fabric import Fabric, NotAsAsserted
from clos.controller.testing.names import Unknown
from tests.support.cli_run import DEMO, Ran, clos
from tests.support.fabrics import intents, topologies

INTENT = """\
apiVersion: clos/v1
kind: Tenant
metadata: {name: red}
spec:
  networks: {n: {subnet: 10.0.0.0/24}, m: {subnet: 10.0.1.0/24}}
  endpoints: {a: 10.0.0.10 on web1, b: 10.0.1.20 on app1}
  groups: {left: {networks: [n]}, right: {networks: [m]}}
  policies:
    - {name: not-these, from: left, to: right, services: [tcp/8100, udp/53], action: deny}
    - {name: some, from: left, to: right, services: [tcp/8095-8105, udp/50-60, ip/47]}
    - {name: back, from: right, to: left, services: [tcp/9000]}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "red.yaml"
    path.write_text(INTENT)
    return path


def explained(file: Path, service: str, *more: str) -> Ran:
    return clos("explain", file, "-t", DEMO[-1], "--from", "red/a", "--to", "red/b", "-s", service, *more)


def test_explain_answers_for_every_part_of_a_range(file: Path) -> None:
    ran = explained(file, "tcp/8090-8110")
    assert ran.code == 0
    lines = ran.out.splitlines()
    assert lines[0].endswith(": tcp/8090-8110")
    heads = [line for line in lines if line.endswith(":") and line.startswith("tcp")]
    assert heads == ["tcp/8090-8094 and tcp/8106-8110:", "tcp/8095-8099 and tcp/8101-8105:", "tcp/8100:"]
    assert "Denied: policy not-these forbids group left to open tcp/8100 and udp/53 to right." in ran.out
    assert "red.yaml:9:7" in ran.out and "red.yaml:10:7" in ran.out
    assert ran.out.count("The rules agree") == 3


def test_explain_in_json_is_yes_or_no_only_where_every_part_is(file: Path) -> None:
    mixed = explained(file, "tcp/8090-8110", "--json").data
    assert mixed["permitted"] is None and mixed["agree"] is True
    assert [(row["services"], row["permitted"]) for row in mixed["parts"]] == [
        (["tcp/8090-8094", "tcp/8106-8110"], False),
        (["tcp/8095-8099", "tcp/8101-8105"], True),
        (["tcp/8100"], False),
    ]
    for service, permitted in (("tcp/8101-8104", True), ("tcp/1-80", False), ("icmp", False), ("gre", True)):
        data = explained(file, service, "--json").data
        assert (data["permitted"], len(data["parts"])) == (permitted, 1), service


def test_explain_of_a_protocol_and_of_any_covers_all_of_it(file: Path) -> None:
    tcp = explained(file, "tcp", "--json").data["parts"]
    assert [row["services"] for row in tcp] == [
        ["tcp/0-8094", "tcp/8106-65535"],
        ["tcp/8095-8099", "tcp/8101-8105"],
        ["tcp/8100"],
    ]
    anything = explained(file, "any", "--json").data["parts"]
    assert {service for row in anything for service in row["services"]} == {
        "icmp", "tcp/0-8094", "tcp/8095-8099", "tcp/8100", "tcp/8101-8105", "tcp/8106-65535", "gre", "sctp",
        "udp/0-49", "udp/50-52", "udp/53", "udp/54-60", "udp/61-65535", "every other protocol",
    }  # fmt: skip


@pytest.mark.parametrize("service", ["tcp/8090-8110", "tcp", "any"])
def test_a_trace_is_one_packet_and_refuses_more(file: Path, service: str) -> None:
    ran = clos("trace", file, "-t", DEMO[-1], "--from", "red/a", "--to", "red/b", "-s", service)
    assert ran.code == 2 and f"--service {service}: name one packet's service" in ran.err


def test_probe_tries_both_sides_of_every_edge_of_a_range(file: Path) -> None:
    words = ("probe", file, "-t", DEMO[-1], "--from", "red/a", "--to", "red/b", "--json", "-s")
    rows = clos(*words, "tcp/8090-8110").data["probes"]
    assert {row["service"]: row["delivered"] for row in rows} == {
        f"tcp/{port}": port in {8095, 8099, 8101, 8105}
        for port in (8090, 8094, 8095, 8099, 8100, 8101, 8105, 8106, 8110)
    }
    assert {"tcp/64999", "tcp/8100", "tcp/8101"} <= {row["service"] for row in clos(*words, "tcp").data["probes"]}
    kinds = {row["service"] for row in clos(*words, "any").data["probes"]}
    assert {"icmp", "gre", "udp/53", "tcp/8095"} <= kinds


def test_assertions_of_the_plugin_are_about_the_whole_range(file: Path) -> None:
    wanted = read(Path(DEMO[-1]), [file])
    compiled = wanted.compiled()
    with Simulated(wanted.topology, compiled.ruleset) as running:
        fabric = Fabric(wanted, compiled, OnSim(running), lambda name, value: None)
        fabric.assert_reachable("red/a", "red/b", "tcp/8101-8105")
        for wrong in ("tcp/8095-8105", "tcp", "udp/50-60"):  # the ends pass, what is between them does not
            with pytest.raises(NotAsAsserted):
                fabric.assert_reachable("red/a", "red/b", wrong)
        for wrong in ("tcp/8000-8200", "tcp"):  # and the other way round
            with pytest.raises(NotAsAsserted):
                fabric.assert_isolated("red/a", "red/b", wrong)
        for several in ("tcp/8101-8105", "tcp"):
            with pytest.raises(Unknown, match="a probe is one packet"):
                fabric.probe("red/a", "red/b", several)


_RANGES = st.tuples(st.sampled_from(WITH_PORTS), st.integers(1, LAST_PORT), st.integers(1, LAST_PORT)).map(
    lambda row: Service(row[0], min(row[1:]), max(row[1:]))
)


@given(st.data())
@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
def test_parts_are_the_whole_service_once_each_with_its_own_ruling(data: st.DataObject) -> None:
    intent = data.draw(intents(data.draw(topologies())))
    people = list(ends(intent))
    if len(people) < 2:
        return
    source, target = data.draw(st.permutations(people))[:2]
    service = data.draw(_RANGES)
    found = parts(intent, source, target, service, 50_000)
    spans = sorted((span.service.first or 0, span.service.last or 0, part) for part in found for span in part.spans)
    assert (spans[0][0], spans[-1][1]) == (service.first, service.last)
    assert all(one[1] + 1 == other[0] for one, other in pairwise(spans))
    named = {port for s in each_kind(intent, service) for port in (s.first, data.draw(st.integers(*service[1:])))}
    for port in named:
        flow = Flow(service.proto or 0, 50_000, port)
        (part,) = (part for first, last, part in spans if first <= (port or 0) <= last)
        assert part.decided == passage(intent, source, target, flow)
