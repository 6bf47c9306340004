"""Warnings of ``clos validate``: policies that never match, by line; those that do match are left alone."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clos.controller.analysis.unmatched_policies import CLIENT_PORTS, unmatched
from clos.controller.intent.model import Intent, Policy, Service
from clos.controller.intent.reach import End, Flow, ends, ruling
from tests.support.cli_run import DEMO, ROOT, Ran, clos
from tests.support.fabrics import intents, topologies

HEAD = """\
apiVersion: clos/v1
kind: Tenant
metadata: {name: red}
spec:
  networks: {n: {subnet: 10.0.0.0/24}, m: {subnet: 10.0.1.0/24}}
  endpoints: {a: 10.0.0.10 on web1, b: 10.0.1.20 on app1, c: 10.0.1.30 on app2}
  groups: {web: {networks: [n]}, app: {networks: [m]}, b: {endpoints: [b]}, all: {networks: [n, m]}}
  policies:
"""


def validated(folder: Path, *policies: str, strict: bool = False) -> Ran:
    path = folder / "red.yaml"
    path.write_text(HEAD + "".join(f"    - {{{policy}}}\n" for policy in policies))
    return clos("validate", path, "-t", ROOT / "topologies/demo.yaml", *(["--strict"] if strict else []))


WARNED = {
    "an allow of everything before it": (
        ("name: all, from: all, to: all, services: [any]", "name: one, from: web, to: app, services: [tcp/443]"),
        "10:7: spec.policies[1]: policy one never matches: allow all (line 9) takes all of its packets",
    ),
    "a deny after the allow that it was an exception to": (
        ("from: web, to: app, services: [tcp]", "name: no, from: web, to: b, services: [tcp/23], action: deny"),
        "10:7: spec.policies[1]: policy no never matches: allow web-to-app (line 9) takes all of its packets",
    ),
    "several together": (
        (
            "name: low, from: web, to: app, services: [tcp/1-1000]",
            "name: high, from: web, to: app, services: [tcp/1001-65535]",
            "name: some, from: web, to: app, services: [tcp/900-1100]",
        ),
        "policy some never matches: allow low (line 9) and allow high (line 10) take all of its packets",
    ),
    "one service of two": (
        ("from: web, to: app, services: [tcp/80]", "name: two, from: web, to: app, services: [udp/53, tcp/80]"),
        "tcp/80 of policy two never matches: allow web-to-app (line 9) takes all of its packets",
    ),
    "the other direction, closed by a deny of everything": (
        (
            "name: wall, from: app, to: web, services: [any], action: deny",
            "name: half, from: web, to: app, services: [tcp/443]",
        ),
        "policy half never matches: deny wall (line 9) takes all of its packets",
    ),
    "a reply that an earlier deny stops": (
        (
            "name: wall, from: app, to: web, services: [tcp/1024-65535], action: deny",
            "name: half, from: web, to: app, services: [tcp/443]",
        ),
        "policy half hardly ever matches: deny wall (line 9) takes all of its packets that clients send",
    ),
    "one endpoint alone": (
        ("name: self, from: b, to: b, services: [tcp/443]",),
        "9:7: spec.policies[0]: policy self never matches: groups b and b hold one endpoint, the same",
    ),
}


@pytest.mark.parametrize(("policies", "warning"), WARNED.values(), ids=WARNED)
def test_a_policy_that_never_matches_is_a_warning(tmp_path: Path, policies: tuple[str, ...], warning: str) -> None:
    ran = validated(tmp_path, *policies)
    assert ran.code == 0
    assert ran.out.count("warning: ") == 1 and warning in ran.out.replace("\n", " "), ran.out
    assert ran.out.startswith(f"warning: {tmp_path}/red.yaml:") and ran.out.endswith("; 1 warning.\n")
    assert validated(tmp_path, *policies, strict=True).code == 1


FINE = {
    "an exception before its rule": (
        "name: no, from: web, to: app, services: [tcp/23], action: deny",
        "from: web, to: app, services: [tcp]",
    ),
    "all but some of it": ("from: web, to: b, services: [any]", "from: web, to: app, services: [tcp/443]"),
    "the other direction": ("from: web, to: app, services: [tcp/443]", "from: app, to: web, services: [tcp/443]"),
    "a range that is not quite covered": (
        "name: low, from: web, to: app, services: [tcp/1-1000]",
        "name: some, from: web, to: app, services: [tcp/900-1001]",
    ),
}


@pytest.mark.parametrize("policies", FINE.values(), ids=FINE)
def test_a_policy_that_matches_is_none(tmp_path: Path, policies: tuple[str, ...]) -> None:
    ran = validated(tmp_path, *policies, strict=True)
    assert (ran.code, ran.out.count("warning")) == (0, 0), ran.out


def test_shipped_intents_have_no_warnings_and_json_lists_them(tmp_path: Path) -> None:
    assert clos("validate", *DEMO, "--strict", "--json").data["warnings"] == []
    path = tmp_path / "red.yaml"
    path.write_text(f"{HEAD}    - {{name: self, from: b, to: b, services: [tcp/443]}}\n")
    data = clos("validate", path, "-t", ROOT / "topologies/demo.yaml", "--json").data
    assert data["valid"] is True
    (row,) = data["warnings"]
    assert (row["file"], row["line"], row["path"]) == (str(path), 9, "spec.policies[0]")


def test_one_of_each_is_told_as_one(tmp_path: Path) -> None:
    ran = validated(tmp_path, "from: web, to: b, services: [tcp/443]")
    assert ran.out == "Valid on demo: 1 tenant, 2 networks, 3 endpoints, 4 groups, 1 policy, 0 shares.\n"


# ---- the law


def opened(policy: Policy, intent: Intent) -> list[Flow]:
    """Flows of a policy's services on all edges of services there are, from where clients open them and elsewhere."""
    named = [s for t in intent.tenants.values() for p in t.policies for s in p.services]
    edges = sorted(
        {p for s in named if s.first is not None for p in (s.first - 1, s.first, s.last or 0, (s.last or 0) + 1)}
    )
    ports = [*(edge for edge in edges if 0 <= edge <= 0xFFFF), 0, CLIENT_PORTS[0], 0xFFFF]
    protos = {1, 6, 17, 132, 47, 253, *(s.proto for s in named if s.proto is not None)}
    return [
        flow
        for proto in protos
        for flow in ([Flow(proto, a, b) for a, b in product(ports, ports)] if proto in (6, 17, 132) else [Flow(proto)])
        if any(_is(service, flow) for service in policy.services)
    ]


def _is(service: Service, flow: Flow) -> bool:
    first, last = service.first, service.last
    ported = first is None or last is None or first <= (flow.target_port or 0) <= last
    return service.proto in (None, flow.proto) and ported


def decides(policy: Policy, people: list[End], flows: list[Flow], intent: Intent) -> bool:
    pairs = [(a, b) for a in people for b in people if a.endpoint is not b.endpoint]
    held = [(a, b) for a, b in pairs if a.within(policy.source) and b.within(policy.target)]
    return any(ruling(intent, a, b, flow).by is policy for a, b in held for flow in flows)


@given(st.data())
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_a_policy_is_warned_of_if_and_only_if_it_decides_no_packet(data: st.DataObject) -> None:
    intent = data.draw(intents(data.draw(topologies())))
    found = {(one.tenant, one.place): one for one in unmatched(intent) if one.service is None}
    for tenant in intent.tenants.values():
        people = [end for end in ends(intent) if end.tenant is tenant]
        for place, policy in enumerate(tenant.policies):
            one = found.get((tenant.name, place))
            flows = opened(policy, intent)
            if one is not None and one.clients:
                flows = [flow for flow in flows if flow.source_port == CLIENT_PORTS[0]]
            assert decides(policy, people, flows, intent) is (one is None), (policy, one)
