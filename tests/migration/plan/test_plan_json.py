"""plan.json gives back the plan that was written, and nothing else passes for one."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from clos.controller.migrate.plan import model as m
from clos.controller.migrate.plan.plan_json import BadPlan, plan_text, read_plan
from tests.migration.plan.sample import PLAN, STEP


def test_a_plan_that_was_written_is_read_back_as_it_was() -> None:
    assert read_plan(plan_text(PLAN)) == PLAN
    assert plan_text(read_plan(plan_text(PLAN))) == plan_text(PLAN)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda plan: plan.update(format=2), "format: 2, this version reads format 1"),
        (lambda plan: plan.pop("format"), "format: None"),
        (lambda plan: plan.update(colour="red"), "colour: a plan has no such key; take it out"),
        (lambda plan: plan["phases"][0]["steps"][0].update(colour="red"), "steps.0.colour: a plan has no such key"),
        (lambda plan: plan.pop("digest"), "digest: this key lacks; run clos migrate plan again"),
        (lambda plan: plan["phases"][0]["steps"][0].update(vlan="ten"), "phases.0.steps.0.vlan"),
        (lambda plan: plan["phases"][0]["steps"][0]["checks"][0].update(kind="luck"), "'luck' is no kind of check"),
        (lambda plan: plan["phases"][0]["steps"][0]["checks"][0].update(device=None), "needs device"),
        (lambda plan: plan["phases"][0]["steps"].append(plan["phases"][0]["steps"][0]), "several steps have the id"),
        (lambda plan: plan["phases"].append(plan["phases"][0]), "several steps"),
        (lambda plan: plan["phases"][0]["steps"][0]["speakers"]["hsrp"][0].update(address="10.0.0"), "address"),
    ],
)
def test_what_is_no_plan_is_refused_with_its_place(change: Any, words: str) -> None:
    document = json.loads(plan_text(PLAN))
    change(document)
    with pytest.raises(BadPlan) as told:
        read_plan(json.dumps(document), "bank/plan.json")
    assert words in str(told.value)
    assert str(told.value).startswith("bank/plan.json: ")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "not JSON"),
        ("[]", "format: None"),
        ("null", "format: None"),
        ("{", "not JSON"),
        ('{"format": true}', "format: True"),
        ("[" * 100_000, "stand too deep in one another"),
        (f'{{"format": 1, "name": {"9" * 5000}}}', "a number that is too large"),
        (f'{{"format": {"9" * 5000}}}', "a number that is too large"),
    ],
)
def test_what_is_not_even_json_is_refused(text: str, words: str) -> None:
    with pytest.raises(BadPlan) as told:
        read_plan(text)
    assert words in str(told.value) and "clos migrate plan again" in str(told.value)
    assert "recursion" not in str(told.value) and "conversion" not in str(told.value)


def test_every_kind_of_check_reads_as_a_sentence() -> None:
    for kind in m.CHECKS:
        check = m.Check(kind, device="d", port="p", vlan=1, subject="s", expect=("a", "b"))
        assert "{" not in str(check)


def test_phases_stand_in_the_order_of_their_numbers() -> None:
    first, second = m.Phase(1, "a", "a", "a"), m.Phase(2, "b", "b", "b", (STEP,))
    assert replace(PLAN, phases=(first, second)).phases
    with pytest.raises(ValueError, match="order"):
        replace(PLAN, phases=(second, first))
