"""``inspect --shadowed``: the rules of a switch that can never match, and the rules that take their packets.

Lives here: where a switch's rules come from for it, and how the answer reads. Must not know: how it is found out.
"""

from __future__ import annotations

import json as json_text
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from rich.text import Text

from clos.controller.analysis.shadowed_rules import Shadow, shadowed
from clos.controller.cli.answer import Answer, Json, unchecked, usage
from clos.controller.cli.commands.verify import dump_texts, read_whole
from clos.controller.cli.remote import controller
from clos.controller.cli.render.text import count
from clos.controller.explain.inputs import Inputs
from clos.controller.explain.register_names import Names, names_of
from clos.controller.explain.trace import origin_json
from clos.controller.intent import Text as Document
from clos.controller.plan import rule_json
from clos.controller.verify.headerspace.value_atoms import Unmodelled
from clos.fabric.dataplane.rule import Rule
from clos.fabric.topology import Topology

_SHOWN = 3
"""Rules that are named of those that take another's packets."""


class Rules(NamedTuple):
    """The rules of a switch, in the order in which it tries them. ``named``: how a rule is shown; ``origin``: why it
    is there, for people and for JSON."""

    switch: str
    rules: tuple[Rule, ...]
    named: Callable[[Rule], str]
    origin: Callable[[Rule], tuple[str, Json | None]]


def compiled_rules(wanted: Inputs, switch: str) -> Rules:
    """What intents compile to."""
    compiled = wanted.compiled()
    return _of_intents(names_of(compiled), switch, compiled.ruleset.state(switch).rules)


def live_rules(wanted: Inputs, state: Path, switch: str) -> Rules:
    """What the switch holds, whoever put it there."""
    with controller(state) as client:
        held = json_text.dumps(client.entries(switch))
    dump = read_whole([Document(f"{switch}, read back", held)], _dpids(wanted.topology), whole=False)
    found = dump.states.get(switch)
    return _of_intents(names_of(wanted.compiled()), switch, found.rules if found is not None else ())


def dumped_rules(topology: Topology, paths: Sequence[Path], switch: str) -> Rules:
    """What a dump says that the switch holds."""
    dump = read_whole(dump_texts(paths), _dpids(topology), whole=False)
    if switch not in dump.states:
        raise usage(f"{', '.join(map(str, paths))}: no rules of {switch} there, but of {', '.join(dump.states)}")
    return Rules(
        switch,
        _ordered(dump.states[switch].rules),
        lambda rule: f"#{rule.priority} {rule.match}",
        lambda rule: (str(dump.where(switch, rule)), None),
    )


def _of_intents(names: Names, switch: str, rules: Iterable[Rule]) -> Rules:
    return Rules(
        switch,
        _ordered(rules),
        lambda rule: f"#{rule.priority} {names.match(rule.match)}",
        lambda rule: (
            str(names.origin(rule) or f"not of these intents, cookie {rule.cookie:#x}"),
            origin_json(names.origin(rule)),
        ),
    )


def _ordered(rules: Iterable[Rule]) -> tuple[Rule, ...]:
    return tuple(sorted(rules, key=lambda rule: (rule.table, -rule.priority)))


def _dpids(topology: Topology) -> dict[str, int]:
    return {switch.name: switch.dpid for switch in topology.switches.values()}


def shadows(held: Rules, table: int | None) -> Answer:
    """The rules that no packet can match, by table. Raises Stop (UNCHECKED) when that is too intricate to decide."""
    rules = tuple(rule for rule in held.rules if table in (None, rule.table))
    try:
        found = shadowed(rules)
    except Unmodelled as error:
        raise unchecked(f"{held.switch}: {error}") from None
    positions = _positions(held)

    def lines() -> Iterator[Text | str]:
        some = f"{len(found):,} of {count(len(rules), 'rule')}"
        verb = "never matches" if len(found) == 1 else "never match"
        yield Text(f"{held.switch}: {some} {verb}", "bold")
        for one in found:
            yield Text.assemble((f"  {positions[one.rule.key]}", "cyan"), f" {held.named(one.rule)}")
            yield Text(f"      {held.origin(one.rule)[0]}", "dim")
            yield from (f"      {each}" for each in _takers(one, held, positions))

    data = {
        "switch": held.switch,
        "rules": len(rules),
        "shadowed": [_json(one, held, positions) for one in found],
    }
    return Answer(data, lines)


def _positions(held: Rules) -> dict[object, str]:
    """The name of each rule: ``leaf1/5/3`` is the third of table 5."""
    seen: Counter[int] = Counter()
    found: dict[object, str] = {}
    for rule in held.rules:
        seen[rule.table] += 1
        found[rule.key] = f"{held.switch}/{rule.table}/{seen[rule.table]}"
    return found


def _takers(one: Shadow, held: Rules, positions: dict[object, str]) -> Iterator[str]:
    if not one.by:
        yield "no packet has such headers"
    for rule in one.by[:_SHOWN]:
        yield f"its packets are taken by {positions[rule.key]} {held.named(rule)}"
    if len(one.by) > _SHOWN:
        yield f"and by {count(len(one.by) - _SHOWN, 'more rule')}"


def _json(one: Shadow, held: Rules, positions: dict[object, str]) -> Json:
    return {
        "name": positions[one.rule.key],
        **rule_json(one.rule),
        "origin": held.origin(one.rule)[1],
        "by": [{"name": positions[rule.key], **rule_json(rule)} for rule in one.by],
    }
