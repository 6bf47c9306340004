"""What a plan does, in numbers and as JSON. Counts blocks times switches; expands nothing. Knows no terminal."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import NamedTuple

from clos.controller.plan.change import ADD, DELETE, MODIFY, Entry, Plan, Push
from clos.controller.plan.export import FORMAT_VERSION, Json, entry_json

RULES, GROUPS, METERS = "rules", "groups", "meters"
_KINDS = (RULES, GROUPS, METERS)


class Counts(NamedTuple):
    """Entries to add, change and delete, each counted once per switch."""

    add: int = 0
    change: int = 0
    delete: int = 0

    def plus(self, op: str, number: int) -> Counts:
        """The counts with ``number`` more entries of an operation."""
        return Counts(
            self.add + number * (op == ADD),
            self.change + number * (op == MODIFY),
            self.delete + number * (op == DELETE),
        )


class Row(NamedTuple):
    """The changes to one table of one switch, or to its groups or meters (``table`` -1)."""

    switch: str
    kind: str
    table: int
    counts: Counts


@dataclass(frozen=True, slots=True)
class PlanSummary:
    """``rows`` sorted by switch, then rules by table, groups, meters; only what changes has a row."""

    rows: tuple[Row, ...]
    total: Counts
    switches: int
    batches: int

    def __str__(self) -> str:
        """``Plan: 12 to add, 3 to change, 4 to delete on 5 switches in 4 batches``."""
        if not self.rows:
            return "Plan: nothing to change"
        add, change, delete = self.total
        on = f"{self.switches:,} switch{'es' if self.switches != 1 else ''}"
        steps = f"{self.batches} batch{'es' if self.batches != 1 else ''}"
        return f"Plan: {add:,} to add, {change:,} to change, {delete:,} to delete on {on} in {steps}"


def summary(plan: Plan) -> PlanSummary:
    """The counts of a plan by switch and table."""
    shared: dict[tuple[tuple[str, ...], str, int], Counts] = {}
    for batch in plan.batches:
        for push in batch.pushes:
            for (kind, table), number in _held(push).items():
                place = (push.switches, kind, table)
                shared[place] = shared.get(place, Counts()).plus(push.op, number)
    rows: dict[tuple[str, int, int], Counts] = {}
    for (switches, kind, table), counts in shared.items():
        for switch in switches:
            row = (switch, _KINDS.index(kind), table)
            rows[row] = _sum(rows[row], counts) if row in rows else counts
    return PlanSummary(
        tuple(Row(switch, _KINDS[kind], table, counts) for (switch, kind, table), counts in sorted(rows.items())),
        _sum(*rows.values()),
        len({switch for switch, _, _ in rows}),
        len(plan.batches),
    )


def _sum(*counts: Counts) -> Counts:
    return Counts(*map(sum, zip(*counts, strict=True))) if counts else Counts()


def _held(push: Push) -> Counter[tuple[str, int]]:
    """How many entries a push holds, by kind and table."""
    found = Counter((RULES, rule.table) for rule in push.block.rules)
    return found + Counter({(GROUPS, -1): len(push.block.groups), (METERS, -1): len(push.block.meters)})


def to_json(plan: Plan, limit: int = 1000) -> Json:
    """The plan as JSON values, ``format_version`` 1; entries have the form of ``controller.plan.export``::

        {"format_version": 1,
         "summary": {"add": 12, "change": 3, "delete": 4, "switches": 5, "batches": 4, "text": "Plan: 12 to add..."},
         "switches": {"leaf1": {"rules": {"3": {"add": 1, "change": 0, "delete": 0}}, "groups": {...}}},
         "batches": [
           {"name": "ingress",
            "pushes": [{"op": "add", "switches": ["leaf1", "leaf2"], "entries": 1,
                        "rules": [{"table": 3, ...}]}]}],
         "omitted": 0}

    ``op`` is add, modify or delete; a push has one of the keys ``rules``, ``groups``, ``meters``, in the order they
    are sent. At most ``limit`` entries are written out in the whole document and ``omitted`` counts the rest;
    ``entries`` and every other number are exact whatever the limit.
    """
    room = limit
    batches: list[Json] = []
    for batch in plan.batches:
        pushes = []
        for push in batch.pushes:
            shown = _shown(push, room)
            room -= sum(map(len, shown.values()))
            pushes.append({"op": push.op, "switches": list(push.switches), "entries": push.size, **shown})
        batches.append({"name": batch.name, "pushes": pushes})
    written = limit - room
    size = sum(push.size for batch in plan.batches for push in batch.pushes)
    return {
        "format_version": FORMAT_VERSION,
        **summary_json(summary(plan)),
        "batches": batches,
        "omitted": size - written,
    }


def summary_json(counted: PlanSummary) -> Json:
    """The keys ``summary`` and ``switches`` of the form above."""
    switches: dict[str, Json] = {}
    for switch, kind, table, counts in counted.rows:
        kinds = switches.setdefault(switch, {})
        if kind == RULES:
            kinds.setdefault(kind, {})[str(table)] = counts._asdict()
        else:
            kinds[kind] = counts._asdict()
    numbers = {"switches": counted.switches, "batches": counted.batches, "text": str(counted)}
    return {"summary": {**counted.total._asdict(), **numbers}, "switches": switches}


def _shown(push: Push, room: int) -> dict[str, list[Json]]:
    """The first ``room`` entries of a push, by kind."""
    entries: dict[str, tuple[Entry, ...]] = {kind: getattr(push.block, kind) for kind in _KINDS}
    return {kind: [entry_json(entry) for entry in held[:room]] for kind, held in entries.items() if held}
