"""Lists of ports, names of services, tunnels; what is written and not in force; notes for people."""

from __future__ import annotations

import pytest

from clos.controller.explain.policy_reasons import because, speaks
from clos.controller.intent.importers.writing import write_intent
from clos.controller.intent.load import Loader, load_intent
from clos.controller.intent.model import Intent, Service
from clos.controller.intent.reach import Flow, ends, ruling
from clos.controller.intent.source import Text
from clos.fabric.generate import clos

FABRIC = clos(1, 1, hosts_per_leaf=8)
TENANT = """\
apiVersion: clos/v1
kind: Tenant
metadata: {{name: {name}}}
spec:
  networks: {{a: {{subnet: 10.{number}.0.0/24}}}}
  endpoints: {{x: 10.{number}.0.5 on h1-{number}, y: 10.{number}.0.6 on h1-{other}}}
  services: {{web: [tcp/80,443], tunnels: [gre, esp, udp/500,4500]}}
  groups: {{g: {{networks: [a]}}, one: {{endpoints: [x]}}}}
  policies: [{policies}]
  imports: [{imports}]
"""
SHARE = """\
---
apiVersion: clos/v1
kind: Share
metadata: {name: s, tenant: red}
spec: {group: g, services: [web, icmp], to: [blue], ticket: CHG-3%s}
"""


def _tenant(policies: str = "", name: str = "red", number: int = 1, imports: str = "") -> str:
    return TENANT.format(name=name, number=number, other=number + 2, policies=policies, imports=imports)


def _intent(*texts: str) -> Intent:
    loaded = load_intent([Text(f"{i}.yaml", text) for i, text in enumerate(texts)], FABRIC)
    assert loaded.problems == ()
    assert loaded.intent is not None
    return loaded.intent


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("[tcp/80,443]", "tcp/80 tcp/443"),
        ("['tcp/80,443, 8000-8005', icmp]", "tcp/80 tcp/443 tcp/8000-8005 icmp"),
        ("[udp/53, 123, tcp, esp]", "udp/53 udp/123 tcp esp"),
        ("[web, tunnels]", "tcp/80 tcp/443 gre esp udp/500 udp/4500"),
        ("[gre, ip/47, ip/89]", "gre gre ip/89"),
    ],
)
def test_services_come_to(written: str, said: str) -> None:
    intent = _intent(_tenant(f"{{from: g, to: g, services: {written}}}"))
    policy = intent.tenants["red"].policies[0]
    assert " ".join(map(str, policy.services)) == said
    assert _intent(write_intent(intent)) == intent


def test_a_share_may_use_the_names_of_its_tenant() -> None:
    loader = Loader()
    red, blue = _tenant(), _tenant(name="blue", number=2, imports="{tenant: red, share: s, groups: [g]}")
    texts = [Text("red", red), Text("share", SHARE % ""), Text("blue", blue)]
    first = loader.load(texts, FABRIC).intent
    assert first.shares["red", "s"].services == (Service(6, 80, 80), Service(6, 443, 443), Service(1))
    assert loader.load(texts, FABRIC).intent.shares["red", "s"] is first.shares["red", "s"]
    texts[0] = Text("red", red.replace("[tcp/80,443]", "[tcp/8080]"))
    later = loader.load(texts, FABRIC).intent
    assert later.shares["red", "s"].services == (Service(6, 8080, 8080), Service(1))
    assert _intent(write_intent(later)) == later


def test_what_is_disabled_has_no_effect_and_is_told() -> None:
    rows = "{from: one, to: g, services: [tcp], enabled: false, ticket: CHG-1}, {from: g, to: g, services: [icmp]}"
    intent = _intent(_tenant(rows))
    x, y = ends(intent)
    assert not ruling(intent, x, y, Flow(6, 1024, 22)).allowed
    told = "\n".join(map(str, because(intent, x, y, Flow(6, 1024, 22), ruling(intent, x, y, Flow(6, 1024, 22)))))
    assert "Not in force (enabled: false): policy one-to-g lets group one open tcp to g (ticket CHG-1)." in told
    without = _intent(_tenant("{from: g, to: g, services: [icmp]}"))
    assert intent == without


@pytest.mark.parametrize(("share", "wish"), [("", ""), (", enabled: false", ""), ("", ", enabled: false")])
def test_a_share_takes_effect_while_both_are_enabled(share: str, wish: str) -> None:
    blue = _tenant(name="blue", number=2, imports=f"{{tenant: red, share: s, groups: [g]{wish}}}")
    intent = _intent(_tenant() + SHARE % share, blue)
    assert len(intent.agreed) == (not share and not wish)
    assert _intent(write_intent(intent)) == intent
    assert speaks(intent.shares["red", "s"]).endswith("of group g to blue (ticket CHG-3)")


def test_what_an_import_denies_no_share_permits() -> None:
    wishes = "{tenant: red, share: s, groups: [one], deny: [web]}, {tenant: red, share: t, groups: [g]}"
    shares = SHARE % "" + SHARE.replace("name: s", "name: t").replace("to: [blue]", "to: all, except: [green]") % ""
    green = _tenant(name="green", number=5)
    intent = _intent(_tenant() + shares, _tenant(name="blue", number=2, imports=wishes), green)
    (x, y), (one, other) = ([end for end in ends(intent) if end.tenant.name == name] for name in ("red", "blue"))
    https, http = Flow(6, 1024, 443), Flow(6, 1024, 8080)
    assert [ruling(intent, who, x, https).allowed for who in (one, other)] == [False, True]
    assert [ruling(intent, x, who, https.back()).allowed for who in (one, other)] == [False, True]
    assert ruling(intent, one, y, Flow(1)).allowed
    assert not ruling(intent, other, y, http).allowed
    decided = ruling(intent, one, x, https)
    told = "\n".join(map(str, because(intent, one, x, https, decided)))
    assert "Denied: an import of share s of tenant red denies it." in told
    assert f"{intent.tenants['blue'].imports[0].where}" in told
    assert intent.shares["red", "t"].offers_to("blue")
    assert not intent.shares["red", "t"].offers_to("green")
    assert _intent(write_intent(intent)) == intent


def test_notes_are_no_part_of_an_intent_and_are_written() -> None:
    row = '{{from: g, to: g, services: [icmp], ticket: CHG-{}, description: "it\'s: \\nso"}}'
    one, other = (_intent(_tenant(row.format(number))) for number in (1, 2))
    assert one == other
    again = _intent(write_intent(other)).tenants["red"].policies[0]
    assert (again.ticket, again.description) == ("CHG-2", "it's: \nso")
