"""From what the switches hold to what they should hold, as one plan: pure arithmetic on rulesets.

Lives here: read-backs laid over a ruleset, plans put together, and the turn to a revision whose numbers have had
other owners since. Must not know: sessions, files, who asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from clos.controller.compile.numbering import Numbering
from clos.controller.plan import Batch, Plan, Push, diff
from clos.controller.plan.order import BATCHES
from clos.fabric.dataplane.ruleset import Block, Part, Placed, Ruleset, SwitchState

SEEN = "seen"
"""The part of an overlaid ruleset that holds what was read back."""


def overlay(ruleset: Ruleset, seen: Mapping[str, SwitchState]) -> Ruleset:
    """The ruleset, but with ``seen`` on the switches that were seen."""
    if not seen:
        return ruleset
    kept = frozenset(ruleset.switches).difference(seen)
    parts = {name: _on(part, kept) for name, part in ruleset.parts.items()}
    found = {name: Placed(Block(*state), (name,)) for name, state in sorted(seen.items())}
    return Ruleset({*ruleset.switches, *seen}, {**parts, SEEN: found})


def restricted(ruleset: Ruleset, switches: Iterable[str]) -> Ruleset:
    """What the ruleset has for these switches, blocks still shared."""
    names = frozenset(switches)
    return Ruleset(names, {name: _on(part, names) for name, part in ruleset.parts.items()})


def _on(part: Part, names: frozenset[str]) -> Part:
    found: dict[str, Placed] = {}
    known: dict[tuple[str, ...], tuple[str, ...]] = {}
    for key, (block, switches) in part.items():
        left = known.get(switches)
        if left is None:
            left = known[switches] = tuple(name for name in switches if name in names)
        if left:
            found[key] = Placed(block, left)
    return found


def merged(plans: Iterable[Plan], switches: Iterable[str]) -> Plan:
    """Plans for different switches as one: each batch of it is the batches of that name.

    So no switch retires anything before every switch has what takes its place.
    """
    pushes: dict[str, list[Push]] = {}
    parts: set[str] = set()
    for plan in plans:
        parts.update(plan.parts)
        for batch in plan.batches:
            pushes.setdefault(batch.name, []).extend(batch.pushes)
    found = (Batch(name, tuple(pushes[name])) for name in BATCHES if name in pushes)
    return Plan(tuple(found), tuple(sorted(switches)), tuple(sorted(parts)))


def compose(installed: Ruleset, desired: Ruleset, contested: frozenset[str] = frozenset()) -> Plan:
    """The plan from ``installed`` to ``desired``; first it takes away all that the ``contested`` tenants hold.

    Between the two halves no switch knows a contested number, so no frame that carries one for its old owner
    meets a rule of its new owner. For the time of the change these tenants have no traffic.
    """
    if not contested:
        return diff(installed, desired)
    between = Ruleset(installed.switches, {n: p for n, p in installed.parts.items() if not _owners(n) & contested})
    away, home = diff(installed, between), diff(between, desired)
    return Plan(away.batches + home.batches, home.switches, tuple(sorted({*away.parts, *home.parts})))


def _owners(part: str) -> set[str]:
    """The tenants a part of a compiled ruleset belongs to: ``tenant/NAME`` or ``share/NAME/NAME``."""
    kind, *tenants = part.split("/")
    return set(tenants) if kind in {"tenant", "share"} else set()


def contested(now: Numbering, then: Numbering) -> frozenset[str]:
    """The tenants that have a number now which something else has then.

    Never one between a revision and the next, for numbers freed by a change are not given away within it; but an
    old revision may want back numbers that were given away since.
    """
    wanted = dict(_numbers(then))
    return frozenset(owner[0] for number, owner in _numbers(now) if wanted.get(number, owner) != owner)


def _numbers(numbering: Numbering) -> Iterator[tuple[tuple[str, int], tuple[str, object]]]:
    """Every number, by kind, with the tenant that has it and what for."""
    for tenant, numbers in numbering.items():
        yield ("vrf", numbers.vrf), (tenant, None)
        kinds: dict[str, Mapping[object, int]] = {
            "segment": numbers.segments,  # type: ignore[dict-item]  # keys are only compared
            "class": numbers.classes,  # type: ignore[dict-item]
            "meter": numbers.meters,  # type: ignore[dict-item]
        }
        kinds |= {f"tag {domain}": tags for domain, tags in numbers.tags.items()}  # type: ignore[misc]
        for kind, held in kinds.items():
            yield from (((kind, number), (tenant, what)) for what, number in held.items())
