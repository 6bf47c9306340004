"""What a failed test says of a packet: what was sent, what the intents say of it and where, what happened hop by hop.

Lives here: the words. Must not know: why the test wanted otherwise, pytest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from clos.controller.compile import Compiled
from clos.controller.explain import trace as traced
from clos.controller.explain.inputs import Inputs
from clos.controller.explain.policy_reasons import because
from clos.controller.explain.questions import Probe as Asked
from clos.controller.probe.landing import arrived
from clos.controller.probe.packets import Probe
from clos.controller.probe.report import Verdict
from clos.fabric.dataplane.walk import Delivery
from clos.fabric.topology import PortRef


class Witness(NamedTuple):
    """A packet that speaks against a test, and what reached hosts. ``down``: ports whose cables were dead."""

    wanted: Inputs
    compiled: Compiled
    verdict: Verdict
    deliveries: tuple[Delivery, ...]
    down: frozenset[PortRef] = frozenset()


def account(witness: Witness, further: Callable[[Probe], Iterable[str]]) -> Iterator[str]:
    """The lines. ``further``: what the switches themselves say, asked where they contradict the rules."""
    asked, delivered = witness.verdict.question, witness.verdict.delivered
    done = traced.follow(witness.compiled, Asked(asked.probe.at, asked.probe.packet), witness.down)
    yield f"{asked.probe.what}: {'delivered' if delivered else 'dropped'}"
    yield f"  packet: {asked.probe.packet}, sent at {asked.probe.at}"
    yield f"          {asked.probe.packet.to_bytes().hex()}"
    intents = because(witness.wanted.intent, asked.source.end, asked.target.end, asked.flow, asked.ruling)
    for number, line in enumerate(intents):
        yield f"  {'intents:' if not number else '        '} {line}"
    yield "  what happened:"
    yield from (f"    {line}" for line in traced.lines(done))
    rules = arrived(asked.due, done.walk.deliveries)
    if rules is not delivered:
        yield "  The switches did not do what their rules say. They gave hosts:"
        yield from (f"    {port}: {packet}" for port, packet in witness.deliveries)
        yield from (f"    {line}" for line in further(asked.probe))
