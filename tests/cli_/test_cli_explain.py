"""``explain`` and ``inspect``: what they say of policy, admission and rules agrees with what the rules do."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clos.controller.cli.sources import read
from clos.controller.compile import compile_fabric
from clos.controller.explain.inputs import Inputs
from clos.controller.explain.questions import between_ends
from clos.controller.explain.trace import Outcome, follow
from clos.controller.intent.model import Tenant
from clos.controller.intent.reach import Flow, converse, ends, passage, ruling, waypoint
from tests.support.cli_run import BANK, DEMO, ROOT, clos, edited
from tests.support.fabrics import PORTS, intents, topologies

_PORT = st.sampled_from(PORTS)
FLOWS = st.one_of(st.just(Flow(1)), st.just(Flow(47)), st.builds(Flow, st.sampled_from([6, 17, 132]), _PORT, _PORT))
WEB_TO_APP = ("--from", "web1", "--to", "app2", "--service", "tcp/8080")


@given(st.data())
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
def test_what_an_intent_permits_is_what_its_rules_deliver(data: st.DataObject) -> None:
    topology = data.draw(topologies())
    intent = data.draw(intents(topology))
    compiled = compile_fabric(intent, topology)
    people = list(ends(intent))
    for _ in range(4 if len(people) > 1 else 0):
        source, target = data.draw(st.permutations(people))[:2]
        flow = data.draw(FLOWS)
        done = follow(compiled, between_ends(Inputs(topology, intent), source, target, flow))
        decided = passage(intent, source, target, flow, topology.legacy)
        assert decided.allowed == (done.outcome is Outcome.DELIVERED), str(done.walk)
        first = waypoint(source, decided) or target
        # whom a tenant does not reach may have an address of a prefix that is behind its router: packets go there
        elsewhere = set() if decided.allowed else _routers(source.tenant, target.endpoint.ip)
        assert {topology.host_at[port] for port in done.walk.hosts} <= {first.endpoint.host, *elsewhere}


def _routers(tenant: Tenant, ip: int) -> set[str]:
    """The host of the endpoint with the longest prefix that holds the address."""
    behind = [
        (length, each.host)
        for each in tenant.everyone.values()
        for base, length in each.routes
        if (ip ^ base) >> (32 - length) == 0
    ]
    return {host for length, host in behind if length == max(behind)[0]}


def test_a_conversation_is_opened_by_one_side_only() -> None:
    intent = read(ROOT / "topologies/demo.yaml", [ROOT / "intents/demo.yaml"]).intent
    people = {str(end): end for end in ends(intent)}
    web, app, opened = people["shop/web1"], people["shop/app1"], Flow(6, 49152, 8080)
    assert converse(intent, web, app, opened)
    assert ruling(intent, app, web, opened.back()).reply
    assert not converse(intent, app, web, opened)


def test_explain_quotes_the_line_that_permits() -> None:
    ran = clos("explain", *DEMO, *WEB_TO_APP)
    assert ran.code == 0
    assert "Permitted: policy web-to-app lets group web open tcp/8080 to app." in ran.out
    assert "intents/demo.yaml:28:7  - {from: web, to: app, services: [tcp/8080]}" in ran.out
    assert "The rules agree: delivered by leaf1 -> " in ran.out


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("--from web1 --to db1 -s tcp/5432", "policy ping lets group everyone open icmp to everyone."),
        ("--from web1 --to desk1", "Tenants are isolated by default: office shares nothing with shop."),
        (
            "--from report --to dns1 -s udp/53",
            "for web and app and db, and report is in none of them.",
        ),
        ("--from dns1 --to web1 -s udp/53", "It may only reply to what shop/web1 opens:"),
        ("--from desk1 --to desk2 -s tcp/23", "policy no-telnet forbids group staff to open tcp/23 to staff."),
    ],
)
def test_explain_says_why_not(words: str, reason: str) -> None:
    ran = clos("explain", *DEMO, *words.split())
    assert ran.code == 0
    assert reason in ran.out and "The rules agree: dropped at leaf" in ran.out


def test_explain_names_the_address_that_admission_does_not_know() -> None:
    frame = clos("trace", *DEMO, *WEB_TO_APP, "--json").data["packet"]["hex"]
    forged = frame.replace("0a01010b", "0a01010c", 1)
    ran = clos("explain", *DEMO, "--in", "leaf1:11", "--packet", forged)
    assert "dropped at leaf1 admit, table 1: no rule matched" in ran.out
    assert "Not sent by shop/web1: ipv4_src is 10.1.1.12 and not 10.1.1.11." in ran.out


def test_every_rule_of_the_bank_is_explained_by_its_line() -> None:
    for switch in ("leaf3", "border1", "spine1"):
        rules = clos("inspect", *BANK, "--switch", switch, "--json").data["rules"]
        assert rules and all(rule["origin"]["path"].startswith(("tenants.", "shares.", "topology.")) for rule in rules)
        assert all(Path(rule["origin"]["file"]).exists() for rule in rules if rule["origin"]["file"])
    rule = next(rule for rule in rules if rule["table"] == 0)
    assert clos("explain", *BANK, "--rule", rule["name"], "--json").data["rule"]["cookie"] == rule["cookie"]


def test_a_cookie_leads_to_all_its_rules() -> None:
    why = clos("inspect", *DEMO, "--switch", "leaf1", "--endpoint", "app1", "--json").data["rules"][0]["cookie"]
    data = clos("explain", *DEMO, "--cookie", why, "--json").data
    assert data["origin"]["path"] == "tenants.shop.endpoints.app1" and data["origin"]["line"] == 17
    compiled = clos("compile", *DEMO, "--json").data["rules"]
    assert sum(rule["cookie"] == why for rule in compiled) == len(data["rules"])
    assert clos("explain", *DEMO, "--cookie", "0xc105").code == 1


def test_inspect_filters_by_table_and_endpoint() -> None:
    whole = clos("inspect", *DEMO, "--switch", "leaf1", "--json").data
    by_table = [clos("inspect", *DEMO, "-s", "leaf1", "--table", str(t), "--json").data["rules"] for t in range(8)]
    assert [rule for rules in by_table for rule in rules] == whole["rules"]
    assert whole["groups"] and whole["meters"]
    assert clos("inspect", *DEMO, "-s", "leaf1", "--table", "policy", "--json").data["rules"] == by_table[5]


def test_a_rule_that_does_not_exist_is_a_usage_error(tmp_path: Path) -> None:
    assert clos("explain", *DEMO, "--rule", "leaf1/5/9999").code == 2
    assert clos("explain", *DEMO, "--rule", "leaf9/5/1").code == 2
    assert clos("inspect", *DEMO, "-s", "leaf1", "--table", "9").code == 2
    assert clos("explain", edited(tmp_path, "tcp/8080", "tcp/8081"), *DEMO[1:], *WEB_TO_APP).out.count("Denied") == 1


def test_explain_quotes_the_line_that_names_a_share() -> None:
    ran = clos("explain", *DEMO, "--from", "web1", "--to", "infra/dns1", "-s", "udp/53")
    assert "intents/demo.yaml:70:1  metadata: {name: dns, tenant: infra}" in ran.out
