"""The demonstration's rules, spoilt by hand: one way for every claim to fail. Shown in docs/proof.md, held by tests."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from clos.controller.verify.proof.claims import WAYPOINTED
from clos.controller.verify.proof.invariants import NO_BLACK_HOLE
from tests.support.cli_run import DEMO, ROOT, clos

Rules = list[dict[str, Any]]


FIREWALL = (
    ("app2: {host: app2, ip: 10.1.2.12, labels: {resource: app}}", "fw: 10.1.2.12 on app2"),
    ("{from: web, to: app, services: [tcp/8080]}", "{from: web, to: app, services: [tcp/8080], via: fw}"),
)
"""What makes the demonstration's web servers reach the application by way of a firewall."""


class Spoilt(NamedTuple):
    """A change to rules: ``what`` was done, the claim that then fails, and how."""

    what: str
    claim: str
    change: Callable[[Rules], None]

    def intents(self, folder: Path) -> tuple[str | Path, ...]:
        """What the rules were made of, written into a folder where it is not shipped; nothing without intents."""
        if self.claim == NO_BLACK_HOLE:
            return ()
        return (firewall(folder),) if self.claim == WAYPOINTED else DEMO[:1]

    def rules(self, folder: Path) -> Path:
        """The spoilt rules, in a file."""
        return spoilt(folder, self.change, intents=(self.intents(folder) or DEMO[:1])[0])


def firewall(folder: Path) -> Path:
    """The demonstration's intents with a firewall."""
    text = (ROOT / DEMO[0]).read_text()
    for old, new in FIREWALL:
        if text.count(old) != 1:
            raise ValueError(f"{old!r} is there {text.count(old)} times")
        text = text.replace(old, new)
    path = folder / "firewall.yaml"
    path.write_text(text)
    return path


def of(rules: Rules, switch: str, table: int, **words: str) -> list[dict[str, Any]]:
    """The rules of a table whose match holds these values."""
    here = [rule for rule in rules if (rule["switch"], rule["table"]) == (switch, table)]
    return [rule for rule in here if words.items() <= rule["match"].items()]


def _last(rules: Rules) -> dict[str, Any]:
    """The rule of leaf1's policy table that refuses what no other one takes."""
    return next(rule for rule in of(rules, "leaf1", 5) if not rule["match"])


def _everything_passes(rules: Rules) -> None:
    _last(rules)["instructions"] = {"goto": 6}


def _any_sender(rules: Rules) -> None:
    for rule in of(rules, "leaf1", 1, ipv4_src="10.1.1.11"):
        del rule["match"]["ipv4_src"]


def _past_the_firewall(rules: Rules) -> None:
    for rule in of(rules, "leaf1", 5, tcp_dst="8080"):
        if "write" in rule["instructions"]:
            rule["instructions"] = {"goto": 6}


def _a_service_forgotten(rules: Rules) -> None:
    for rule in of(rules, "leaf1", 5, tcp_dst="8080"):
        rules.remove(rule)


def _a_router_that_does_not_count(rules: Rules) -> None:
    for rule in of(rules, "leaf1", 4, ipv4_dst="10.1.2.12"):
        rule["instructions"]["apply"].remove("dec_nw_ttl")


def _round_and_round(rules: Rules) -> None:
    back = {"write": ["output:IN_PORT"]}
    for spine in ("spine1", "spine2"):
        for rule in of(rules, spine, 0, vlan_vid="2"):
            rule["instructions"] = back
    match = {"vlan_vid": "2"}
    rules.append(
        {"switch": "leaf1", "table": 0, "priority": 150, "match": match, "instructions": back, "cookie": "0x0"}
    )


def _curious(rules: Rules) -> None:
    _last(rules)["instructions"] = {"apply": ["output:CONTROLLER"], "clear": True}


def _forgotten_leaf(rules: Rules) -> None:
    for spine in ("spine1", "spine2"):
        for rule in of(rules, spine, 0, vlan_vid="2"):
            rules.remove(rule)


def _another_tenants_route(rules: Rules) -> None:
    """The shop's packets to an office address are routed as the office's are, and web1's pass."""
    tenant = of(rules, "leaf1", 4, ipv4_dst="10.1.1.12")[0]["match"]["metadata"]
    desk = json.loads(json.dumps(of(rules, "leaf1", 4, ipv4_dst="10.2.0.11")[0]))
    desk["match"]["metadata"] = tenant
    target = int(desk["instructions"]["metadata"].partition("/")[0], 16) & 0xFFFF
    source = int(of(rules, "leaf1", 1, ipv4_src="10.1.1.11")[0]["instructions"]["metadata"].partition("/")[0], 16)
    passes = {"metadata": f"{source | target:#x}/0xffffffff"}
    rules.append(desk)
    rules.append({**desk, "table": 5, "priority": 40000, "match": passes, "instructions": {"goto": 6}})


def unknown(rules: Rules) -> None:
    """An action that the prover has no model of."""
    rule = next(rule for rule in of(rules, "leaf1", 4) if rule["match"].get("ipv4_dst") == "10.1.2.12")
    rule["instructions"]["apply"].insert(0, "push_mpls:0x8847")


SPOILT = (
    Spoilt("the last rule of leaf1's policy table passes what it should refuse", "policy", _everything_passes),
    Spoilt("the rule that admits web1 no longer asks for its address", "admitted", _any_sender),
    Spoilt("the shop's packets find the office's way to desk1", "isolated", _another_tenants_route),
    Spoilt("leaf1 lets tcp/8080 past the firewall", WAYPOINTED, _past_the_firewall),
    Spoilt("the rule for tcp/8080 is gone from leaf1", "reachable", _a_service_forgotten),
    Spoilt("leaf1 routes to app2 without decrementing the time to live", "faithful", _a_router_that_does_not_count),
    Spoilt("the spines and leaf1 send leaf2's frames back to each other", "loop-free", _round_and_round),
    Spoilt("leaf1 asks the controller about what no policy permits", "quiet", _curious),
    Spoilt("no spine has a rule for leaf2", "no-black-hole", _forgotten_leaf),
)


@cache
def _compiled(text: str, intents: str) -> str:
    """What the intents with this text compile to."""
    return clos("compile", intents, *DEMO[1:], "--json").out


def spoilt(folder: Path, *changes: Callable[[Rules], None], intents: str | Path = DEMO[0]) -> Path:
    """A file with the demonstration's rules in Clos's JSON, an entry to a line as Clos writes it, changed."""
    held = json.loads(_compiled((ROOT / intents).read_text(), str(intents)))
    for change in changes:
        change(held["rules"])
    path = folder / "rules.json"
    path.write_text(f'{{"format_version": 1,\n"switches": {json.dumps(held["switches"])}')
    with path.open("a") as file:
        for kind in ("rules", "groups", "meters"):
            file.write(f',\n"{kind}": [\n' + ",\n".join(map(json.dumps, held[kind])) + "]")
        file.write("\n}\n")
    return path
