"""Rules of a switch that can never match, and the rules that take their packets, in words and as JSON.

Must not know: how they are found, where rules come from.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from rich.text import Text

from clos.controller.analysis.shadowed_rules import Shadow, shadowed
from clos.controller.cli.answer import Answer, Json, unchecked
from clos.controller.cli.render.text import count
from clos.controller.cli.switch_rules import Rules
from clos.controller.plan import rule_json
from clos.controller.verify.headerspace.value_atoms import Unmodelled

_SHOWN = 3
"""Rules that are named of those that take another's packets."""


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
            yield from (f"      {each}" for each in _covering(one, held, positions))

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


def _covering(one: Shadow, held: Rules, positions: dict[object, str]) -> Iterator[str]:
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
