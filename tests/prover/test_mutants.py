"""Mutants of compiled rules, each judged three ways: by brute force, by a fresh prover, by one that heard of changes.

``CLOS_MUTANTS=20000`` judges that many. ``CLOS_MUTANT_SEED=5`` repeats what a random run found.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from random import SystemRandom

import pytest

from tests.support.figures import FIGURES
from tests.support.mutant_trials import KINDS_OF_FABRIC, Trial, grounds
from tests.support.verify_mutants import KINDS

pytestmark = pytest.mark.slow

WANTED = max(1000, int(os.environ.get("CLOS_MUTANTS", "1000")))
"""Mutants to judge, all seeds together but the random one."""
PER_FABRIC = 24
SHARE = -(-WANTED // len(KINDS_OF_FABRIC))
ANY_SEED = int(os.environ.get("CLOS_MUTANT_SEED", "0")) or SystemRandom().randrange(1, 1 << 31)

CONFIRMED = "harm that no probe showed, the evaluator saw on the very bytes of the provers' counterexamples"


def judged(kind: str, number: int, wanted: int) -> list[Trial]:
    """So many mutants of fabrics of this kind, judged. Fails at the first that witnesses do not agree on."""
    found: list[Trial] = []
    for trial in _trials(kind, number):
        found.append(trial)
        if len(found) == wanted:
            break
    return found


def _trials(kind: str, number: int) -> Iterator[Trial]:
    for ground in grounds(kind, number):
        yield from ground.trials(PER_FABRIC)


def figures(trials: list[Trial], notes: list[str]) -> dict[str, object]:
    rows: dict[str, Counter[str]] = {}
    for trial in trials:
        row = rows.setdefault(trial.kind, Counter())
        row.update(
            {
                "judged": 1,
                "harmful": int(trial.fresh),
                "shown by probes": int(trial.brute),
                "by fresh proof": int(trial.fresh),
                "by incremental": int(trial.incremental),
            }
        )
    plain = {kind: dict(row) for kind, row in rows.items()}
    return {"table": "mutants, and who saw the harm", "rows": plain, "notes": [CONFIRMED, *notes]}


@pytest.mark.parametrize("kind", KINDS_OF_FABRIC)
def test_three_witnesses_agree_on_every_mutant(kind: str, record_property) -> None:
    trials = judged(kind, 1, SHARE)
    record_property(FIGURES, figures(trials, []))
    assert len(trials) == SHARE
    assert {trial.kind for trial in trials} <= set(KINDS)
    assert any(trial.fresh for trial in trials)
    assert not all(trial.fresh for trial in trials)


def test_three_witnesses_agree_on_mutants_never_seen_before(record_property) -> None:
    again = f"the random seed was {ANY_SEED}: CLOS_MUTANT_SEED={ANY_SEED} repeats it"
    print(again)
    trials = judged("any", ANY_SEED, 100)
    record_property(FIGURES, figures(trials, [again]))
    assert len(trials) == 100
