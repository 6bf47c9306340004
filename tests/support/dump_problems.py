"""Reading a dump in tests: what its switches hold, or what is wrong with it."""

from __future__ import annotations

from clos.controller.dump import Dump, read_dump
from clos.controller.intent import Problem, Text
from clos.fabric.dataplane.ruleset import SwitchState

ONE = {"s1": 1}


def states(read: tuple[Dump | None, tuple[Problem, ...]]) -> dict[str, SwitchState]:
    dump, problems = read
    assert dump is not None, "\n".join(map(str, problems[:5]))
    return dict(dump.states)


def told(text: str, name: str = "s1.flows") -> str:
    dump, problems = read_dump([Text(name, text)], ONE)
    assert dump is None
    return "\n".join(map(str, problems))
