"""The rules of one switch with a name and an origin for each: of intents, of the switch itself, or of a dump.

Must not know: what is asked about them.
"""

from __future__ import annotations

import json as json_text
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from clos.controller.cli.answer import Json, usage
from clos.controller.cli.proofs.dumps import dump_texts, read_whole
from clos.controller.cli.remote import controller
from clos.controller.explain.inputs import Inputs
from clos.controller.explain.register_names import Names, names_of
from clos.controller.explain.trace import origin_json
from clos.controller.intent import Text as Document
from clos.fabric.dataplane.rule import Rule
from clos.fabric.topology import Topology


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
