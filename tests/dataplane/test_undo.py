"""Laws of taking changes back: whatever was noted and changed is as it was, counters included."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from clos.fabric.dataplane.action import Group, Output
from clos.fabric.dataplane.match import Match
from clos.fabric.dataplane.rule import Bucket, GroupEntry, Instructions, Rule
from clos.fabric.dataplane.switch import Selection, SwitchModel
from clos.fabric.dataplane.undo import Undo
from clos.fabric.errors import SwitchError
from tests.support.plan_strategies import law

MATCHES = [Match.of(eth_dst=n) for n in (1, 2)]
changes = st.lists(st.tuples(st.sampled_from("arR gGd"), st.integers(0, 3), st.integers(0, 3)), max_size=25)
"""Rules added, with and without counters kept, and removed; groups added, modified, deleted."""


def rule(where: int, what: int, flags: int = 0) -> Rule:
    act = Group(what) if what else Output(9)
    return Rule(where & 1, 7, MATCHES[where >> 1], Instructions(apply=(act,)), what, flags=flags)


def change(model: SwitchModel, undo: Undo | None, kind: str, where: int, what: int) -> None:
    """One change, noted first; what the switch refuses changes nothing."""
    entry = GroupEntry(where + 1, "select", (Bucket((Output(what + 1),)),))
    try:
        if kind in "aR":
            new = rule(where, what, 4 if kind == "R" else 0)
            if undo is not None:
                undo.rule(*new.key)
            model.add(new, float(where))
        elif kind == "r":
            if undo is not None:
                undo.rule(*rule(where, what).key)
            model.delete(Selection(where & 1, MATCHES[where >> 1], 7))
        elif kind != " ":
            if undo is not None:
                undo.group(entry.group)
            {"g": model.add_group, "G": model.modify_group, "d": lambda e: model.delete_group(e.group)}[kind](entry)
    except SwitchError:
        pass


def everything(model: SwitchModel) -> object:
    rules = sorted(model.rules(), key=repr)
    uses = {use: n for use, n in model._uses.items() if n}
    return model.state(), uses, model.counts.groups, {repr(r): model.counts.rule(r) for r in rules}, len(rules)


@law
@given(changes, changes)
def test_what_is_taken_back_is_as_it_was(before, then) -> None:
    model = SwitchModel(ports=set(range(1, 10)))
    for one in before:
        change(model, None, *one)
    for number, held in enumerate(model.rules()):
        model.counts._rules.setdefault(id(held), model.counts.rule(held)).add(1, number + 60, 5.0)
    was = everything(model)
    undo = Undo(model)
    for one in then:
        change(model, undo, *one)
    undo.back()
    assert everything(model) == was


def test_a_group_taken_back_has_the_rules_that_went_with_it() -> None:
    model = SwitchModel(ports={9})
    model.add_group(GroupEntry(1, "select", (Bucket((Output(9),)),)))
    model.add(rule(0, 1))
    undo = Undo(model)
    undo.group(1)
    assert model.delete_group(1) == (rule(0, 1),)
    undo.back()
    assert (len(model.groups), list(model.rules()), model.group_users(1)) == (1, [rule(0, 1)], 1)
