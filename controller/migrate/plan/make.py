"""A plan from a discovered network and a fabric: phases with their brakes and risks, and the intents beside it.

Lives here: what is put together in which order. Must not know: files, the command line.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from clos.controller.intent.model import Intent
from clos.controller.migrate.model import Network
from clos.controller.migrate.plan import model as m
from clos.controller.migrate.plan import steps
from clos.controller.migrate.plan.capacity import capacity
from clos.controller.migrate.plan.config_change import after, same
from clos.controller.migrate.plan.ground import (
    Border,
    Ground,
    Unplannable,
    choose_transit,
    endpoint_names,
    read_borders,
)
from clos.controller.migrate.plan.making import Course
from clos.controller.migrate.plan.refusals import refusals
from clos.controller.migrate.plan.warnings import brakes, risks
from clos.controller.migrate.run.configuration import digest
from clos.controller.migrate.segmentation.hosts import Host, hosts
from clos.controller.migrate.segmentation.segment import segment
from clos.controller.migrate.segmentation.vlans import vlans
from clos.fabric.topology import Topology

PHASES: Sequence[tuple[int, str, str, str, Callable[[Course], Iterator[m.Step]]]] = (
    (m.DISCOVER, "discover", "Read the network; change nothing.", "There is nothing to undo.", steps.discover),
    (m.PREPARE, "plan", "Agree on this plan.", "There is nothing to undo.", steps.prepare),
    (m.EXTEND, "extend L2", "Let the VLANs through to the fabric; gateways and hosts stay.",
     "Take the VLANs off the trunks, last first; shut the ports; the fabric forgets the hosts.", steps.extend),
    (m.COEXIST, "coexist L3", "Speak EIGRP with the legacy routers on a transit VLAN.",
     "The fabric's router says goodbye; the transit VLAN and its interfaces are removed.", steps.coexist),
    (m.GATEWAYS, "move gateways", "Move gateways VLAN by VLAN, each with its address and MAC address.",
     "The fabric resigns in HSRP, the legacy router takes over at once; its prefixes are withdrawn.", steps.gateways),
    (m.HOSTS, "move hosts", "Move hosts cable by cable.", "Plug each host back where it was.", steps.hosts),
    (m.CLEAN, "clean up", "Shut what nobody needs any more.", "Open it again.", steps.clean),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Planned:
    """A plan, the intents of its steps by file, and what it was made from."""

    plan: m.Plan
    intents: Mapping[str, Intent]
    ground: Ground
    network: Network


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the person who plans asks for."""

    name: str
    borders: tuple[str, ...]
    translation: str = "strict"
    only: tuple[int, ...] = ()
    transit: str | None = None
    accepted: tuple[str, ...] = ()
    table_size: int | None = None


def make(network: Network, configs: Mapping[str, str], topology: Topology, wishes: Wishes) -> Planned:
    """The plan. Raises Unplannable with every reason; NotUnderstood, TooMany, NoInverse with the line."""
    ground = _ground(network, configs, topology, wishes)
    course = Course.start(ground)
    start = course.predicted
    phases = []
    for number, name, what, back, of in PHASES:
        made = tuple(of(course))
        phases.append(m.Phase(number, name, what, back, made, brakes(ground, number, made), risks(ground, number)))
    plan = m.Plan(
        m.FORMAT, wishes.name, network_digest(configs), "fabric.yaml", tuple(phases), start,
        {device: digest(text) for device, text in sorted(configs.items())}, wishes.translation, wishes.only,
        ground.segmentation.differences, ground.segmentation.found.silent,
        capacity(topology, course.intents, wishes.table_size),
    )  # fmt: skip
    _check_way_back(plan, configs)
    return Planned(plan, course.intents, ground, course.network)


def network_digest(configs: Mapping[str, str]) -> str:
    """Of a network: of its devices' configurations."""
    said = "\n".join(f"{name} {digest(text)}" for name, text in sorted(configs.items()))
    return hashlib.blake2b(said.encode(), digest_size=16).hexdigest()


def _ground(network: Network, configs: Mapping[str, str], topology: Topology, wishes: Wishes) -> Ground:
    reasons = list(refusals(network, wishes.accepted))
    known = vlans(network)
    mine = [v for v in known if not v.between_routers and (not wishes.only or v.number in wishes.only)]
    reasons += [
        f"--only-vlan {number}: there is no VLAN {number} with routers in it; there are "
        + ", ".join(str(v.number) for v in known if not v.between_routers)
        for number in wishes.only
        if number not in {v.number for v in mine}
    ]
    borders: tuple[Border, ...] = ()
    try:
        borders = read_borders(wishes.borders, network, topology)
    except Unplannable as fault:
        reasons += fault.reasons
    if reasons:
        raise Unplannable(reasons)
    names = endpoint_names(hosts(network, mine).hosts, mine, topology)
    name_of: Callable[[Host], str] = lambda host: names[host.vlan, host.address]  # noqa: E731 - one expression
    segmentation = segment(network, name_of, wishes.translation, wishes.only, ())
    transit = choose_transit(network, borders[0], wishes.transit, segmentation.found.hosts)
    return Ground(wishes.name, network, configs, topology, borders, transit, segmentation, names)


def _check_way_back(plan: m.Plan, configs: Mapping[str, str]) -> None:
    """Plays all steps and then all inverses on the configurations. Raises Unplannable where they do not meet."""
    held = dict(configs)
    states = []
    for step in plan.steps():
        for each in step.commands:
            states.append((each, held[each.device]))
            held[each.device] = after(held[each.device], each.lines)
    for each, before in reversed(states):
        held[each.device] = after(held[each.device], each.inverse)
        if not same(held[each.device], before):
            raise Unplannable([f"{each.device}: the inverse of {each.lines[0]!r} and more does not lead back"])
