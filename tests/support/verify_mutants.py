"""Mutants: compiled rules with something changed, by the kind of change."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from clos.fabric.dataplane.action import (
    IN_PORT,
    Action,
    DecNwTtl,
    Group,
    Move,
    Output,
    PopVlan,
    PushVlan,
    SetField,
)
from clos.fabric.dataplane.match import BadMatch, Match
from clos.fabric.dataplane.rule import ALL, FAST_FAILOVER, SELECT, Bucket, GroupEntry, Rule
from clos.fabric.dataplane.ruleset import Block, SwitchState, state_of
from clos.fabric.topology import Topology

ROUTER = 0x02C105000001

States = dict[str, SwitchState]


def mutant(states: States, topology: Topology, dice: Random) -> tuple[str, States]:
    """The states with one change on one switch, and what it was. No two rules of a priority then overlap and differ."""
    while True:
        made = _changed(states, topology, dice, dice.choice(_CHANGES))
        if made is not None:
            return made


def mutation(states: States, topology: Topology, dice: Random, kind: str) -> tuple[str, States] | None:
    """The same for a change of one of the ``KINDS``; None when these states have nothing to change in this way."""
    for _ in range(20):
        many = dice.randint(2, 4) if kind == SEVERAL else 1
        said, found = [], states
        for _ in range(many):
            made = _changed(found, topology, dice, dice.choice(KINDS[dice.choice(list(KINDS)) if many > 1 else kind]))
            if made is not None:
                said.append(made[0])
                found = made[1]
        if found != states:
            return "; ".join(said), found
    return None


def _changed(states: States, topology: Topology, dice: Random, change: Change) -> tuple[str, States] | None:
    name = dice.choice([name for name, state in states.items() if state.rules] or list(states))
    if not states[name].rules:
        return None
    made = change(states[name], topology.ports[name], dice)
    if made is None or made[1] == states[name] or _ties(made[1]) or _rounds(made[1].groups):
        return None
    return f"{name}: {made[0]}", {**states, name: made[1]}


Made = tuple[str, SwitchState] | None
Change = Callable[[SwitchState, tuple[int, ...], Random], Made]


def _with(state: SwitchState, old: Rule | None, new: Rule | None, what: str) -> Made:
    rules = {rule.key: rule for rule in state.rules if rule is not old}
    if new is not None:
        rules[new.key] = new
    return f"{what}: {old} => {new}", state_of([Block(rules.values(), state.groups, state.meters)])


def _delete(state: SwitchState, ports: tuple[int, ...], dice: Random) -> Made:
    return _with(state, dice.choice(state.rules), None, "delete")


def _duplicate(state: SwitchState, ports: tuple[int, ...], dice: Random) -> Made:
    rule = dice.choice(state.rules)
    other = dice.choice([each for each in state.rules if each.table == rule.table])
    return _with(state, None, rule._replace(priority=rule.priority + 7, instructions=other.instructions), "duplicate")


def _other_action(state: SwitchState, ports: tuple[int, ...], dice: Random) -> Made:
    rule = dice.choice(state.rules)
    other = dice.choice([each for each in state.rules if each.table == rule.table])
    return _with(state, rule, rule._replace(instructions=other.instructions), "other action")


def _rematch(state: SwitchState, rule: Rule, terms: list[tuple[str, int, int | None]], what: str) -> Made:
    try:
        return _with(state, rule, rule._replace(match=Match.checked(terms)), what)
    except BadMatch:
        return None


def _widen(state: SwitchState, ports: tuple[int, ...], dice: Random) -> Made:
    rule = dice.choice(state.rules)
    if not rule.match:
        return None
    gone = dice.randrange(len(rule.match))
    name, value, mask = rule.match[gone]
    terms = [term for i, term in enumerate(rule.match) if i != gone]
    if name not in ("in_port", "eth_type", "ip_proto") and dice.random() < 0.6:
        full = mask if mask is not None else (1 << value.bit_length()) - 1 | 1
        bit = 1 << dice.randrange(full.bit_length())
        whole = {"metadata": 64, "eth_src": 48, "eth_dst": 48, "vlan_vid": 13, "ipv4_src": 32, "ipv4_dst": 32}.get(
            name, 16
        )
        less = ((1 << whole) - 1 if mask is None else mask) & ~bit
        terms.append((name, value & less, less))
    return _rematch(state, rule, terms, "widen")


_EXTRA = [
    ("eth_src", 0x020000000001, None), ("eth_dst", 0x020000000000, 1), ("eth_type", 0x0800, None),
    ("vlan_vid", 0, None), ("metadata", 1, 1), ("eth_src", 0, 1 << 8),
]  # fmt: skip


def _narrow(state: SwitchState, ports: tuple[int, ...], dice: Random) -> Made:
    rule = dice.choice(state.rules)
    extra = [*_EXTRA, *(("in_port", port, None) for port in ports)]
    return _rematch(state, rule, [*rule.match, dice.choice(extra)], "narrow")


def _priority(state: SwitchState, ports: tuple[int, ...], dice: Random) -> Made:
    rule = dice.choice(state.rules)
    return _with(
        state, rule, rule._replace(priority=max(0, rule.priority + dice.choice([-101, -60, 60, 200]))), "priority"
    )


def _value(state: SwitchState, ports: tuple[int, ...], dice: Random) -> Made:
    """Another value in one term of a match."""
    rule = dice.choice(state.rules)
    if not rule.match:
        return None
    i = dice.randrange(len(rule.match))
    name, value, mask = rule.match[i]
    others = [t for r in state.rules for t in r.match if t[0] == name and t[2] == mask and t[1] != value]
    if not others:
        return None
    return _rematch(state, rule, [*rule.match[:i], dice.choice(others), *rule.match[i + 1 :]], "value")


def _changed_action(action: Action, ports: tuple[int, ...], dice: Random) -> Action | None:
    if isinstance(action, Output):
        return Output(dice.choice([*ports, IN_PORT]))
    if isinstance(action, SetField):
        return SetField(action.field, action.value ^ dice.choice([1, 2, 3]))
    if isinstance(action, PushVlan):
        return PushVlan(0x88A8 if action.ethertype == 0x8100 else 0x8100)
    if isinstance(action, Group):
        return Group(action.group + dice.choice([-1, 1]))
    return None if isinstance(action, PopVlan | DecNwTtl | Move) else action


def _actions(actions: tuple[Action, ...], ports: tuple[int, ...], dice: Random) -> tuple[Action, ...]:
    """The list with one action changed, gone, or one put in."""
    i = dice.randrange(len(actions) + 1)
    extra: list[Action] = [PopVlan(), PushVlan(), DecNwTtl(), Output(dice.choice(ports)), SetField("eth_src", ROUTER)]
    if i == len(actions) or dice.random() < 0.2:
        return (*actions[:i], dice.choice(extra), *actions[i:])
    new = None if dice.random() < 0.2 else _changed_action(actions[i], ports, dice)
    return (*actions[:i], *(() if new is None else (new,)), *actions[i + 1 :])


def _act(state: SwitchState, ports: tuple[int, ...], dice: Random) -> Made:
    rule = dice.choice(state.rules)
    todo = rule.instructions
    part = dice.choice(["apply", "write", "clear", "metadata", "goto"])
    if part in ("apply", "write"):
        new = todo._replace(**{part: _actions(getattr(todo, part), ports, dice)})
    elif part == "clear":
        new = todo._replace(clear=not todo.clear)
    elif part == "metadata" and todo.metadata is not None:
        value, mask = todo.metadata
        new = todo._replace(metadata=(value ^ (1 << dice.randrange(64)) & mask, mask))
    else:
        new = todo._replace(goto=dice.choice([None, *range(rule.table + 1, 8)]))
    return _with(state, rule, rule._replace(instructions=new), part)


_GROUP_CHANGES = ("gone", "type", "bucket gone", "bucket", "bucket", "watch", "swap")


def _group(state: SwitchState, ports: tuple[int, ...], dice: Random, kinds: tuple[str, ...] = _GROUP_CHANGES) -> Made:
    if not state.groups:
        return None
    entry = dice.choice(state.groups)
    rest = [each for each in state.groups if each is not entry]
    new = _changed_group(entry, state, ports, dice, dice.choice(kinds))
    return f"group: {entry} => {new}", state_of(
        [Block(state.rules, rest if new is None else [*rest, new], state.meters)]
    )


def _changed_group(
    entry: GroupEntry, state: SwitchState, ports: tuple[int, ...], dice: Random, kind: str
) -> GroupEntry | None:
    if kind == "gone" or not entry.buckets:
        return None
    if kind == "type":
        return entry._replace(type=dice.choice([ALL, SELECT, FAST_FAILOVER]))
    if kind == "swap":
        return entry._replace(buckets=dice.choice(state.groups).buckets)
    i = dice.randrange(len(entry.buckets))
    old = entry.buckets[i]
    new: tuple[Bucket, ...] = ()
    if kind == "bucket":
        new = (old._replace(actions=_actions(old.actions, ports, dice)),)
    elif kind == "bucket more":
        new = (old, old._replace(actions=_actions(old.actions, ports, dice)))
    elif kind == "watch":
        new = (old._replace(watch_port=dice.choice([None, 99, *ports]), watch_group=None),)
    return entry._replace(buckets=entry.buckets[:i] + new + entry.buckets[i + 1 :])


_CHANGES: list[Change] = [
    _delete, _delete, _duplicate, _other_action, _widen, _widen, _narrow, _priority, _value, _act, _act, _act, _group,
    _group,
]  # fmt: skip


def _swap(of: Callable[[Rule], object], put: Callable[[Rule, Rule], Rule], where: Callable[[Rule], bool]) -> Change:
    """Two rules of a table exchange what they have."""

    def change(state: SwitchState, ports: tuple[int, ...], dice: Random) -> Made:
        rules = [rule for rule in state.rules if where(rule)]
        one = dice.choice(rules) if rules else None
        others = [each for each in rules if one and each.table == one.table and of(each) != of(one)]
        if one is None or not others:
            return None
        other = dice.choice(others)
        held = {rule.key: rule for rule in state.rules if rule is not one and rule is not other}
        held.update((rule.key, rule) for rule in (put(one, other), put(other, one)))
        return f"swap: {one} <=> {other}", state_of([Block(held.values(), state.groups, state.meters)])

    return change


def _register(rule: Rule) -> tuple[str, int, int | None] | None:
    return next((term for term in rule.match if term[0] == "metadata"), None)


def _with_register(rule: Rule, other: Rule) -> Rule:
    terms = [term for term in rule.match if term[0] != "metadata"]
    taken = _register(other)
    return rule._replace(match=Match.checked([*terms, taken] if taken else terms))


def _inside(kind: type[Action], change: Callable[[Action, SwitchState, tuple[int, ...], Random], Action]) -> Change:
    """One action of this type in one rule, changed."""

    def made(state: SwitchState, ports: tuple[int, ...], dice: Random) -> Made:
        places = [
            (rule, part, i)
            for rule in state.rules
            for part in ("apply", "write")
            for i, action in enumerate(getattr(rule.instructions, part))
            if isinstance(action, kind)
        ]
        if not places:
            return None
        rule, part, i = dice.choice(places)
        old = getattr(rule.instructions, part)
        new = (*old[:i], change(old[i], state, ports, dice), *old[i + 1 :])
        return _with(state, rule, rule._replace(instructions=rule.instructions._replace(**{part: new})), "action")

    return made


def _other_port(action: Action, state: SwitchState, ports: tuple[int, ...], dice: Random) -> Action:
    return Output(dice.choice([*ports, IN_PORT]))


def _other_group(action: Action, state: SwitchState, ports: tuple[int, ...], dice: Random) -> Action:
    return Group(dice.choice(state.groups).group) if state.groups else action


def _other_value(action: Action, state: SwitchState, ports: tuple[int, ...], dice: Random) -> Action:
    if not isinstance(action, SetField):
        return action
    every = [a for rule in state.rules for a in (*rule.instructions.apply, *rule.instructions.write)]
    return dice.choice([a for a in every if isinstance(a, SetField) and a.field == action.field] or [action])


def _write(state: SwitchState, ports: tuple[int, ...], dice: Random) -> Made:
    """Another value, or other bits, written to the register."""
    rules = [rule for rule in state.rules if rule.instructions.metadata]
    rule = dice.choice(rules) if rules else None
    if rule is None or rule.instructions.metadata is None:
        return None
    value, mask = rule.instructions.metadata
    bit = 1 << dice.randrange(64)
    writes = [(value ^ (mask & bit), mask), (value & ~bit, mask & ~bit), dice.choice(rules).instructions.metadata, None]
    new = rule.instructions._replace(metadata=dice.choice(writes))
    return _with(state, rule, rule._replace(instructions=new), "metadata")


def _of_groups(kinds: tuple[str, ...]) -> Change:
    def change(state: SwitchState, ports: tuple[int, ...], dice: Random) -> Made:
        return _group(state, ports, dice, kinds)

    return change


def _all_of_a_table(state: SwitchState, ports: tuple[int, ...], dice: Random) -> Made:
    table = dice.choice(state.rules).table
    left = [rule for rule in state.rules if rule.table != table]
    return f"table {table} lost", state_of([Block(left, state.groups, state.meters)])


def _everything(state: SwitchState, ports: tuple[int, ...], dice: Random) -> Made:
    return "everything lost", state_of([Block((), (), ())])


SEVERAL = "several at once"
KINDS: dict[str, tuple[Change, ...]] = {
    "delete": (_delete,),
    "duplicate": (_duplicate,),
    "other action": (_other_action,),
    "widen": (_widen,),
    "narrow": (_narrow,),
    "priority": (_priority,),
    "match value": (_value,),
    "port": (_inside(Output, _other_port),),
    "tag or address": (_inside(SetField, _other_value),),
    "to another group": (_inside(Group, _other_group),),
    "instructions": (_act,),
    "swap registers": (_swap(_register, _with_register, lambda rule: _register(rule) is not None),),
    "swap verdicts": (
        _swap(
            lambda rule: rule.instructions,
            lambda rule, other: rule._replace(instructions=other.instructions),
            lambda rule: True,
        ),
    ),
    "metadata": (_write,),
    "group type": (_of_groups(("type",)),),
    "bucket": (_of_groups(("bucket gone", "bucket", "bucket more")),),
    "watch port": (_of_groups(("watch",)),),
    "groups": (_of_groups(("gone", "swap")),),
    "table lost": (_all_of_a_table, _all_of_a_table, _everything),
    SEVERAL: (_delete,),
}
"""Ways to change compiled rules, by name."""


def _ties(state: SwitchState) -> bool:
    """Whether OpenFlow leaves open which of two rules wins: then no evaluator can say what is right."""
    levels: dict[tuple[int, int], list[Rule]] = {}
    for rule in state.rules:
        levels.setdefault((rule.table, rule.priority), []).append(rule)
    return any(
        a.instructions != b.instructions and a.match.overlaps(b.match)
        for rules in levels.values()
        for i, a in enumerate(rules)
        for b in rules[:i]
    )


def _rounds(groups: tuple[GroupEntry, ...]) -> bool:
    """Whether a group comes back to itself, which switches refuse (OFPGMFC_LOOP) and the evaluator does not follow."""
    every = {entry.group: [a for bucket in entry.buckets for a in bucket.actions] for entry in groups}
    left = {
        number: {a.group for a in actions if isinstance(a, Group)} & every.keys() for number, actions in every.items()
    }
    while ends := {number for number, to in left.items() if not to & left.keys()}:
        left = {number: to for number, to in left.items() if number not in ends}
    return bool(left)
