"""What pages show, put together from the daemon's answers. Must not know: HTML, HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import unified_diff
from ipaddress import IPv4Address
from typing import Any, NamedTuple

from clos.controller.compile import Compiled
from clos.controller.daemon import Daemon
from clos.controller.daemon.errors import UNKNOWN, Refused
from clos.controller.explain.inputs import Inputs
from clos.controller.explain.policy_reasons import because, end_text
from clos.controller.explain.questions import SOURCE_PORT, between_ends, find_end, find_service
from clos.controller.explain.register_names import Names, names_of, table_name
from clos.controller.explain.trace import follow, lines, path_text
from clos.controller.intent import Problem
from clos.controller.intent.model import Policy, Tenant
from clos.controller.intent.spans import parts

MOST_RULES = 500
"""Rules of a switch on one page; more are found by table."""


class Cell(NamedTuple):
    """What one policy says from a group to another."""

    policy: str
    action: str
    services: str
    note: str
    place: str


class Matrix(NamedTuple):
    """Who may talk to whom: ``rows`` by sending group, cells by receiving group."""

    groups: tuple[str, ...]
    rows: tuple[tuple[str, tuple[tuple[Cell, ...], ...]], ...]


class NumberedLine(NamedTuple):
    """A line of a document, with what is wrong with it."""

    number: int
    text: str
    problems: tuple[Problem, ...]


def compiled(daemon: Daemon) -> Compiled:
    """The revision in force. Raises Refused before the first one."""
    found = daemon.revisions.running.compiled
    if found is None:
        raise Refused(UNKNOWN, "no revision is in force yet: apply intents first (Change, or clos apply)")
    return found


def matrix(tenant: Tenant) -> Matrix:
    """The tenant's policies by group."""
    names = tuple(tenant.groups)
    said: dict[tuple[str, str], list[Cell]] = {}
    for policy in tenant.policies:
        said.setdefault((policy.source, policy.target), []).append(_cell(policy))
    rows = tuple((one, tuple(tuple(said.get((one, other), ())) for other in names)) for one in names)
    return Matrix(names, rows)


def _cell(policy: Policy) -> Cell:
    notes = [f"via {policy.via}"] if policy.via else []
    notes += [f"at most {policy.rate.kbps:,} kbit/s per leaf"] if policy.rate else []
    services = ", ".join(map(str, policy.services))
    return Cell(policy.name, policy.action, services, ", ".join(notes), f"{policy.where.file}:{policy.where.line}")


def tenant_facts(tenant: Tenant) -> dict[str, Any]:
    """Networks, endpoints and groups as rows of text."""
    return {
        "networks": [
            (
                n.name,
                f"{IPv4Address(n.subnet[0])}/{n.subnet[1]}",
                str(IPv4Address(n.gateway)) if n.gateway is not None else "none",
            )
            for n in tenant.networks.values()
        ],
        "endpoints": [
            (
                e.name,
                str(IPv4Address(e.ip)),
                e.network,
                e.host,
                ", ".join(g.name for g in tenant.groups.values() if g.holds(e)),
            )
            for e in tenant.endpoints.values()
        ],
    }


def _ip(address: int) -> str:
    return str(IPv4Address(address))


def rules(held: Compiled, switch: str, table: int | None) -> tuple[list[dict[str, Any]], int]:
    """The rules that a switch should hold, each with the line that causes it; and how many there are in all."""
    names = names_of(held)
    state = held.ruleset.state(switch)
    chosen = [rule for rule in state.rules if table is None or rule.table == table]
    chosen.sort(key=lambda rule: (rule.table, -rule.priority))
    rows = [
        {
            "table": f"{rule.table} {table_name(held.topology, switch, rule.table)}",
            "priority": rule.priority,
            "match": names.match(rule.match) or "any packet",
            "does": names.instructions(rule.instructions, switch),
            "origin": _origin(names, rule),
        }
        for rule in chosen[:MOST_RULES]
    ]
    return rows, len(chosen)


def _origin(names: Names, rule: Any) -> str:
    found = names.origin(rule)
    return str(found) if found else ""


def changed_lines(before: dict[str, str], after: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Two revisions' documents as a difference: (kind, line); kind is file, add, del, at or same."""
    for name in sorted(before.keys() | after.keys()):
        old, new = before.get(name, "").splitlines(), after.get(name, "").splitlines()
        told = list(unified_diff(old, new, "", "", lineterm="", n=2))[2:]
        if told:
            yield "file", name
        for line in told:
            yield {"+": "add", "-": "del", "@": "at"}.get(line[:1], "same"), line


def numbered(text: str, problems: list[Problem]) -> list[NumberedLine]:
    """A document's lines around its problems."""
    at: dict[int, list[Problem]] = {}
    for problem in problems:
        at.setdefault(problem.line, []).append(problem)
    near = {line + offset for line in at for offset in (-2, -1, 0, 1, 2)}
    return [
        NumberedLine(number, line, tuple(at.get(number, ())))
        for number, line in enumerate(text.splitlines(), 1)
        if number in near
    ]


def explained(daemon: Daemon, source: str, target: str, service: str) -> dict[str, Any]:
    """Why packets pass or not, and the way of one. Raises Unanswerable, Refused."""
    held = compiled(daemon)
    ends = find_end(held.intent, source), find_end(held.intent, target)
    wanted = Inputs(held.topology, held.intent, held.numbering)
    found = []
    asked = find_service(service)
    for part in parts(held.intent, *ends, asked, SOURCE_PORT):
        done = follow(held, between_ends(wanted, *ends, part.flows[0]))
        reasons = [str(line) for line in because(held.intent, *ends, str(part), part.decided)]
        walk = [str(line) for line in lines(done)]
        found.append(
            {
                "part": str(part),
                "allowed": part.decided.allowed,
                "reasons": reasons,
                "path": path_text(done),
                "walk": walk,
            }
        )
    return {"from": end_text(ends[0]), "to": end_text(ends[1]), "service": str(asked), "parts": found}
