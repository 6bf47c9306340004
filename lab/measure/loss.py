"""How much is lost when something fails or changes: a stream through the lab, and an event amid it.

Lives here: the cases, and how each is done and undone. Must not know: why a fabric heals, how traffic is sent.

Failures of cables and switches happen with no controller running; what a controller does is measured with the lab's
own, or with ``clos serve`` where its process is to die.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from typing import NamedTuple

from clos.controller.compile import compile_fabric
from clos.controller.intent import Text
from clos.controller.intent.model import Intent
from clos.fabric.topology import PortRef
from clos.lab.lab import Lab
from clos.lab.measure.controller_process import ControllerProcess, listen_to, served
from clos.lab.measure.scenario import Scenario, changed_policy, moved_endpoint, scenario, text
from clos.lab.measure.stream import Loss, Stream, measure
from clos.lab.ovs.processes import LabError

FLAPS = 10
FLAP = 0.15
"""Seconds a flapping link stays down, and up."""
ALLOW = ("deletes", "uplink", "empty")


class Path(NamedTuple):
    """The cables a stream takes: up from its leaf, down from a spine to ``leaf``."""

    up: PortRef
    spine: str
    down: PortRef
    leaf: str


def path(lab: Lab, flow: Stream) -> Path:
    """Which way the stream takes now: found by sending some of it and looking at switches' counters."""
    leaf, ends = flow.source.ports[0].switch, {port.switch for port in flow.target.ports}
    before: dict[str, dict[int, int]] = {}
    watched = [leaf, *(switch.name for switch in lab.topology.spines)]

    def note() -> None:
        before.update({name: lab.sent(name) for name in watched})

    measure(lab, "", note, flow, 0.4)
    grown = {name: {port: sent - before[name][port] for port, sent in lab.sent(name).items()} for name in watched}
    up = max(grown[leaf], key=grown[leaf].__getitem__)
    spine = dict(lab.topology.uplinks[leaf])[up]
    downs = {number: name for number, name in lab.topology.downlinks[spine] if name in ends}
    down = max(downs, key=grown[spine].__getitem__)
    return Path(PortRef(leaf, up), spine, PortRef(spine, down), downs[down])


# What breaks, without a controller.


def nothing(lab: Lab, on: Scenario) -> Loss:
    return measure(lab, "", lambda: None, on.flow, tcp=True)


def _cut(lab: Lab, flow: Stream, choose: Callable[[Path], Iterable[PortRef]]) -> Loss:
    ports = [*choose(path(lab, flow))]
    try:
        return measure(lab, "", lambda: lab.cut(*ports), flow, tcp=True)
    finally:
        lab.mend(*ports)
        time.sleep(0.3)


def _ports(lab: Lab, switch: str) -> list[PortRef]:
    """All of a switch's ports that have cables."""
    return [port for port in (*lab.topology.peers, *lab.topology.host_at) if port.switch == switch]


def local_link(lab: Lab, on: Scenario) -> Loss:
    return _cut(lab, on.flow, lambda way: [lab.topology.peers[way.up]])


def remote_link(lab: Lab, on: Scenario) -> Loss:
    return _cut(lab, on.flow, lambda way: [lab.topology.peers[way.down]])


def spine_crash(lab: Lab, on: Scenario) -> Loss:
    return _cut(lab, on.flow, lambda way: _ports(lab, way.spine))


def leaf_crash(lab: Lab, on: Scenario) -> Loss:
    """Of the two leaves a dual-homed endpoint has, the one its packets come by."""
    if on.pair is None:
        raise LabError("no endpoint is dual-homed here")
    return _cut(lab, on.pair, lambda way: _ports(lab, way.leaf))


def flapping(lab: Lab, on: Scenario) -> Loss:
    """The cable the stream takes goes down and up, FLAPS times."""
    port = lab.topology.peers[path(lab, on.flow).up]

    def flap() -> None:
        for _ in range(FLAPS):
            lab.cut(port)
            time.sleep(FLAP)
            lab.mend(port)
            time.sleep(FLAP)

    return measure(lab, "", flap, on.flow, tcp=True)


# What the lab's own controller does.


def _apply(lab: Lab, intents: list[Text]) -> None:
    lab.cell.ask("apply", intents=intents, why="loss", allow=ALLOW)


def _change(lab: Lab, on: Scenario, intent: Intent, flow: Stream, *, moved: bool = False) -> Loss:
    also = [on.elsewhere] if moved and on.elsewhere is not None else []
    try:
        return measure(lab, "", lambda: _apply(lab, text(intent)), flow, tcp=not moved, also=also)
    finally:
        _apply(lab, text(on.intent))


def policy_change(lab: Lab, on: Scenario) -> Loss:
    return _change(lab, on, changed_policy(on), on.flow)


def endpoint_move(lab: Lab, on: Scenario) -> Loss:
    """As when a virtual machine moves: it is at both places for a moment, and a datagram at either has arrived."""
    return _change(lab, on, moved_endpoint(on), on.flow, moved=True)


def controller_stop(lab: Lab, on: Scenario) -> Loss:
    def stop_and_start() -> None:
        lab.cell.ask("controller", state="stop")
        lab.cell.ask("controller", state="start")
        lab.await_in_line()

    return measure(lab, "", stop_and_start, on.flow, tcp=True)


def switch_wiped(lab: Lab, on: Scenario) -> Loss:
    """The sender's leaf forgets all it holds and connects anew, as after a restart: the gap is its reprogramming."""
    name = on.flow.source.ports[0].switch
    target = lab.cell.run("", "ovs-vsctl", "get-controller", name).stdout.strip()
    forget = "; ".join(f"ovs-ofctl -OOpenFlow13 {what} {name}" for what in ("del-flows", "del-groups", "del-meters"))
    words = f"ovs-vsctl del-controller {name}; {forget}; ovs-vsctl set-controller {name} {target}"
    try:
        return measure(lab, "", lambda: lab.cell.run("", "sh", "-c", words), on.flow, 3.0)
    finally:
        lab.await_in_line()


def switches_restarted(lab: Lab, on: Scenario) -> Loss:
    """The daemon of all switches is killed (-9) and started: every switch comes back empty, at once.

    A real switch would restart alone; here all forwarding rests until the daemon is back, and that is part of the gap.
    """
    try:
        return measure(lab, "", lambda: lab.cell.ask("restart"), on.flow, 3.0)
    finally:
        lab.await_in_line()


# What happens to a controller's process.


def controller_killed(lab: Lab, on: Scenario) -> Loss:
    """kill -9, and a new one on the same store."""
    with served(lab) as server:
        return measure(lab, "", lambda: _again(server, signal.SIGKILL), on.flow, tcp=True)


def warm_upgrade(lab: Lab, on: Scenario) -> Loss:
    """A newer process, on a copy of the store, takes the switches over while the older still runs; that then ends."""
    with served(lab) as old:
        state = lab.cell.directory / "newer"
        state.mkdir(exist_ok=True)
        new = ControllerProcess(lab, state, old.port + 1)
        new.restore_store(old.keep_store())

        def upgrade() -> None:
            new.start()
            listen_to(lab, old, new)
            new.await_in_line()
            old.end()
            listen_to(lab, new)

        try:
            return measure(lab, "", upgrade, on.flow, tcp=True)
        finally:
            new.end()


def store_restored(lab: Lab, on: Scenario) -> Loss:
    """The process dies and its store with it; one with a backup from before the last change takes the fabric back."""
    with served(lab) as server:
        server.apply(text(on.intent))
        copy = server.keep_store()
        server.apply(text(changed_policy(on)))

        def restore() -> None:
            server.end(signal.SIGKILL)
            server.restore_store(copy)
            server.start()
            server.await_in_line()

        return measure(lab, "", restore, on.flow, tcp=True)


def _again(server: ControllerProcess, how: signal.Signals) -> None:
    server.end(how)
    server.start()
    server.await_in_line()


class Case(NamedTuple):
    """``alone``: with no controller. ``most``: what may be lost at the median, in datagrams, if there is a target.

    ``needs``: what of the ground it cannot do without.
    """

    run: Callable[[Lab, Scenario], Loss]
    alone: bool
    most: int | None
    needs: str = "flow"


CASES: dict[str, Case] = {
    "nothing": Case(nothing, True, 0),
    "local link": Case(local_link, True, 60),
    "remote link": Case(remote_link, True, 60),
    "spine crash": Case(spine_crash, True, 60),
    "leaf crash": Case(leaf_crash, True, 60, "pair"),
    "link flapping": Case(flapping, True, None),
    "policy change": Case(policy_change, False, 0),
    "endpoint move": Case(endpoint_move, False, 0, "elsewhere"),
    "controller stop": Case(controller_stop, False, 0),
    "controller kill": Case(controller_killed, False, 0),
    "warm upgrade": Case(warm_upgrade, False, 0),
    "store restored": Case(store_restored, False, 0),
    "switch wiped": Case(switch_wiped, False, 1000),
    "switches restarted": Case(switches_restarted, False, None),
}


@contextmanager
def grounded(lab: Lab) -> Iterator[tuple[Lab, Scenario]]:
    """The lab with the measurement's conversations permitted; its own intents come back afterwards."""
    on = scenario(lab.intent, lab.topology)
    _apply(lab, text(on.intent))
    try:
        yield lab._replace(intent=on.intent, ruleset=compile_fabric(on.intent, lab.topology).ruleset), on
    finally:
        _apply(lab, lab.texts())


def losses(
    lab: Lab, names: Iterable[str] = (), runs: int = 1, tell: Callable[[Loss], object] = lambda loss: None
) -> dict[str, list[Loss]]:
    """Every case (or those named) so many times; none of a case the lab has not the fabric for. Raises LabError.

    ``tell`` hears of each run.
    """
    chosen = {name: CASES[name] for name in names} or CASES
    found: dict[str, list[Loss]] = {name: [] for name in chosen}
    with grounded(lab) as (fabric, on):
        for name, case in chosen.items():
            with _alone(lab) if case.alone else nullcontext():
                for _ in range(runs if getattr(on, case.needs) is not None else 0):
                    loss = case.run(fabric, on)._replace(what=name)
                    found[name].append(loss)
                    tell(loss)
    return found


@contextmanager
def _alone(lab: Lab) -> Iterator[None]:
    """With no controller."""
    lab.cell.ask("controller", state="stop")
    try:
        yield
    finally:
        lab.cell.ask("controller", state="start")
        lab.await_in_line()


def load() -> float:
    """The machine's load average over the last minute: figures of a busy machine are a busy machine's."""
    return os.getloadavg()[0]
