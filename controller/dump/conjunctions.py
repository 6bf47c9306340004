"""Conjunctive matches as the plain rules they stand for: one for each choice of a clause per dimension.

Lives here: making them. Must not know: how flows are spelt.
Source: ovs-fields(7), "Conjunctive Match Fields".
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from math import prod

from clos.controller.dump.ovs_flow import FlowRule
from clos.controller.dump.words import NotModelled
from clos.fabric.dataplane.match import Match
from clos.fabric.packet.fields import FIELDS, ORDER

MOST = 4_096
"""Rules that one conjunction may stand for."""


def expanded(taken: FlowRule, clauses: list[FlowRule]) -> Iterator[FlowRule]:
    """The rules by which packets come to ``taken``, whose ``conj_id`` the clauses give. Raises NotModelled."""
    by_dimension: dict[int, list[FlowRule]] = {}
    size = 0
    for flow in clauses:
        for clause in flow.clauses:
            if clause.conj_id == taken.conj_id and flow.rule.table == taken.rule.table:
                by_dimension.setdefault(clause.k, []).append(flow)
                size = max(size, clause.n)
    if len(by_dimension) < size or not by_dimension:
        return  # a dimension without clauses takes no packet
    if len({flow.rule.priority for some in by_dimension.values() for flow in some} | {taken.rule.priority}) > 1:
        raise NotModelled("a conjunction of several priorities")
    if prod(map(len, by_dimension.values())) > MOST:
        raise NotModelled(f"a conjunction of more than {MOST:,} rules")
    seen: set[Match] = set()
    for chosen in product(*by_dimension.values()):
        match = _common(taken.rule.match, *(flow.rule.match for flow in chosen))
        if match is not None and match not in seen:
            seen.add(match)
            yield taken._replace(rule=taken.rule._replace(match=match), conj_id=None)


def _common(*matches: Match) -> Match | None:
    """What all of the matches take; None: nothing."""
    held: dict[str, tuple[int, int]] = {}
    for match in matches:
        for name, value, mask in match:
            full = (1 << 2048) - 1 if name == "metadata" else FIELDS[name].full
            mask = FIELDS[name].full if mask is None else mask & full
            known, bits = held.get(name, (0, 0))
            if (known ^ value) & bits & mask:
                return None
            held[name] = known | value, bits | mask
    terms = [(name, value, None if mask == FIELDS[name].full else mask) for name, (value, mask) in held.items()]
    return type(max(matches, key=lambda one: type(one) is not Match)).trusted(sorted(terms, key=lambda t: ORDER[t[0]]))
