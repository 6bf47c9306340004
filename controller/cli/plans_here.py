"""Plans made here, from files, without a controller.

Lives here: how the parts of such a plan come together. Must not know: flags, controllers.
"""

from __future__ import annotations

from clos.controller.cli.plans import Planned
from clos.controller.cli.render.plan import brakes_json
from clos.controller.explain.inputs import Inputs
from clos.controller.impact.endpoint_pairs import Snapshot
from clos.controller.impact.export import impact_json
from clos.controller.impact.impact import impact_of
from clos.controller.impact.side_effects import MOST_RULES, side_effects
from clos.controller.intent.model import Intent
from clos.controller.plan import (
    brakes,
    diff,
    identity_brake,
    identity_changes,
    tenant_brakes,
    to_json,
)
from clos.fabric.dataplane.ruleset import EMPTY


def planned_here(start: str, old: Inputs | None, new: Inputs, limit: int, thorough: bool = False) -> Planned:
    """The plan from the rules of one intent, or from an empty fabric, to those of another."""
    before = old.compiled() if old else None
    installed = before.ruleset if before else EMPTY
    desired = new.compiled(before).ruleset
    found = diff(installed, desired)
    held = brakes(found, installed, desired, topology=new.topology)
    changed = identity_changes(old.topology, new.topology) if old else ()
    if old:
        known = identity_brake(old.topology, new.topology)
        held = (*([known] if known else []), *tenant_brakes(old.intent.tenants, new.intent.tenants), *held)
    before_side = old.snapshot if old else Snapshot(Intent(), new.topology)
    means = impact_of(before_side, new.snapshot)
    most = None if thorough else MOST_RULES
    rules = side_effects(before_side, new.snapshot, installed, desired, means.flows, most)
    data = {
        **to_json(found, limit),
        "brakes": brakes_json(held),
        "identities": [one.text for one in changed],
        "difference": impact_json(means, rules, limit),
    }
    return Planned(start, data, tuple(spine.name for spine in new.topology.spines))
