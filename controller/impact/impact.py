"""What a change of intents means, as sentences and as sets of packets. Nothing here looks at rules.

Lives here: the answer and its order. The sentences speak of endpoints and groups by name; the flows are the exact
packets, and there is a sentence iff there is a flow, a new limit apart. Must not know: rules, switches, YAML.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from clos.controller.impact.changed_flows import Flow, flows
from clos.controller.impact.endpoint_changes import residents
from clos.controller.impact.endpoint_names import Names
from clos.controller.impact.endpoint_pairs import (
    AffectedTenants,
    PermissionChanges,
    Snapshot,
    affected_tenants,
    endpoint_pairs,
)
from clos.controller.impact.outside_pairs import outside_pairs
from clos.controller.impact.permission_changes import LIMITS, PERMITS, REFUSES, TURNS, Permission, permissions
from clos.controller.impact.sentence import (
    ADDS,
    CHANGES,
    NETWORK,
    REMARK,
    REMOVES,
    Sentence,
    rate_text,
)
from clos.controller.impact.tickets import tickets
from clos.controller.impact.waypoint_flows import waypoint_flows
from clos.controller.intent.model import Intent, Tenant
from clos.fabric.packet.fields import ipv4_text
from clos.fabric.topology import Topology

ORDER = (PERMITS, REFUSES, TURNS, ADDS, REMOVES, CHANGES, NETWORK, REMARK, LIMITS)
"""What matters most comes first."""

NOTHING = "nothing changes for any packet"
NOTHING_ELSE = "nothing else changes"
NOBODY = Snapshot(Intent(), Topology("empty", {}, ()))
"""What there is before the first revision."""


class Impact(NamedTuple):
    """``sentences`` in their order; ``flows``: exactly the packets that have another fate."""

    sentences: tuple[Sentence, ...] = ()
    flows: tuple[Flow, ...] = ()

    def __str__(self) -> str:
        if not self.sentences:
            return NOTHING
        return "; ".join((*(one.text for one in self.sentences), NOTHING_ELSE))


def impact_of(old: Snapshot, new: Snapshot) -> Impact:
    """What the change from one intent to another means for packets. Costs what the tenants concerned cost."""
    who = affected_tenants(old, new)
    if not who.changed:
        return Impact()
    paired = endpoint_pairs(old, new, who.tenants)
    named = paired.named
    called = {str(p.before): str(p.after) for p in named if p.before and p.after and str(p.before) != str(p.after)}
    shifts = PermissionChanges(old.intent, new.intent, called)
    exact = tuple(sorted((*flows(old, new, who, paired, shifts), *waypoint_flows(old, new, who, paired, shifts))))
    every = [*named, *outside_pairs(old, new, who.tenants)]
    names = Names(old.intent, new.intent, every)
    said = [_said(one, names) for one in permissions(every, who, shifts)]
    said += residents(old, new, who, named, exact, names)
    said += _behind(old, new, who)
    said += tickets(old.intent, new.intent, who.changed)
    return Impact(tuple(sorted(said, key=lambda one: (ORDER.index(one.kind), one.text))), exact)


def _behind(old: Snapshot, new: Snapshot, who: AffectedTenants) -> Iterator[Sentence]:
    """What no set of packets here speaks of: prefixes behind endpoints of the tenants concerned, and the outside."""
    for name in sorted(who.changed):
        were, are = (
            {e.name: e.routes for e in side.intent.tenants[name].endpoints.values() if e.routes}
            if name in side.intent.tenants
            else {}
            for side in (old, new)
        )
        for endpoint in sorted(were.keys() | are.keys()):
            before, after = (
                ", ".join(f"{ipv4_text(base)}/{length}" for base, length in held.get(endpoint, ())) or "none"
                for held in (were, are)
            )
            routes = f"{before}" if before == after else f"{before} becomes {after}"
            text = f"what is behind {name}/{endpoint} is in none of these sets of packets (routes: {routes})"
            yield Sentence(REMARK, text, {"endpoint": f"{name}/{endpoint}", "before": before, "after": after})
        yield from _ways(name, *(side.intent.tenants.get(name) for side in (old, new)))


def _ways(name: str, old: Tenant | None, new: Tenant | None) -> Iterator[Sentence]:
    """By which routers a tenant reaches prefixes outside, where that changes."""
    were, are = (
        {prefix: way.router for way in side.external.values() for prefix in way.prefixes} if side is not None else {}
        for side in (old, new)
    )
    for prefix in sorted(were.keys() | are.keys()):
        before, after = were.get(prefix), are.get(prefix)
        if before != after:
            text = (
                f"{name} reaches {ipv4_text(prefix[0])}/{prefix[1]} by {after}"
                if after
                else (f"{name} has no way to {ipv4_text(prefix[0])}/{prefix[1]} any more")
            )
            text += f" (it was by {before})" if before else ""
            data = {"tenant": name, "prefix": f"{ipv4_text(prefix[0])}/{prefix[1]}", "before": before, "after": after}
            yield Sentence(CHANGES, text, data)
    if were or are:
        text = f"addresses outside of {name} are in these sentences, and in none of the sets of packets"
        yield Sentence(REMARK, text, {"tenant": name})


_VERBS = {PERMITS: "newly permits", REFUSES: "newly refuses", TURNS: "newly sends"}


def _said(one: Permission, names: Names) -> Sentence:
    """A permission as a sentence."""
    before = one.kind == REFUSES
    senders, receivers = (names.of(held, before) for held in (one.senders, one.receivers))
    services = [str(word) for word in one.words]
    about = f"{senders.text} {'<->' if one.mutual else '->'} {receivers.text} {', '.join(services)}"
    detail: dict[str, Any] = {
        "from": senders.data,
        "to": receivers.data,
        "services": services,
        "mutual": one.mutual,
    }
    if one.kind == LIMITS:
        was, now = one.rates
        detail |= {"before": rate_text(was), "after": rate_text(now)}
        text = f"limits {about} to {rate_text(now)} per leaf" if now else f"no longer limits {about}"
        return Sentence(LIMITS, f"{text} ({f'it was {rate_text(was)}' if was else 'it had no limit'})", detail)
    if any(one.vias):
        detail["via"] = dict(zip(("before", "after"), one.vias, strict=True))
    return Sentence(one.kind, _via(one, about) if any(one.vias) else f"{_VERBS[one.kind]} {about}", detail)


def _via(one: Permission, about: str) -> str:
    """A permission with a waypoint before the change or after it."""
    before, after = one.vias
    if after is None:
        return f"no longer sends {about} via {before}: it {'goes straight' if one.kind == TURNS else 'is refused'}"
    was = f" (it went {f'via {before}' if before else 'straight'})" if one.kind == TURNS else ""
    return f"{_VERBS[one.kind]} {about} via {after}{was}"
