"""``inspect``: what a switch holds, with the intent behind each entry."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, NamedTuple

import typer
from rich.text import Text

from clos.controller.cli.answer import Answer, Json, answering, usage
from clos.controller.cli.remote import DEFAULT, StateDir, controller
from clos.controller.cli.render.plan import entry_text
from clos.controller.cli.render.text import count
from clos.controller.cli.sources import IntentPaths, TopologyPath, read
from clos.controller.compile import STAGES, cookie
from clos.controller.compile.cookie import endpoint_path
from clos.controller.explain.inputs import Inputs, read_topology
from clos.controller.explain.questions import find_end, no_switch
from clos.controller.explain.register_names import Names, names_of, table_name
from clos.controller.explain.rule_names import NamedRule, named_rules
from clos.controller.explain.trace import origin_json
from clos.controller.plan import group_json, meter_json, rule_json
from clos.fabric.dataplane.rule import GroupEntry, Meter

SwitchName = Annotated[str, typer.Option("--switch", "-s", metavar="NAME", help="Which switch.")]
TableWord = Annotated[str, typer.Option("--table", metavar="TABLE", help="Only this table: its number or its name.")]
EndWord = Annotated[str, typer.Option("--endpoint", metavar="ENDPOINT", help="Only entries caused by this endpoint.")]
Live = Annotated[bool, typer.Option("--live", help="Have the controller read the switch.")]

Shadowed = Annotated[bool, typer.Option("--shadowed", help="Only rules that can never match, and what hides them.")]
Dumps = Annotated[
    list[Path] | None,
    typer.Option("--dump", metavar="PATH", help="With --shadowed: the rules of this dump, a file or a directory."),
]


class Listing(NamedTuple):
    """What is shown of a switch."""

    switch: str
    rules: tuple[NamedRule, ...]
    groups: tuple[GroupEntry, ...]
    meters: tuple[Meter, ...]
    names: Names


@answering
def inspect(
    switch: SwitchName,
    intents: IntentPaths = None,
    topology: TopologyPath = None,
    state: StateDir = DEFAULT,
    table: TableWord = "",
    endpoint: EndWord = "",
    live: Live = False,
    hidden: Shadowed = False,
    dump: Dumps = None,
) -> Answer:
    """List the rules, groups and meters of a switch.

    What the intents compile to; or, with --live, what the switch holds right now. With --shadowed only the rules that
    no packet can match, because rules of higher priority take all of theirs.
    """
    if dump:
        return _of_dump(dump, topology, switch, table, hidden and not live and not endpoint)
    wanted = read(topology, intents, state)
    if switch not in wanted.topology.switches:
        raise no_switch(switch, wanted.topology)
    number = table_number(table) if table else None
    if hidden:
        if endpoint:
            raise usage("--shadowed and --endpoint exclude each other: pass one of them")
        return _shadows(wanted, state if live else None, switch, number)
    if live:
        return _read_back(wanted, state, switch, number)
    found = _listing(wanted, switch, number, endpoint)
    return Answer(_json(found), lambda: _lines(found))


def _shadows(wanted: Inputs, state: Path | None, switch: str, table: int | None) -> Answer:
    """Rules that never match: of a live switch where ``state`` says whose, else of what intents compile to."""
    from clos.controller.cli.render.shadowed_rules import shadows  # noqa: PLC0415 - it loads the prover
    from clos.controller.cli.switch_rules import compiled_rules, live_rules  # noqa: PLC0415 - as above

    return shadows(live_rules(wanted, state, switch) if state else compiled_rules(wanted, switch), table)


def _of_dump(dump: list[Path], topology: Path | None, switch: str, table: str, fits: bool) -> Answer:
    """Rules of a dump that never match; it needs no intents."""
    from clos.controller.cli.render.shadowed_rules import shadows  # noqa: PLC0415 - it loads the prover
    from clos.controller.cli.switch_rules import dumped_rules  # noqa: PLC0415 - as above

    if not fits:
        raise usage("--dump goes with --shadowed, without --live and --endpoint")
    if topology is None:
        raise usage("missing --topology FILE: whose switches the dump is of")
    fabric = read_topology(topology)
    if switch not in fabric.switches:
        raise no_switch(switch, fabric)
    return shadows(dumped_rules(fabric, dump, switch), table_number(table) if table else None)


def table_number(word: str) -> int:
    """The table a person means: ``5`` or ``policy``. Raises Stop (USAGE)."""
    known = {stage.name: stage.table for stage in STAGES} | {str(stage.table): stage.table for stage in STAGES}
    if word not in known:
        raise usage(f"--table {word}: tables are {', '.join(f'{s.table} {s.name}' for s in STAGES)}")
    return known[word]


def _listing(wanted: Inputs, switch: str, table: int | None, endpoint: str) -> Listing:
    compiled = wanted.compiled()
    state = compiled.ruleset.state(switch)
    whole = table is None and not endpoint
    why = None
    if endpoint:
        end = find_end(wanted.intent, endpoint)
        why = cookie(endpoint_path(end.tenant.name, end.endpoint.name))
    rules = (n for n in named_rules(compiled, switch) if table in (None, n.rule.table) and why in (None, n.rule.cookie))
    groups, meters = (state.groups, state.meters) if whole else ((), ())
    return Listing(switch, tuple(rules), groups, meters, names_of(compiled))


def _lines(found: Listing) -> Iterator[Text | str]:
    names, table = found.names, -1
    for name, rule in found.rules:
        if rule.table != table:
            table = rule.table
            size = sum(one.rule.table == table for one in found.rules)
            title = f"{table} {table_name(names.topology, found.switch, table)}: {count(size, 'rule')}"
            yield Text(title, "bold")
        yield Text.assemble((f"  {name}", "cyan"), f" #{rule.priority} {names.match(rule.match)}")
        yield f"      -> {names.instructions(rule.instructions, found.switch)}"
        yield Text(f"      {names.origin(rule) or ''}", "dim")
    if found.groups:
        yield Text(f"groups: {len(found.groups)}", "bold")
        for group in found.groups:
            yield f"  {group}"
            yield Text(f"      {names.group(group.group, found.switch)}", "dim")
    if found.meters:
        yield Text(f"meters: {len(found.meters)}", "bold")
        yield from (f"  {meter}" for meter in found.meters)


def _json(found: Listing) -> Json:
    return {
        "switch": found.switch,
        "rules": [
            {"name": name, **rule_json(rule), "origin": origin_json(found.names.origin(rule))}
            for name, rule in found.rules
        ],
        "groups": [group_json(group) for group in found.groups],
        "meters": [meter_json(meter) for meter in found.meters],
    }


def _read_back(wanted: Inputs, state: Path, switch: str, table: int | None) -> Answer:
    """What a switch holds, whoever put it there; rules of the intents with their origin."""
    with controller(state) as client:
        held = client.entries(switch)
    for entry in (*held["rules"], *held["groups"], *held["meters"]):
        del entry["switch"]
    known = names_of(wanted.compiled()).origins
    rules = [
        {**rule, "origin": origin_json(known.get(int(rule["cookie"], 16)))}
        for rule in held["rules"]
        if table in (None, rule["table"])
    ]
    whole = {kind: held[kind] if table is None else [] for kind in ("groups", "meters")}
    spine = not wanted.topology.switches[switch].is_leaf

    def lines() -> Iterator[Text | str]:
        for entry in (*rules, *whole["groups"], *whole["meters"]):
            yield entry_text(entry, spine)
            if "origin" in entry:
                found = known.get(int(entry["cookie"], 16))
                yield Text(f"      {found or 'not of these intents, cookie ' + entry['cookie']}", "dim")

    return Answer({"switch": switch, "rules": rules, **whole}, lines)
