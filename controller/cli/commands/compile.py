"""``compile``: the rules that intents compile to, counted by switch and table, or written out as JSON."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from clos.controller.cli.answer import Answer, Lines, answering
from clos.controller.cli.remote import DEFAULT, StateDir
from clos.controller.cli.render.text import columns
from clos.controller.cli.sources import IntentPaths, TopologyPath, read
from clos.controller.compile import STAGES
from clos.controller.plan import ruleset_json

if TYPE_CHECKING:
    from clos.fabric.dataplane.ruleset import Ruleset


@answering
def compile_(intents: IntentPaths = None, topology: TopologyPath = None, state: StateDir = DEFAULT) -> Answer:
    """Compile intents to OpenFlow rules.

    Prints how many entries each switch gets; --json prints all of them, in the form that docs/cli.md describes.
    """
    ruleset = read(topology, intents, state).compiled().ruleset
    return Answer(ruleset_json(ruleset), lambda: _sizes(ruleset))


def _sizes(ruleset: Ruleset) -> Lines:
    """Entries by switch, rules by table; blocks are counted once, however many switches hold them."""
    names = [stage.name for stage in STAGES]
    found: dict[str, Counter[str]] = {switch: Counter() for switch in ruleset.switches}
    for block, switches in ruleset.placed():
        counts = Counter(names[rule.table] for rule in block.rules)
        counts += Counter(rules=len(block.rules), groups=len(block.groups), meters=len(block.meters))
        for switch in switches:
            found[switch].update(counts)
    titles = ("rules", "groups", "meters", *names)
    rows = [(switch, *(f"{counts[title]:,}" for title in titles)) for switch, counts in found.items()]
    return columns([("switch", *titles), *rows], right=range(1, len(titles) + 1))
