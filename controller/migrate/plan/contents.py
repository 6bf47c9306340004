"""What a change board reads of a plan, in its order.

Lives here: sections. Must not know: Markdown, HTML.
"""

from __future__ import annotations

from collections.abc import Iterator

from clos.controller.migrate.discover.names import vlan_text
from clos.controller.migrate.plan.contents_blocks import Block, heading, listing, table, text, typed
from clos.controller.migrate.plan.make import Planned
from clos.controller.migrate.plan.model import Phase, Plan, Prediction, Step
from clos.controller.migrate.segmentation.proof import MORE

TREES, ROUTES = "Spanning trees before the first step", "Networks and gateways"
_WAYS = {
    "strict": "The fabric permits no protocol and port that the access lists deny. TCP flags and ICMP messages are not "
    "told apart, so of what is permitted it may pass packets that the lists refuse; each is listed.",
    "exact": "The fabric permits not one packet that the access lists deny; what it denies for that is listed.",
    "lenient": "Whoever may open a conversation today may open it tomorrow, with answers; what passes more is listed.",
}


def blocks(planned: Planned) -> Iterator[Block]:
    """The whole document."""
    plan = planned.plan
    yield heading(1, f"Migration plan: {plan.name}")
    yield from _summary(planned)
    yield from _approvals(plan)
    yield from _networks(planned)
    yield from _trees(plan)
    yield from _segmentation(planned)
    yield from _silent(plan)
    yield from _capacity(plan)
    for phase in plan.phases:
        yield from _phase(phase)
    yield from _back(plan)


def _summary(planned: Planned) -> Iterator[Block]:
    plan = planned.plan
    steps = list(plan.steps())
    devices = {c.device for step in steps for c in step.commands}
    plugs = sum(len(step.plugs) for step in steps)
    yield heading(2, "In short")
    yield text(
        f"{len(planned.ground.segmentation.vlans)} VLANs with {len(planned.ground.segmentation.found.hosts)} addresses "
        f"move onto the fabric in {len(plan.phases)} phases and {len(steps)} steps. {len(devices)} of "
        f"{len(planned.ground.network.devices)} legacy devices are configured; {plugs} cables are moved by hand."
    )
    rows = []
    for phase in plan.phases:
        budgets = [b.ms for step in phase.steps for b in step.budgets]
        longest = f"{max(budgets):,} ms" if budgets else "0 ms"
        yes = ", ".join(sorted({b.who for b in phase.brakes})) or "nobody"
        rows.append((str(phase.number), phase.name, phase.what, str(len(phase.steps)), longest, yes))
    yield table(("phase", "name", "what", "steps", "longest loss of a host", "needs the yes of"), rows)
    yield text(
        f"The plan holds for the network whose digest is {plan.digest}; it is refused where a device was changed since."
    )


def _approvals(plan: Plan) -> Iterator[Block]:
    yield heading(2, "What needs a yes")
    rows = [(str(p.number), b.name, b.text, b.who) for p in plan.phases for b in p.brakes]
    yield table(("phase", "name", "what", "whose yes"), rows)
    yield heading(2, "Risks")
    yield listing(f"Phase {phase.number}: {risk}" for phase in plan.phases for risk in phase.risks)


def _networks(planned: Planned) -> Iterator[Block]:
    yield heading(2, ROUTES)
    owners = {o.vlan: o for o in planned.plan.start.gateways}
    rows = []
    for vlan in planned.ground.segmentation.vlans:
        owner = owners.get(vlan.number)
        subnets = ", ".join(map(str, vlan.subnets))
        count = str(len(planned.ground.hosts(vlan.number, "host")))
        gateway = f"{', '.join(map(str, vlan.gateways))}"
        rows.append(
            (str(vlan.number), vlan.name, subnets, gateway, ", ".join(owner.owners) if owner else "", count,
             owner.mac if owner else "stays")
        )  # fmt: skip
    yield table(("VLAN", "name", "subnets", "gateway", "active, then standby", "hosts", "MAC that moves"), rows)
    transit = planned.ground.transit
    if transit is not None:
        yield text(
            f"VLAN {transit.vlan}, {transit.subnet}, is made to be the way between the two: the fabric is "
            f"{transit.ours}, {transit.router} is {transit.theirs}; EIGRP {transit.asn}. The access lists of a VLAN "
            "follow it to that interface: between the fabric and everybody beyond they go on deciding, line by line."
        )


def _trees(plan: Plan) -> Iterator[Block]:
    yield heading(2, TREES)
    yield table(("VLANs", "root", "blocked ports"), _tree_rows(plan.start))
    if plan.start.unknown:
        yield text("What is not predicted:")
        yield listing(plan.start.unknown)


def _tree_rows(predicted: Prediction) -> list[tuple[str, str, str]]:
    groups: dict[tuple[str, str], list[int]] = {}
    for vlan, roots in predicted.roots.items():
        blocked = ", ".join(predicted.blocked.get(vlan, ())) or "none"
        groups.setdefault((", ".join(roots), blocked), []).append(vlan)
    return [(vlan_text(vlans), *key) for key, vlans in groups.items()]


def _segmentation(planned: Planned) -> Iterator[Block]:
    plan, found = planned.plan, planned.ground.segmentation
    yield heading(2, "Access lists and policies")
    yield text(_WAYS[plan.translation])
    yield text(
        f"Compared over sets of packets, for {found.proof.pairs:,} ordered pairs of sources and destinations, every "
        f"protocol, port, TCP flag and ICMP message: "
        + (
            "the policies permit exactly the same."
            if found.proof.equal
            else "what differs is below, all else is equal."
        )
    )
    rows = []
    for policy in found.translated.policies:
        because = "; ".join(found.translated.because.get(policy.name, ())) or "no access list"
        services = ", ".join(map(str, policy.services))
        if not policy.name.startswith("within-"):
            rows.append((policy.source, policy.target, services, policy.action, because))
    yield table(("from", "to", "services", "action", "because of"), rows)
    groups = [
        (g.name, "; ".join(str(found.translated.zones[n]) for n in sorted(g.zones))) for g in found.translated.groups
    ]
    yield heading(3, "Groups")
    yield table(("group", "who"), groups)
    for word, title in ((MORE, "What the fabric permits more"), ("denies", "What the fabric denies")):
        yield heading(3, title)
        some = [d for d in plan.differences if d.fabric == word]
        yield text("Nothing." if not some else f"{len(some)} lines, each with its exact packets:")
        for difference in some:
            yield heading(4, f"{difference.where}: {difference.line}")
            yield text(f"{difference.reason[0].upper()}{difference.reason[1:]}.")
            yield listing(difference.packets)
    if found.proof.unused:
        yield text("Lines that are about nobody that was found, and are not translated:")
        yield listing(f"{place}: {place.text}" for place in found.proof.unused)


def _silent(plan: Plan) -> Iterator[Block]:
    yield heading(2, "Who kept silent")
    if plan.silent:
        yield listing(plan.silent)
    else:
        yield text("Nobody: every address and MAC address that any table shows is in this plan.")


def _capacity(plan: Plan) -> Iterator[Block]:
    yield heading(2, "Room in the fabric's tables")
    rows = []
    for each in plan.capacity:
        size = f"{each.size:,} ({100 * each.rules // each.size} %)" if each.size else "not told (--table-size)"
        rows.append((each.switch, f"{each.rules:,}", each.step, size))
    yield table(("switch", "rules at most", "after step", "table size"), rows)


def _phase(phase: Phase) -> Iterator[Block]:
    yield heading(2, f"Phase {phase.number}: {phase.name}")
    yield text(f"{phase.what} The way back: {phase.back[0].lower()}{phase.back[1:]}")
    for step in phase.steps:
        yield from _step(step)


def _step(step: Step) -> Iterator[Block]:
    yield heading(3, f"Step {step.id}")
    yield text(step.what)
    if step.intents:
        first = "first, then the commands" if step.fabric_first and step.commands else "its intents"
        yield text(f"The fabric takes {step.intents} ({first}).")
    for each in step.commands:
        timer = ", a revert timer armed" if each.risky else ""
        yield text(f"On {each.device}{timer}:")
        yield typed(each.lines)
        yield text("The way back:")
        yield typed(each.inverse)
    if step.plugs:
        yield listing(str(plug) for plug in step.plugs)
    if step.checks:
        yield table(("when", "check"), [(check.when, str(check)) for check in step.checks])
    yield from _consequences(step)


def _consequences(step: Step) -> Iterator[Block]:
    changed = [
        f"{r.device} reaches {r.prefix} by {', '.join(r.by) or 'nothing any more'}" for r in step.predicted.routes
    ]
    if changed:
        yield text("Routes that change, as predicted:")
        yield listing(
            changed[:_ROUTES] + ([f"and {len(changed) - _ROUTES} more (plan.json)"] if len(changed) > _ROUTES else [])
        )
    reasons: dict[tuple[int, str], list[str]] = {}
    for budget in step.budgets:
        reasons.setdefault((budget.ms, budget.reason), []).append(budget.host)
    if reasons:
        rows = [(f"{ms:,} ms", _some(hosts), reason) for (ms, reason), hosts in reasons.items()]
        yield table(("may lose at most", "hosts", "why"), rows)


_ROUTES, _HOSTS = 12, 6


def _some(hosts: list[str]) -> str:
    return ", ".join(hosts) if len(hosts) <= _HOSTS else f"{', '.join(hosts[:_HOSTS])} and {len(hosts) - _HOSTS} more"


def _back(plan: Plan) -> Iterator[Block]:
    yield heading(2, "The way back")
    yield text(
        "Every phase can be left backwards: the last step first; in a step the cables, then the fabric's state before "
        "it, then the inverse commands of the last device first. All commands and then all inverse ones were played "
        "on a model of every configuration before this plan was written: they lead back to the configurations as "
        "discovered. On a device there are two more ways: the revert timer, and the startup configuration, which is "
        "written only when a phase is accepted."
    )
    yield table(("phase", "way back"), [(f"{p.number} {p.name}", p.back) for p in plan.phases])
