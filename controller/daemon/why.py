"""From "A cannot reach B" to a cause: the intents, what switches hold, cables, switches, hosts, what is beyond.

Lives here: what is looked at, in which order, and what is said of it. Each thing is sound, at fault, or not known; that
which is not known is never called sound. Must not know: HTTP.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from clos.controller.compile import Compiled
from clos.controller.daemon.discovery.cabling import LinkReport
from clos.controller.daemon.errors import UNKNOWN, Refused
from clos.controller.explain.inputs import Inputs
from clos.controller.explain.policy_reasons import because
from clos.controller.explain.questions import SOURCE_PORT, between_ends, find_end, find_service
from clos.controller.explain.trace import Followed, Outcome, follow, path_text
from clos.controller.intent.model import Service
from clos.controller.intent.reach import End, Flow
from clos.controller.intent.spans import parts
from clos.controller.wire.errors import SwitchError
from clos.controller.wire.switch_info import is_up
from clos.fabric.dataplane.ruleset import SwitchState
from clos.fabric.openflow import DecodeError
from clos.fabric.topology import LEGACY, PortRef

if TYPE_CHECKING:
    from clos.controller.daemon.daemon import Daemon

INTENT, SWITCH, PORT, LINK, GRAY, RULES, DRIFT, HOST, BEYOND = (
    "intent", "switch", "port", "link", "gray", "rules", "drift", "host", "legacy",
)  # fmt: skip
LISTEN = 2.0
"""Seconds in which a host is listened to."""


class Finding(NamedTuple):
    """One thing that was looked at: ``ok`` True: sound; False: a cause; None: not known."""

    about: str
    ok: bool | None
    text: str


class _Asked(NamedTuple):
    compiled: Compiled
    source: End
    target: End
    service: Service

    @property
    def leaves(self) -> tuple[str, ...]:
        """Those that the two are attached to."""
        return tuple(dict.fromkeys(port.switch for end in (self.source, self.target) for port in self.ports(end)))

    @property
    def near(self) -> tuple[str, ...]:
        """Every switch that a packet may meet on a straight way."""
        return (*self.leaves, *(spine.name for spine in self.compiled.topology.spines))

    def ports(self, end: End) -> tuple[PortRef, ...]:
        return self.compiled.topology.hosts[end.endpoint.host].ports


def why(daemon: Daemon, source: str, target: str, service: str, listen: float = LISTEN) -> tuple[Finding, ...]:
    """What was looked at, causes first. Raises Refused (no revision), BadQuestion (an unknown name)."""
    compiled = daemon.revisions.running.compiled
    if compiled is None:
        raise Refused(UNKNOWN, "no revision is in force: nothing reaches anything; run clos apply")
    intent = compiled.intent
    asked = _Asked(compiled, find_end(intent, source), find_end(intent, target), find_service(service))
    found = sorted(_findings(daemon, asked, listen), key=lambda one: (one.ok is not False, one.ok is not None))
    return tuple(dict.fromkeys(found))


def _findings(daemon: Daemon, asked: _Asked, listen: float) -> Iterator[Finding]:
    told = parts(
        asked.compiled.intent, asked.source, asked.target, asked.service, SOURCE_PORT, asked.compiled.topology.legacy
    )
    for part in told:
        text = " ".join(
            str(line).strip()
            for line in because(asked.compiled.intent, asked.source, asked.target, str(part), part.decided)
        )
        yield Finding(INTENT, part.decided.allowed, text)
    down: set[PortRef] = set()
    yield from _switches(daemon, asked)
    yield from _ports(daemon, asked, down)
    yield from _links(daemon, asked)
    yield from _gray(daemon, asked)
    flow = next((flow for part in told if part.decided.allowed for flow in part.flows), None)
    if flow is not None:
        yield from _walks(daemon, asked, flow, frozenset(down))
    yield from _hosts(daemon, asked, listen)


def _switches(daemon: Daemon, asked: _Asked) -> Iterator[Finding]:
    by_name = {one.name: one for one in daemon.queries.status().switches}
    drift = daemon.watch.found()
    for name in asked.near:
        report = by_name[name]
        if not report.connected:
            said = f"{name} is not connected to the controller ({report.problem}): what it forwards is not known"
            yield Finding(SWITCH, False if name in asked.leaves else None, said)
        elif name in drift and not drift[name].is_quiet:
            meaning = drift[name].meaning
            said = "; ".join((*meaning.sentences, *meaning.causes)) or meaning.why
            mine = any(str(asked.source) in s and str(asked.target) in s for s in meaning.sentences)
            yield Finding(DRIFT, False if mine else None, f"{name} does not hold what it should: {said}")
        elif not report.in_line:
            yield Finding(DRIFT, None, f"{name} is not in sync: {report.problem}")
    if all(by_name[name].in_line and name not in drift for name in asked.near):
        yield Finding(SWITCH, True, f"{', '.join(asked.leaves)} and every spine are connected and in sync.")


def _ports(daemon: Daemon, asked: _Asked, down: set[PortRef]) -> Iterator[Finding]:
    """``down`` is given the ports that are down."""
    topology = asked.compiled.topology
    for name in asked.near:
        try:
            up = {port.port: is_up(port) for port in daemon.switches.wire.facts(name).ports}
        except (SwitchError, DecodeError):
            continue  # told as a switch that is not there
        down.update(PortRef(name, port) for port in topology.ports[name] if not up.get(port, False))
    for end in (asked.source, asked.target):
        for port in asked.ports(end):
            if port in down:
                dual = len(asked.ports(end)) == 2
                yield Finding(PORT, None if dual else False, f"{end}: port {port} of host {end.endpoint.host} is down")
    for leaf in asked.leaves:
        ends = [PortRef(leaf, port) for port, _ in topology.uplinks[leaf]]
        dead = [end for end in ends if end in down or topology.peers[end] in down]
        if dead:
            said = f"{leaf}: {len(dead)} of {len(ends)} cables to spines are down"
            yield Finding(LINK, False if len(dead) == len(ends) else None, said)


def _links(daemon: Daemon, asked: _Asked) -> Iterator[Finding]:
    near = tuple(f"{leaf}:" for leaf in asked.leaves)
    wrong: list[LinkReport] = [link for link in daemon.queries.links() if link.is_wrong]
    for link in wrong:
        if link.a.startswith(near) or link.b.startswith(near):
            yield Finding(LINK, None, str(link))


def _gray(daemon: Daemon, asked: _Asked) -> Iterator[Finding]:
    for told in daemon.steering.told():
        part = told.alarm.part
        if part.at.switch in asked.near:
            yield Finding(GRAY, told.avoided, str(told))
    if not asked.compiled.topology.probes:
        yield Finding(GRAY, None, "no cable is probed (probes: true in the topology): one may lose frames unseen")
    elif not daemon.steering.told():
        yield Finding(GRAY, True, "probes find no cable or spine that loses, corrupts or delays frames.")


def _walks(daemon: Daemon, asked: _Asked, flow: Flow, down: frozenset[PortRef]) -> Iterator[Finding]:
    """The first packet, by what each switch holds now, with the ports dead that are."""
    unread: list[str] = []

    def held(name: str) -> SwitchState | None:
        try:
            return daemon.switches.wire.read(name).state
        except (SwitchError, DecodeError):
            unread.append(name)
            return None  # then what it should hold

    wanted = Inputs(asked.compiled.topology, asked.compiled.intent)
    for port in asked.ports(asked.source):
        probe = between_ends(wanted, asked.source, asked.target, flow, port.switch)
        done = follow(asked.compiled, probe, down, held)
        if done.outcome is Outcome.DELIVERED:
            doubt = f" (as {', '.join(unread)} should hold; not read)" if unread else ""
            yield Finding(RULES, None if unread else True, f"by what switches hold now: {path_text(done)}{doubt}")
        else:
            designed = follow(asked.compiled, probe, down).outcome is Outcome.DELIVERED
            yield _lost(done, designed)


def _lost(done: Followed, designed: bool) -> Finding:
    if designed:
        return Finding(DRIFT, False, f"what switches hold is not what they should: {path_text(done)}")
    return Finding(LINK if done.down else RULES, False, f"with the ports that are down: {path_text(done)}")


def _hosts(daemon: Daemon, asked: _Asked, listen: float) -> Iterator[Finding]:
    ends = [(end, port) for end in (asked.source, asked.target) for port in asked.ports(end)]
    before = _received(daemon, asked)
    if any(before.values()):
        time.sleep(listen)
    after = _received(daemon, asked)
    for end, port in ends:
        host = f"{end.endpoint.host} at {port}"
        if port not in after:
            yield Finding(HOST, None, f"{host}: how much it sends is not known")
        elif not after[port]:
            silent = f"{host} has sent no frame since {port.switch} started: it is off, or not cabled there"
            yield Finding(HOST, None if len(asked.ports(end)) == 2 else False, silent)
        elif after[port] > before.get(port, after[port]):
            yield Finding(HOST, True, f"{host} sends frames ({after[port]:,} so far).")
        else:
            quiet = f"{host} sent nothing in {listen:g} s ({after[port]:,} frames before): idle or silent"
            yield Finding(HOST, None, quiet)
        if asked.compiled.topology.hosts[end.endpoint.host].mode == LEGACY:
            yield Finding(BEYOND, None, f"{end} is in the legacy network beyond {port}: see clos migrate status")


def _received(daemon: Daemon, asked: _Asked) -> dict[PortRef, int]:
    """Frames received at ports of the two hosts' leaves."""
    found: dict[PortRef, int] = {}
    for leaf in asked.leaves:
        try:
            ports = daemon.switches.wire.glance(leaf).ports
        except SwitchError:
            continue
        found.update((PortRef(leaf, each.port), each.rx_packets) for each in ports)
    return found
