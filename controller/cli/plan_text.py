"""Plans as engineers read them: ``+ ~ -`` by switch and table, and a line that sums them up.

Lives here: the text only; the numbers come from ``controller.plan``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from rich.text import Text

from controller.cli.text import columns, some, table_name
from controller.plan import ADD, DELETE, MODIFY, Brake, Counts, Entry, Plan, PlanSummary, Row, summary
from fabric.rule import Rule
from fabric.topology import Topology

SIGNS = {ADD: ("+", "green"), MODIFY: ("~", "yellow"), DELETE: ("-", "red")}


def plan_lines(plan: Plan, topology: Topology, held: Sequence[Brake] = ()) -> Iterator[Text | str]:
    """The plan by switch and table, switches that change alike together; then the sum; then the brakes that hold."""
    counted = summary(plan)
    if counted.rows:
        yield from columns(_rows(counted, topology))
        yield ""
    yield str(counted)
    yield from (Text(f"Held back: {brake}", "red") for brake in held)


def _rows(counted: PlanSummary, topology: Topology) -> Iterator[Sequence[str | Text]]:
    """A row for each set of switches, then one for each of its tables: name, adds, changes, deletes."""
    alike: dict[tuple[tuple[str, Counts], ...], list[str]] = {}
    for switch, rows in groupby(counted.rows, lambda row: row.switch):
        changes = tuple((_place(row, topology), row.counts) for row in rows)
        alike.setdefault(changes, []).append(switch)
    widths = [len(f"{max(sum(counts[i] for _, counts in changes) for changes in alike):,}") for i in range(3)]
    for changes, switches in alike.items():
        each = " each" if len(switches) > 1 else ""
        total = Counts(*(sum(counts[i] for _, counts in changes) for i in range(3)))
        yield [Text(some(switches) + each, "bold"), *_signed(total, widths)]
        for place, counts in changes:
            yield [f"  {place}", *_signed(counts, widths)]


def _place(row: Row, topology: Topology) -> str:
    return row.kind if row.table < 0 else f"{row.table} {table_name(topology, row.switch, row.table)}"


def _signed(counts: Counts, widths: Sequence[int]) -> Iterator[Text]:
    """``+ 12``, ``~ 1``, ``- 3``; empty where nothing changes."""
    for (sign, style), number, width in zip(SIGNS.values(), counts, widths, strict=True):
        yield Text(f"{sign} {number:>{width},}" if number else "", style)


def entry_lines(plan: Plan, topology: Topology) -> Iterator[Text]:
    """Every entry the plan changes, batch by batch, on which switches."""
    for batch in plan.batches:
        yield Text(batch.name, "bold")
        for push in batch.pushes:
            sign, style = SIGNS[push.op]
            entries: tuple[Entry, ...] = (*push.block.meters, *push.block.groups, *push.block.rules)
            for entry in entries:
                yield Text(f"  {sign} {some(push.switches)}  {entry_text(entry, push.switches[0], topology)}", style)


def entry_text(entry: Entry, switch: str, topology: Topology) -> str:
    """``3 bridge #100 MATCH -> INSTRUCTIONS`` for a rule; groups and meters say what they are."""
    if not isinstance(entry, Rule):
        return str(entry)
    name = table_name(topology, switch, entry.table)
    return f"{entry.table} {name} #{entry.priority} {entry.match} -> {entry.instructions}"


def brakes_json(held: Iterable[Brake]) -> list[dict[str, object]]:
    """``{"name", "message", "count", "limit", "flag", "switches"}`` of each brake that holds."""
    names = ("name", "message", "count", "limit", "flag", "switches")
    return [{name: getattr(brake, name) for name in names} for brake in held]
