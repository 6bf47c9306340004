"""What holds when something breaks: every claim with each cable cut, each switch dead, or two of these at once, and no
controller to do anything about it.

Lives here: which failures there are, which of them symmetry makes one, the answer for each. Must not know: intents'
text, switches' behaviour, processes: the caller says how work is spread (``each``).

A failure is ports without carrier. Hosts that it tears off the rest of the fabric are named and owed nothing by the
rest; within each part that is left, everything must hold: reachability between its hosts, and, as always, isolation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from itertools import combinations, permutations
from typing import NamedTuple

from clos.controller.intent.model import Intent
from clos.controller.verify.proof.claims import CLAIMS, Counterexample, Proof, Report
from clos.controller.verify.proof.prover import verify_states
from clos.controller.verify.resilience.symmetry import Symmetry, symmetries
from clos.fabric.dataplane.ruleset import SwitchState
from clos.fabric.topology import PortRef, Topology

LINK, SWITCH, CABLE = "link", "switch", "cable"


class Part(NamedTuple):
    """Something that may break: a link of two switches, a switch, or a cable of a host that has another one.

    ``ports``: those that lose carrier, at both ends of links.
    """

    kind: str
    name: str
    ports: frozenset[PortRef]

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


class Failure(NamedTuple):
    """Parts broken at once."""

    parts: tuple[Part, ...]

    @property
    def down(self) -> frozenset[PortRef]:
        return frozenset().union(*(part.ports for part in self.parts))

    def __str__(self) -> str:
        return " and ".join(map(str, self.parts))


class Kind(NamedTuple):
    """Failures that are one up to a symmetry of the fabric; the first stands for all."""

    failures: tuple[Failure, ...]

    @property
    def first(self) -> Failure:
        return self.failures[0]

    def __str__(self) -> str:
        more = len(self.failures) - 1
        return f"{self.first}" + (f" (and {more} alike)" if more else "")


class FailureVerdict(NamedTuple):
    """What holds under failures of a kind. ``torn``: hosts that they cut off from most others by themselves."""

    kind: Kind
    torn: tuple[str, ...]
    report: Report

    @property
    def holds(self) -> tuple[str, ...]:
        """The claims that need no controller."""
        return tuple(proof.claim for proof in self.report.proofs)

    def __str__(self) -> str:
        if self.report.refused is not None:
            return f"{self.kind}: {self.report.refused}"
        broken = [claim for claim in CLAIMS if claim not in self.holds]
        said = f"{', '.join(broken)} broken, the rest holds" if broken else "everything holds"
        return f"{self.kind}: {said}" + (f"; cut off: {', '.join(self.torn)}" if self.torn else "")


class Work(NamedTuple):
    """What is asked about, whatever fails."""

    intent: Intent
    topology: Topology
    states: Mapping[str, SwitchState]


OnVerdict = Callable[[Callable[[Kind], FailureVerdict], list[Kind]], Iterable[FailureVerdict]]
"""How to work through kinds: ``map``, or the same in several processes."""


def parts(topology: Topology) -> list[Part]:
    """Everything that may break, links first."""
    found = [Part(LINK, f"{link.a} - {link.b}", frozenset((link.a, link.b))) for link in topology.links]
    for name, numbers in topology.ports.items():
        ports = {PortRef(name, number) for number in numbers}
        found.append(Part(SWITCH, name, frozenset(ports | {topology.peers[p] for p in ports & topology.peers.keys()})))
    for host in topology.hosts.values():
        if len(host.ports) > 1:
            found += [Part(CABLE, f"{port} - {host.name}", frozenset((port,))) for port in host.ports]
    return found


def failures(topology: Topology, at_once: int = 1) -> list[Failure]:
    """Every failure of so many parts at once, none of them within another."""
    every = (Failure(some) for some in combinations(parts(topology), at_once))
    return [one for one in every if not any(a.ports <= b.ports for a, b in permutations(one.parts, 2))]


def kinds(topology: Topology, states: Mapping[str, SwitchState], at_once: int = 1) -> list[Kind]:
    """Every failure, in kinds: the classes that proved symmetries generate. Each failure is in exactly one."""
    every: dict[frozenset[PortRef], list[Failure]] = {}
    for failure in failures(topology, at_once):
        every.setdefault(failure.down, []).append(failure)
    found = _orbits(list(every), symmetries(topology, states))
    return [Kind(tuple(failure for down in orbit for failure in every[down])) for orbit in found]


def _orbits(downs: list[frozenset[PortRef]], swaps: list[Symmetry]) -> Iterator[list[frozenset[PortRef]]]:
    """The sets of ports that exchanges take to one another."""
    seen: set[frozenset[PortRef]] = set()
    for start in downs:
        if start in seen:
            continue
        seen.add(start)
        orbit = [start]
        for down in orbit:
            images = dict.fromkeys(swap.image(down) for swap in swaps)
            orbit += [image for image in images if image not in seen]
            seen.update(images)
        yield orbit


def answer(work: Work, kind: Kind) -> FailureVerdict:
    """Prove every claim under the first failure of a kind, in each part of the fabric that it leaves."""
    down = kind.first.down
    regions = _regions(work.topology, down)
    everything = frozenset(PortRef(name, port) for name, ports in work.topology.ports.items() for port in ports)
    reports = [
        verify_states(work.intent, work.topology, work.states, down | (everything - region))
        for region in regions or [everything - down]
    ]
    return FailureVerdict(kind, _disconnected(work.topology, down, regions), _joined(reports))


def answers(
    intent: Intent,
    topology: Topology,
    states: Mapping[str, SwitchState],
    at_once: int = 1,
    each: OnVerdict | None = None,
) -> Iterator[FailureVerdict]:
    """The verdict on every kind of failure, in the order of ``kinds``."""
    work = Work(intent, topology, states)
    yield from (each or map)(partial(answer, work), kinds(topology, states, at_once))


def cut_off(topology: Topology, down: frozenset[PortRef]) -> tuple[str, ...]:
    """The hosts that a failure cuts off from most others."""
    return _disconnected(topology, down, _regions(topology, down))


def _regions(topology: Topology, down: frozenset[PortRef]) -> list[frozenset[PortRef]]:
    """The ports of each part of the fabric that has hosts, the part with most hosts first. A host is no way through."""
    near: dict[str, set[str]] = {name: {name} for name in topology.switches}
    for a, b in topology.peers.items():
        if a not in down:
            near[a.switch].add(b.switch)
    groups = _components(near)
    ports = [frozenset(PortRef(n, p) for n in group for p in topology.ports[n]) - down for group in groups]
    housed = [some for some in ports if some & topology.host_at.keys()]
    return sorted(housed, key=lambda some: (-len(_hosts(topology, some)), sorted(some)))


def _components(near: Mapping[str, set[str]]) -> list[set[str]]:
    found: list[set[str]] = []
    left = set(near)
    while left:
        group, waiting = set[str](), [min(left)]
        while waiting:
            name = waiting.pop()
            if name not in group:
                group.add(name)
                waiting += near[name]
        left -= group
        found.append(group)
    return found


def _hosts(topology: Topology, ports: Iterable[PortRef]) -> set[str]:
    return {topology.host_at[port] for port in ports if port in topology.host_at}


def _disconnected(topology: Topology, down: frozenset[PortRef], regions: list[frozenset[PortRef]]) -> tuple[str, ...]:
    """The hosts that are not in the part with most hosts."""
    rest = _hosts(topology, regions[0]) if regions else set()
    return tuple(sorted(topology.hosts.keys() - rest))


def _joined(reports: list[Report]) -> Report:
    """One report on all parts: a claim holds that holds in each."""
    refused = next((report.refused for report in reports if report.refused is not None), None)
    if len(reports) == 1 or refused is not None:
        return reports[0] if refused is None else Report((), (), refused)
    told = tuple(one for report in reports for one in report.counterexamples)
    return Report(_held(reports), _by_claim(told), None, sum(report.found for report in reports))


def _held(reports: list[Report]) -> tuple[Proof, ...]:
    proofs = [{proof.claim: proof for proof in report.proofs} for report in reports]
    common = [claim for claim in CLAIMS if all(claim in held for held in proofs)]
    return tuple(proofs[0][claim] for claim in common)


def _by_claim(told: tuple[Counterexample, ...]) -> tuple[Counterexample, ...]:
    order = list(CLAIMS)
    return tuple(sorted(told, key=lambda one: order.index(one.claim)))
