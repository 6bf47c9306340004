"""Groups of groups, exceptions, wildcards, lists in policies: who is in them."""

from __future__ import annotations

import pytest

from clos.controller.intent.importers.writing import write_intent
from clos.controller.intent.load import Loader, load_intent
from clos.controller.intent.model import Intent
from clos.controller.intent.source import Text
from clos.fabric.generate import clos

FABRIC = clos(1, 1, hosts_per_leaf=6)
TEXT = """\
apiVersion: clos/v1
kind: Tenant
metadata: {name: t}
spec:
  networks: {a: {subnet: 10.1.0.0/24}, b: {subnet: 10.2.0.0/24}}
  endpoints:
    web1: {host: h1-1, ip: 10.1.0.11, labels: {app: web-1, env: test}}
    web2: {host: h1-2, ip: 10.1.0.12, labels: {app: web-2}}
    db1: {host: h1-3, ip: 10.2.0.11, labels: {app: db.1}}
    db2: {host: h1-4, ip: 10.2.0.12, labels: {app: dbx1}}
    bare: 10.2.0.13 on h1-5
"""


SHARE = """\
apiVersion: clos/v1
kind: Share
metadata: {{name: all, tenant: t}}
spec: {{group: {group}, services: [any], to: all}}
"""


def _loaded(groups: str, policies: str = "") -> Intent:
    loaded = load_intent(Text("t.yaml", f"{TEXT}  groups: {groups}\n  policies: [{policies}]\n"), FABRIC)
    assert loaded.problems == ()
    assert loaded.intent is not None
    return loaded.intent


def _held(intent: Intent, group: str) -> str:
    tenant = intent.tenants["t"]
    return " ".join(name for name, end in tenant.endpoints.items() if tenant.groups[group].holds(end))


@pytest.mark.parametrize(
    ("selectors", "held"),
    [
        ("{labels: {app: web-*}}", "web1 web2"),
        ("{labels: {app: 'db.*'}}", "db1"),
        ("{labels: {app: '*1'}}", "web1 db1 db2"),
        ("{labels: {app: '*'}}", "web1 web2 db1 db2"),
        ("{labels: {app: [web-1, '*x*']}}", "web1 db2"),
        ("{except: {labels: {env: test}}}", "web2 db1 db2 bare"),
        ("{networks: [b], except: {labels: {app: '*'}}}", "bare"),
        ("{groups: [web, one]}", "web1 web2 db2"),
        ("{groups: [web, one], networks: [b]}", "db2"),
        ("{except: [web, one]}", "db1 bare"),
        ("{groups: [inner], except: [one]}", "web2 bare"),
        ("{groups: [everyone], except: [web]}", "db1 db2 bare"),
    ],
)
def test_a_group_holds(selectors: str, held: str) -> None:
    others = "web: {networks: [a]}, one: {endpoints: [db2, web1]}, inner: {except: [outer]}, outer: {endpoints: [db1]}"
    intent = _loaded(f"{{g: {selectors}, {others}}}")
    assert _held(intent, "g") == held
    assert load_intent(Text("again", write_intent(intent)), FABRIC).intent == intent


def test_lists_and_everyone_in_policies_are_groups() -> None:
    intent = _loaded(
        "{web: {networks: [a]}, db: {networks: [b]}}",
        "{from: [web, db, web], to: everyone, services: [any]}, {from: db, to: [db], services: [icmp]}",
    )
    first, second = intent.tenants["t"].policies
    assert (first.name, first.source, first.target) == ("db+web-to-everyone", "db+web", "everyone")
    assert (second.name, second.source, second.target) == ("db-to-db", "db", "db")
    assert _held(intent, "db+web") == _held(intent, "everyone") == "web1 web2 db1 db2 bare"
    assert load_intent(Text("again", write_intent(intent)), FABRIC).intent == intent


def test_a_group_that_is_called_everyone_is_who_it_says() -> None:
    intent = _loaded(
        "{everyone: {networks: [a]}, rest: {except: [everyone]}}", "{from: rest, to: any, services: [any]}"
    )
    assert (_held(intent, "everyone"), _held(intent, "rest")) == ("web1 web2", "db1 db2 bare")
    assert _held(intent, "any") == "web1 web2 db1 db2 bare"


def test_a_share_may_open_everyone_of_a_tenant_that_speaks_of_nobody_else() -> None:
    """And no longer once no share does: loading step by step gives what loading at once gives."""
    tenant = Text("t.yaml", TEXT)
    share = Text("s.yaml", SHARE.format(group="everyone"))
    loader = Loader()
    for sources in ((tenant,), (tenant, share), (tenant,)):
        loaded = loader.load(sources, FABRIC)
        assert loaded.problems == () and loaded.intent is not None
        assert [*loaded.intent.tenants["t"].groups] == ["everyone"] * (len(sources) - 1)
        assert loaded.intent == load_intent(sources, FABRIC).intent
    problems = load_intent((tenant, Text("s.yaml", SHARE.format(group="everybody"))), FABRIC).problems
    assert [problem.message for problem in problems] == ["unknown group everybody; did you mean everyone?"]


def test_groups_that_nobody_mentions_are_not_made() -> None:
    assert list(_loaded("{web: {networks: [a]}}").tenants["t"].groups) == ["web"]


def test_nesting_has_a_limit() -> None:
    rows = ["g0: {networks: [a]}"]
    rows += [f"g{i}: {{groups: [g{i - 1}], except: {{endpoints: [bare]}}}}" for i in range(1, 5)]
    rows += [f"h{i}: {{groups: [{f'h{i - 1}' if i else 'g1'}, {f'g{i}' if i < 5 else 'g4'}]}}" for i in range(4)]
    assert _held(_loaded(f"{{{', '.join(rows)}}}"), "h3") == "web1 web2"
    both = [f"{one}{i}: {{groups: [w{i - 1}, x{i - 1}]}}" for i in range(1, 12) for one in "wx"]
    text = f"{TEXT}  groups: {{w0: {{networks: [a]}}, x0: {{networks: [b]}}, {', '.join(both)}}}\n"
    problems = load_intent(Text("t.yaml", text), FABRIC).problems
    told = "group {} comes to more than 1,000 selections: nest less"
    assert [problem.message for problem in problems] == [told.format(name) for name in ("w9", "x9")]
