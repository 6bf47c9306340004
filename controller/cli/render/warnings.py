"""Warnings about intents that are valid and surely not meant: policies that never match, in words and by line.

Lives here: the sentences. Must not know: how it is found out, flags.
"""

from __future__ import annotations

from collections.abc import Iterator

from clos.controller.analysis.unmatched_policies import CLIENT_PORTS, Unmatched, unmatched
from clos.controller.cli.render.text import count
from clos.controller.intent import Problem
from clos.controller.intent.model import DENY, Intent

_SHOWN = 3
"""Policies that a warning names."""


def warnings(intent: Intent) -> Iterator[Problem]:
    """Every warning about an intent, in its order, at the line of the policy concerned."""
    for one in unmatched(intent):
        yield Problem(*one.policy.where, f"spec.policies[{one.place}]", _text(one))


def _text(one: Unmatched) -> str:
    policy = one.policy
    what = f"policy {policy.name}" if one.service is None else f"{one.service} of policy {policy.name}"
    if not one.by:
        return f"{what} never matches: groups {policy.source} and {policy.target} hold one endpoint, the same"
    taken = "all of its packets"
    if one.clients:
        taken = f"all of its packets that clients send (from ports {CLIENT_PORTS[0]} to {CLIENT_PORTS[1]})"
    word = "never matches" if not one.clients else "hardly ever matches"
    do = "move it before them" if len(one.by) > 1 else "move it before that one"
    advice = f"{do}, or delete it" if one.service is None else f"{do}, or delete the service"
    return f"{what} {word}: {_earlier(one)} {taken}; {advice}"


def _earlier(one: Unmatched) -> str:
    """Who takes the packets: ``deny no-telnet (line 9) takes``."""
    shown = [f"{'deny' if by.action == DENY else 'allow'} {by.name} (line {by.where.line})" for by in one.by[:_SHOWN]]
    if len(one.by) > _SHOWN:
        shown.append(count(len(one.by) - _SHOWN, "other policy", "other policies"))
    names = " and ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)
    return f"{names} {'takes' if len(one.by) == 1 else 'take'}"
