"""How many rules each switch holds at most during a migration, and whether its tables are large enough.

Lives here: compiling the intents of every step. Must not know: how they came about.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from clos.controller.compile import Compiled, compile_fabric
from clos.controller.intent.model import Intent
from clos.controller.migrate.plan.model import Capacity
from clos.fabric.topology import Topology


def capacity(topology: Topology, intents: Mapping[str, Intent], size: int | None) -> tuple[Capacity, ...]:
    """The largest number of rules by switch, over the intents of all steps in their order."""
    most: dict[str, tuple[int, str]] = {}
    compiled: Compiled | None = None
    for file, intent in intents.items():
        compiled = compile_fabric(intent, topology, previous=compiled)
        counts: Counter[str] = Counter()
        for block, switches in compiled.ruleset.placed():
            counts.update(dict.fromkeys(switches, len(block.rules)))
        step = file.removeprefix("intents/").removesuffix(".yaml")
        for switch, rules in counts.items():
            if rules > most.get(switch, (0, ""))[0]:
                most[switch] = rules, step
    return tuple(Capacity(switch, rules, step, size) for switch, (rules, step) in sorted(most.items()))
