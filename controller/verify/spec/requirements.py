"""What must become of packets: the values a specification gives, and what is the same for every intent.

Must not know: intents, rules, how requirements come about.
"""

from __future__ import annotations

from typing import NamedTuple

from clos.controller.verify.headerspace.header_space import Box, Limits, outside, within
from clos.controller.verify.headerspace.transform import HeaderTransform
from clos.controller.verify.spec.policy_space import PolicyClass

TO_CONTROLLER = "the controller"
"""Stands for it among the hosts that packets arrive at; no host has a name with a space in it."""


class Requirement(NamedTuple):
    """What must become of packets. ``sender``: tenant and endpoint, None when nobody may send them.

    ``arrivals``: each host that must get a copy, and how that looks. ``free``: hosts to which copies may go besides
    or not (the sender's own, for what it addresses to itself). ``why``: a phrase for people. ``later``: the host that
    they are for and must not get yet, because a waypoint gets them first.
    """

    sender: tuple[str, str] | None
    why: str
    arrivals: tuple[tuple[str, HeaderTransform], ...] = ()
    free: tuple[str, ...] = ()
    later: str | None = None


class ConditionalRequirement(NamedTuple):
    """``yes`` for the packets within any of the limits (which have nothing in common), ``no`` for the others.

    ``who``: whom the packets are for; the limits depend on that and on the sender, the rest does not.
    """

    permits: tuple[Limits, ...]
    yes: Requirement
    no: Requirement
    who: PolicyClass


Requirements = tuple[Box, Requirement | ConditionalRequirement]


def requirement_cases(box: Box, requirement: Requirement | ConditionalRequirement) -> list[tuple[Box, Requirement]]:
    """What is wanted of the packets of a box, choices spelt out."""
    if isinstance(requirement, Requirement):
        return [(box, requirement)]
    left, found = [box], []
    for limits in requirement.permits:
        found += [(taken, requirement.yes) for part in left if (taken := within(part, limits)) is not None]
        left = [rest for part in left for rest in outside(part, limits)]
    return found + [(part, requirement.no) for part in left]


NOT_ADMITTED = Requirement(None, "it bears the addresses of no endpoint of this port")
