"""Laws of what people and programs are told about a plan: counts, the summary line, JSON."""

import json
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from clos.controller.plan import ADD, DELETE, MODIFY, diff, ruleset_json, summary, to_json
from clos.fabric.dataplane.action import Group
from clos.fabric.dataplane.match import Match
from clos.fabric.dataplane.rule import GroupEntry, Instructions, Rule
from clos.fabric.dataplane.ruleset import Block, Placed, Ruleset
from tests.support.plan_strategies import SWITCHES, law, messages, rule, rulesets


@law
@given(rulesets(), rulesets())
def test_the_summary_counts_what_the_switches_receive(a, b) -> None:
    plan = diff(a, b)
    counted = summary(plan)
    sent = Counter(op for switch in SWITCHES for _, op, _, _ in messages(plan, switch))
    assert counted.total == (sent[ADD], sent[MODIFY], sent[DELETE])
    for switch, kind, table, counts in counted.rows:
        of_row = Counter(op for _, op, _, e in messages(plan, switch) if _row(e) == (kind, table))
        assert counts == (of_row[ADD], of_row[MODIFY], of_row[DELETE])
    assert {row.switch for row in counted.rows} == set(plan.touched)


def _row(entry: object) -> tuple[str, int]:
    if isinstance(entry, Rule):
        return "rules", entry.table
    return ("groups", -1) if isinstance(entry, GroupEntry) else ("meters", -1)


def test_the_summary_is_one_line() -> None:
    old, new = (
        Block([rule(3, 5, 1, 1), rule(3, 5, 2, 1)]),
        Block([rule(3, 5, 1, 2), rule(3, 5, 3, 1), rule(3, 5, 4, 1)]),
    )
    a, b = (Ruleset(SWITCHES, {"t": {"k": Placed(block, SWITCHES)}}) for block in (old, new))
    assert str(summary(diff(a, b))) == "Plan: 8 to add, 4 to change, 4 to delete on 4 switches in 1 batch"
    assert str(summary(diff(a, a))) == "Plan: nothing to change"


@law
@given(rulesets(), rulesets(), st.integers(0, 30))
def test_plan_json_writes_at_most_the_limit_and_counts_the_rest(a, b, limit) -> None:
    plan = diff(a, b)
    shape = json.loads(json.dumps(to_json(plan, limit)))
    pushes = [push for batch in shape["batches"] for push in batch["pushes"]]
    written = sum(len(push.get(kind, ())) for push in pushes for kind in ("rules", "groups", "meters"))
    assert shape["format_version"] == 1
    assert written == min(limit, sum(push["entries"] for push in pushes))
    assert written + shape["omitted"] == sum(push["entries"] for push in pushes)
    assert [len(push["switches"]) * push["entries"] for push in pushes] == [
        push.total for batch in plan.batches for push in batch.pushes
    ]


@law
@given(rulesets())
def test_ruleset_json_is_one_document_with_every_entry_of_every_switch_in_order(a) -> None:
    shape = json.loads("".join(ruleset_json(a)))
    assert shape["switches"] == list(a.switches)
    for switch in a.switches:
        state = a.state(switch)
        rules = [r for r in shape["rules"] if r["switch"] == switch]
        assert [(r["table"], r["priority"], int(r["cookie"], 16)) for r in rules] == [
            (r.table, r.priority, r.cookie) for r in state.rules
        ]
        assert [g["group"] for g in shape["groups"] if g["switch"] == switch] == [g.group for g in state.groups]
        assert [m["meter"] for m in shape["meters"] if m["switch"] == switch] == [m.meter for m in state.meters]


def test_a_rule_in_json_reads_as_engineers_write_it() -> None:
    match = Match.of(vlan_vid=0x1007, eth_type=0x0800, ipv4_dst=(0x0A010000, 0xFFFF0000), metadata=(0x10, 0xFF))
    one = Rule(
        4, 20, match, Instructions(write=(Group(4),), metadata=(256, 0xFF00), goto=5), 0xC105 << 48, idle_timeout=9
    )
    document = "".join(ruleset_json(Ruleset(["leaf1"], {"t": {"k": Placed(Block([one]), ("leaf1",))}})))
    assert json.loads(document)["rules"] == [
        {
            "switch": "leaf1",
            "table": 4,
            "priority": 20,
            "match": {"metadata": "16/255", "eth_type": "0x800", "vlan_vid": "7", "ipv4_dst": "10.1.0.0/16"},
            "instructions": {"write": ["group:4"], "metadata": "0x100/0xff00", "goto": 5},
            "cookie": "0xc105000000000000",
            "idle_timeout": 9,
        }
    ]
