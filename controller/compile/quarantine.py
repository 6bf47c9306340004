"""Numbers that switches may still use which were not there to hear that they are free.

A switch that has lost its controller goes on forwarding by its old rules. A segment tag that a change freed while it
was away, given to another tenant by a later change, would carry the old tenant's frames into the new one's segment.
So what was freed stays out of use until every switch is in line. Values only; knows no switch.
"""

from __future__ import annotations

from collections.abc import Mapping

from clos.controller.compile.numbering import Numbering, TenantNumbers

MARK = "\0"
"""Begins the names under which freed numbers are kept: no tenant's name does."""


def freed(before: Numbering, after: Numbering, revision: int) -> dict[str, TenantNumbers]:
    """What a change from ``before`` to ``after``, made at ``revision``, may have freed."""
    return {f"{MARK}{revision}/{name}": held for name, held in before.items() if after.get(name) != held}


def reserving(numbering: Numbering, reserved: Mapping[str, TenantNumbers]) -> Numbering:
    """The numbering with the reserved numbers taken by nobody: what to compile the next change on."""
    return {**numbering, **reserved}
