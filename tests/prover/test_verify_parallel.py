"""A proof spread over processes gives the answers of one that is not: of sound rules and of spoilt ones."""

from __future__ import annotations

from random import Random

from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from clos.controller.cli.processes import one_each, spread
from clos.controller.compile import compile_fabric
from clos.controller.verify import verify_parallel, verify_states
from tests.support.examples import EXAMPLES
from tests.support.fabrics import intents, topologies
from tests.support.mutant_trials import broken
from tests.support.verify_engine_support import states_of
from tests.support.verify_mutants import mutant

few = settings(
    max_examples=max(1, EXAMPLES // 100),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@given(st.data())
@few
def test_several_processes_say_what_one_says(data: st.DataObject) -> None:
    topology = data.draw(topologies())
    intent = data.draw(intents(topology))
    states = states_of(compile_fabric(intent, topology).ruleset)
    dice = Random(data.draw(st.integers(0, 1 << 32)))
    parts = data.draw(st.integers(2, 3))
    assert verify_parallel(intent, topology, states, parts, one_each) == verify_states(intent, topology, states)
    for _ in range(3):
        what, spoilt = mutant(states, topology, dice)
        ours, alone = (
            verify_parallel(intent, topology, spoilt, parts, one_each),
            verify_states(intent, topology, spoilt),
        )
        note(f"{what}\nabreast: {ours}\nalone: {alone}")
        assert broken(ours) == broken(alone)
        assert [proof.claim for proof in ours.proofs] == [proof.claim for proof in alone.proofs]


def test_answers_come_in_the_order_of_the_questions() -> None:
    held: list[int] = []

    def ask(number: int) -> tuple[int, int]:
        held.append(number)
        return number, len(held)

    assert one_each(ask, range(5)) == [(number, 1) for number in range(5)]
    assert [number for number, _ in spread(ask, range(9))] == list(range(9))
    assert held == []
