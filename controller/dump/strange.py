"""What a dump speaks of and a topology lacks: ports that rules, groups or descriptions name, with nothing cabled there.

Such a dump may be read on the wrong topology, and packets that come in by such a port are in no answer: both have to
be said. Must not know: files, what becomes of packets.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from clos.controller.dump.held import Dump
from clos.controller.intent.model import NOWHERE, Where
from clos.fabric.dataplane import action as act
from clos.fabric.dataplane.action import Action
from clos.fabric.dataplane.rule import Bucket, Rule

SENDS, TAKES, WATCHES, THERE = "sends", "takes", "watches", "there"


def strange(dump: Dump, ports: Mapping[str, Collection[int]]) -> Iterator[str]:
    """Sentences, one for each switch and kind of use. ``ports``: those of each switch that lead to a switch or host."""
    found: dict[tuple[str, str], dict[int, list[Where]]] = {}
    for switch, port, how, where in _named(dump):
        if port <= act.MAX_PORT and port not in ports.get(switch, ()):
            found.setdefault((switch, how), {}).setdefault(port, []).append(where)
    for (switch, how), used in sorted(found.items()):
        places = [where for port in sorted(used) for where in used[port]]
        first = next((where for where in places if where != NOWHERE), NOWHERE)
        yield _sentence(switch, sorted(used), how, len(places)) + ("" if first == NOWHERE else f" ({first})")


_USES = {
    SENDS: ("1 action sends to", "{} actions send to", "packets sent there are lost"),
    TAKES: ("1 rule takes only packets from", "{} rules take only packets from", "such packets are in no answer"),
    WATCHES: ("1 bucket watches", "{} buckets watch", "nothing is alive there"),
    THERE: ("the switch has", "the switch has", "packets that come in there are in no answer"),
}
SHOWN = 8
"""Ports that a sentence names."""


def _sentence(switch: str, ports: list[int], how: str, count: int) -> str:
    one, many, so = _USES[how]
    named = ", ".join(map(str, ports[:SHOWN])) + (f" and {len(ports) - SHOWN} more" if len(ports) > SHOWN else "")
    who = one if count == 1 else many.format(count)
    return f"{switch}: {who} port{'s' if len(ports) > 1 else ''} {named}, where nothing is cabled: {so}"


def _named(dump: Dump) -> Iterator[tuple[str, int, str, Where]]:
    """The ports that a dump names: switch, port, how, where."""
    for (switch, port), where in dump.ports.items():
        yield switch, port, THERE, where
    for switch, state in dump.states.items():
        for rule in state.rules:
            yield from ((switch, port, how, dump.where(switch, rule)) for port, how in _of_rule(rule))
        for entry in state.groups:
            yield from ((switch, port, how, NOWHERE) for one in entry.buckets for port, how in _of_bucket(one))


def _of_rule(rule: Rule) -> Iterator[tuple[int, str]]:
    yield from ((value, TAKES) for name, value, _ in rule.match if name == "in_port")
    yield from _sent((*rule.instructions.apply, *rule.instructions.write))


def _of_bucket(bucket: Bucket) -> Iterator[tuple[int, str]]:
    yield from _sent(bucket.actions)
    if bucket.watch_port is not None:
        yield bucket.watch_port, WATCHES


def _sent(actions: tuple[Action, ...]) -> Iterator[tuple[int, str]]:
    yield from ((action.port, SENDS) for action in actions if isinstance(action, act.Output))
