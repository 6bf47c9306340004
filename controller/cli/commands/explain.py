"""``explain``: why a packet passes or not, and why a rule exists."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Annotated, NamedTuple

import typer
from rich.text import Text

from clos.controller.audit.oracle import IntentOracle
from clos.controller.cli.answer import FAILED, OK, Answer, Json, answering, failed, usage
from clos.controller.cli.options import PacketOptions
from clos.controller.cli.remote import DEFAULT, StateDir
from clos.controller.cli.render.text import columns, count
from clos.controller.cli.sources import IntentPaths, TopologyPath, read
from clos.controller.compile import Compiled, Origin
from clos.controller.explain.inputs import Inputs
from clos.controller.explain.policy_reasons import because, end_text, not_admitted, quoted
from clos.controller.explain.questions import (
    SOURCE_PORT,
    Probe,
    between_ends,
    by_frame,
    find_end,
    find_service,
    no_switch,
    raw,
)
from clos.controller.explain.register_names import names_of, table_name
from clos.controller.explain.rule_names import NamedRule, named_rules
from clos.controller.explain.trace import Followed, Outcome, follow, origin_json, path_text
from clos.controller.intent.model import Intent, Policy, Service
from clos.controller.intent.reach import End, Ruling
from clos.controller.intent.spans import Part, parts
from clos.controller.plan import rule_json

RuleName = Annotated[
    str, typer.Option("--rule", metavar="RULE", help="Why this rule exists: leaf1/5/3, as inspect says.")
]
CookieWord = Annotated[str, typer.Option("--cookie", metavar="COOKIE", help="Why rules with this cookie exist.")]

PURPOSE = {
    "port": "assigns a frame to its network by ingress port and VLAN",
    "admit": "admits only packets of known endpoints with their own addresses",
    "arp": "answers ARP at the sender's leaf",
    "bridge": "forwards to endpoints of the same network",
    "route": "routes to endpoints of other networks",
    "policy": "passes what a policy or a share permits, through a waypoint where it names one",
    "meter": "limits the rate and sends the packet out",
    "deliver": "delivers a frame from the fabric to its host",
    "spine": "forwards a frame to the leaf or pair named by its outer tag",
}


@answering
def explain(
    intents: IntentPaths = None,
    topology: TopologyPath = None,
    state: StateDir = DEFAULT,
    *,
    about: PacketOptions,
    rule: RuleName = "",
    cookie: CookieWord = "",
) -> Answer:
    """Explain why a packet is permitted or denied, or why a rule exists.

    A --service may be a range of ports, a protocol or "any": each part with another answer gets its own. A raw packet
    is given as for trace; the rule by its name (see inspect) or its cookie.
    """
    wanted = read(topology, intents, state)
    compiled = wanted.compiled()
    if rule:
        return _about_rule(compiled, _named(compiled, rule))
    if cookie:
        return _about_cookie(compiled, _number(cookie))
    if by_frame(about.source, about.target, about.at, about.packet):
        probe = raw(about.at, about.packet, wanted.topology)
        return _about_frame(wanted, probe, follow(compiled, probe))
    ends = find_end(wanted.intent, about.source), find_end(wanted.intent, about.target)
    return _about_ends(wanted, compiled, *ends, find_service(about.service), about.via)


class Explained(NamedTuple):
    """A part of the service, and a packet's walk: one that is not as the intents mean it, if there is any."""

    part: Part
    shown: Followed
    agree: bool


def _about_ends(wanted: Inputs, compiled: Compiled, source: End, target: End, service: Service, via: str) -> Answer:
    reading = IntentOracle(wanted.intent, wanted.topology)
    found = []
    for part in parts(wanted.intent, source, target, service, SOURCE_PORT, wanted.topology.legacy):
        walks = tuple(follow(compiled, between_ends(wanted, source, target, flow, via)) for flow in part.flows)
        wrong = next((done for done in walks if not _as_meant(reading, done, part.decided)), None)
        found.append(Explained(part, wrong or walks[0], wrong is None))

    def lines() -> Iterator[Text | str]:
        yield f"{end_text(source)} to {end_text(target)}: {service}"
        for one in found:
            if len(found) > 1:
                yield Text(f"{one.part}:", "bold")
            name = str(service if len(found) == 1 else one.part)
            yield from _part_lines(wanted.intent, source, target, name, one)

    rows = [_part_json(source, one) for one in found]
    data = {"from": str(source), "to": str(target), "service": str(service), **_together(rows), "parts": rows}
    return Answer(data, lines, OK if all(one.agree for one in found) else FAILED)


def _part_lines(intent: Intent, source: End, target: End, name: str, one: Explained) -> Iterator[Text | str]:
    decided = one.part.decided
    yield from because(intent, source, target, name, decided)
    if decided.allowed:
        if decided.via:
            yield f"Packets reach {target.endpoint.name} only through {decided.via}."
        yield "Return traffic is permitted."
    yield f"The rules {'agree' if one.agree else 'DISAGREE, please report this'}: {path_text(one.shown)}"


def _part_json(source: End, one: Explained) -> Json:
    decided = one.part.decided
    return {
        "services": [str(span) for span in one.part.spans],
        "permitted": decided.allowed,
        "via": decided.via,
        "by": _ruling_json(decided, source),
        "outcome": str(one.shown.outcome),
        "agree": one.agree,
    } | ({"astray": decided.astray} if decided.astray else {})


def _together(rows: Sequence[Json]) -> Json:
    """What is so of every part; null where parts differ."""
    alike = {key: rows[0][key] if all(row[key] == rows[0][key] for row in rows) else None for key in rows[0]}
    del alike["services"]
    return {**alike, "agree": all(row["agree"] for row in rows)}


def _as_meant(reading: IntentOracle, done: Followed, decided: Ruling) -> bool:
    """Whether the target has it if it may, and hosts get just the frames that the intents mean them to."""
    meant = reading.meant(done.probe.at, done.probe.packet)
    got = Counter((reading.topology.host_at[port], packet.to_bytes()) for port, packet in done.walk.deliveries)
    return meant.counted(got) == meant.frames and (done.outcome is Outcome.DELIVERED) is decided.allowed


def _ruling_json(decided: Ruling, source: End) -> Json | None:
    by = decided.by
    if by is None:
        return None
    kind = "policies" if isinstance(by, Policy) else "shares"
    path = (
        f"tenants.{source.tenant.name}.{kind}.{by.name}" if isinstance(by, Policy) else f"shares.{by.tenant}.{by.name}"
    )
    return {**(origin_json(Origin(path, by.where)) or {}), "reply": decided.reply}


def _about_frame(wanted: Inputs, probe: Probe, done: Followed) -> Answer:
    """A raw frame has no names: say how far it came, and whose addresses it lacks when it was not let in."""

    def lines() -> Iterator[Text | str]:
        yield f"{probe.packet} in at {probe.at}"
        yield path_text(done)
        if done.outcome is Outcome.DROPPED and len(done.walk.hops) == 1 and len(done.walk.hops[0].step.trail) <= 2:
            yield from not_admitted(wanted.intent, wanted.topology, probe)

    return Answer({"packet": str(probe.packet), "outcome": str(done.outcome), "path": path_text(done)}, lines)


def _named(compiled: Compiled, word: str) -> NamedRule:
    switch = word.partition("/")[0]
    if switch not in compiled.topology.switches:
        raise no_switch(switch, compiled.topology)
    found = next((one for one in named_rules(compiled, switch) if one.name == word), None)
    if found is None:
        raise usage(f"no rule {word}: names are SWITCH/TABLE/POSITION, as clos inspect --switch {switch} lists them")
    return found


def _number(word: str) -> int:
    try:
        return int(word, 0)
    except ValueError:
        raise usage(f"--cookie {word}: a number like 0xc105000000000001") from None


def _about_rule(compiled: Compiled, one: NamedRule) -> Answer:
    names, switch, rule = names_of(compiled), one.name.partition("/")[0], one.rule
    stage, origin = table_name(compiled.topology, switch, rule.table), names.origin(rule)

    def lines() -> Iterator[Text | str]:
        yield Text.assemble((one.name, "cyan"), f" #{rule.priority} {names.match(rule.match)}")
        yield f"  -> {names.instructions(rule.instructions, switch)}"
        yield f"Table {rule.table} {stage} {PURPOSE[stage]}."
        yield from _caused(origin)

    data = {"name": one.name, "stage": stage, "rule": rule_json(rule), "origin": origin_json(origin)}
    return Answer(data, lines)


def _about_cookie(compiled: Compiled, value: int) -> Answer:
    names = names_of(compiled)
    origin = names.origins.get(value)
    held = [
        (switch, rule)
        for block, switches in compiled.ruleset.placed()
        for rule in block.rules
        if rule.cookie == value
        for switch in switches
    ]
    if origin is None and not held:
        raise failed(f"no rule of these intents has the cookie {value:#x}")
    counts = Counter((switch, rule.table) for switch, rule in held)

    def lines() -> Iterator[Text | str]:
        yield from _caused(origin)
        yield f"It causes {count(len(held), 'rule')}:"
        rows = [(s, f"{t} {table_name(compiled.topology, s, t)}", str(n)) for (s, t), n in sorted(counts.items())]
        yield from columns(rows, right=(2,), indent=2)

    data = {
        "cookie": f"{value:#x}",
        "origin": origin_json(origin),
        "rules": [{"switch": switch, **rule_json(rule)} for switch, rule in held],
    }
    return Answer(data, lines)


def _caused(origin: Origin | None) -> Iterator[Text | str]:
    if origin is None:
        yield "Not caused by these intents."
        return
    yield f"Caused by {origin.path}."
    yield from quoted(origin.where)
