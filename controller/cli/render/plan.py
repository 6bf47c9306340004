"""Plans as engineers read them: ``+ ~ -`` by switch and table, and a line that sums them up.

Lives here: the text of a plan in its JSON form (``controller.plan.to_json``), which is the same for a plan made here
and for one that the controller made. Must not know: where plans come from.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain

from rich.text import Text

from clos.controller.cli.answer import Json
from clos.controller.cli.render.text import columns, some
from clos.controller.explain.register_names import stage_name
from clos.controller.plan import ADD, DELETE, MODIFY, Brake, Counts

SIGNS = {ADD: ("+", "green"), MODIFY: ("~", "yellow"), DELETE: ("-", "red")}

Changes = tuple[tuple[str, Counts], ...]
"""Tables (and groups, meters) of a switch with what changes there."""


def plan_lines(plan: Json, spines: Iterable[str], entries: bool = False) -> Iterator[Text | str]:
    """The plan by switch and table, switches that change alike together; then the sum; then the brakes that hold.

    ``spines``: the switches whose table is not a leaf's; ``entries``: show every entry first.
    """
    high = frozenset(spines)
    if entries and plan["batches"]:
        yield from _entries(plan, high)
        yield ""
    if plan["switches"]:
        yield from columns(_rows(_alike(plan["switches"], high)))
        yield ""
    yield plan["summary"]["text"]
    yield from (Text(f"Brake: {brake['message']} (override: {brake['flag']})", "red") for brake in plan["brakes"])
    for key, words in NOTES.items():
        if plan.get(key):
            yield Text(f"{words}: {some(plan[key])}", "yellow")


NOTES = {
    "offline": "Not connected, updated when they connect (--allow-offline)",
    "interrupted": "Tenants whose traffic is interrupted",
    "cabling": "Not cabled as designed (clos links)",
}
"""What the controller says about a plan beyond its entries."""


def _alike(switches: Mapping[str, Json], spines: frozenset[str]) -> dict[Changes, list[str]]:
    """Switches by what changes on them."""
    found: dict[Changes, list[str]] = {}
    for switch, kinds in switches.items():
        rules = kinds.get("rules", {})
        changes = [(f"{table} {stage_name(int(table), switch in spines)}", Counts(**rules[table])) for table in rules]
        changes += [(kind, Counts(**kinds[kind])) for kind in ("groups", "meters") if kind in kinds]
        found.setdefault(tuple(changes), []).append(switch)
    return found


def _rows(alike: Mapping[Changes, list[str]]) -> Iterator[Sequence[str | Text]]:
    """A row for each set of switches, then one for each of its tables: name, adds, changes, deletes."""
    widths = [len(f"{max(sum(counts[i] for _, counts in changes) for changes in alike):,}") for i in range(3)]
    for changes, switches in alike.items():
        each = " each" if len(switches) > 1 else ""
        total = Counts(*(sum(counts[i] for _, counts in changes) for i in range(3)))
        yield [Text(some(switches) + each, "bold"), *_signed(total, widths)]
        for place, counts in changes:
            yield [f"  {place}", *_signed(counts, widths)]


def _signed(counts: Counts, widths: Sequence[int]) -> Iterator[Text]:
    """``+ 12``, ``~ 1``, ``- 3``; empty where nothing changes."""
    for (sign, style), number, width in zip(SIGNS.values(), counts, widths, strict=True):
        yield Text(f"{sign} {number:>{width},}" if number else "", style)


def _entries(plan: Json, spines: frozenset[str]) -> Iterator[Text]:
    """Every entry the plan changes, batch by batch, and on which switches."""
    for batch in plan["batches"]:
        yield Text(batch["name"], "bold")
        for push in batch["pushes"]:
            sign, style = SIGNS[push["op"]]
            spine = push["switches"][0] in spines
            for entry in chain(*(push.get(kind, ()) for kind in ("meters", "groups", "rules"))):
                yield Text(f"  {sign} {some(push['switches'])}  {entry_text(entry, spine)}", style)
    if plan["omitted"]:
        yield Text(f"  and {plan['omitted']:,} more (--limit)")


def entry_text(entry: Json, spine: bool) -> str:
    """``3 bridge #100 MATCH -> INSTRUCTIONS`` for a rule; ``group 4 select ...``, ``meter 1 ...`` for the others."""
    if "group" in entry:
        buckets = " ".join(f"[{', '.join(bucket['actions'])}]" for bucket in entry["buckets"])
        return f"group {entry['group']} {entry['type']} {buckets}"
    if "meter" in entry:
        bands = ", ".join(f"{band['rate']} {entry['unit']}" for band in entry["bands"])
        return f"meter {entry['meter']} drop above {bands}"
    match = ",".join(f"{field}={value}" for field, value in entry["match"].items()) or "any"
    name = stage_name(entry["table"], spine)
    return f"{entry['table']} {name} #{entry['priority']} {match} -> {_did(entry['instructions'])}"


def _did(todo: Json) -> str:
    """Instructions in the order they are performed."""
    parts = [f"meter:{todo['meter']}"] if "meter" in todo else []
    parts += todo.get("apply", [])
    parts += ["clear_actions"] if todo.get("clear") else []
    parts += [f"write({', '.join(todo['write'])})"] if "write" in todo else []
    parts += [f"metadata:{todo['metadata']}"] if "metadata" in todo else []
    parts += [f"goto:{todo['goto']}"] if "goto" in todo else []
    return ", ".join(parts) or "drop"


def brakes_json(held: Iterable[Brake]) -> list[Json]:
    """``{"name", "message", "count", "limit", "flag", "switches"}`` of each brake that holds."""
    names = ("name", "message", "count", "limit", "flag", "switches")
    return [{name: getattr(brake, name) for name in names} for brake in held]
