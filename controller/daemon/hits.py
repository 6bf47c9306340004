"""Which line of the intents lets how much pass, and which never did: counters of the policy table, by cookie.

Lives here: sums over switches. A packet passes the policy table once, on the switch where it comes in, so the sums
count each packet once. Must not know: how counters are read.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from clos.controller.compile import Compiled, cookie, origins
from clos.controller.compile.cookie import import_path, policy_path, share_path
from clos.controller.compile.stages import POLICY
from clos.controller.intent.model import DENY, Intent
from clos.controller.wire.glance import Glance, Hits


class Line(NamedTuple):
    """A policy or share: its ``path`` and place, whether it ``denies``, what its rules have matched since each of them
    was installed, and on how many of the switches that hold it that is known."""

    path: str
    file: str
    line: int
    denies: bool
    rules: int
    packets: int
    bytes: int
    ticket: str = ""
    description: str = ""


class HitsFound(NamedTuple):
    """``lines`` in the order of the documents; ``denied``: what no line names, so it was dropped.

    ``counted`` of ``switches``: those whose counters have been read. Where they are fewer, the sums are a part, and
    "never" is not known.
    """

    lines: tuple[Line, ...]
    denied: Hits
    counted: int
    switches: int


def hits(compiled: Compiled, seen: Mapping[str, Glance]) -> HitsFound:
    """The sums over all glances."""
    sums: dict[int, list[int]] = {}
    for glance in seen.values():
        for (table, key), counts in glance.hits.items():
            if table == POLICY.table:
                total = sums.setdefault(key, [0, 0, 0])
                for index, number in enumerate(counts):
                    total[index] += number
    deny = {
        cookie(policy_path(tenant.name, policy.name))
        for tenant in compiled.intent.tenants.values()
        for policy in tenant.policies
        if policy.action == DENY
    }
    deny |= {
        cookie(import_path(tenant.name, wish.tenant, wish.share))
        for tenant in compiled.intent.tenants.values()
        for wish in tenant.imports
    }
    known, notes = origins(compiled.intent), _notes(compiled.intent)
    lines = [
        Line(
            found.path,
            found.where.file,
            found.where.line,
            key in deny,
            *sums.get(key, (0, 0, 0)),
        )._replace(ticket=notes[found.path][0], description=notes[found.path][1])
        for key, found in known.items()
        if ".policies." in found.path or ".imports." in found.path or found.path.startswith("shares.")
    ]
    refused = [0, 0, 0]
    for key, total in sums.items():
        if key not in known:
            refused = [one + other for one, other in zip(refused, total, strict=True)]
    leaves = {name for name, switch in compiled.topology.switches.items() if switch.role != "spine"}
    lines.sort(key=lambda line: (line.file, line.line))
    return HitsFound(tuple(lines), Hits(*refused), len(leaves & seen.keys()), len(leaves))


def _notes(intent: Intent) -> dict[str, tuple[str, str]]:
    """The ticket and the description of every policy and share, by its path."""
    notes: dict[str, tuple[str, str]] = {}
    for tenant in intent.tenants.values():
        notes |= {policy_path(tenant.name, one.name): (one.ticket, one.description) for one in tenant.policies}
        notes |= {import_path(tenant.name, wish.tenant, wish.share): ("", "") for wish in tenant.imports}
    for share in intent.shares.values():
        notes[share_path(share.tenant, share.name)] = share.ticket, share.description
    return notes
