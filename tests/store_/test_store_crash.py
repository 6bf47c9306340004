"""The store survives being killed: a process that lives revisions is SIGKILLed at random instants, again and again."""

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from clos.controller.store import APPLIED, APPLYING, Store
from tests.support.root import ROOT

pytestmark = pytest.mark.slow

RUNS = 40

LIFE = """
import random, sys, time
from clos.controller.store import Draft, Store
store, dice = Store.open(sys.argv[1]), random.Random(int(sys.argv[2]))
print("open", flush=True)
while True:
    why = str(dice.random())
    number = store.begin(Draft("child", why, {f"{i}.yaml": why * 200 for i in range(5)}, why * 50, why * 100))
    print(f"begin {number}", flush=True)
    for batch in range(1, 4):
        store.record_progress(number, batch)
    dice.choice((store.finish, store.undo))(number)
    print(f"end {number}", flush=True)
"""


def live_and_be_killed(path: Path, seed: int, after: float) -> list[list[str]]:
    """Runs LIFE until ``after`` seconds past its start; the lines it managed to say."""
    child = subprocess.Popen(
        [sys.executable, "-c", LIFE, str(path), str(seed)], stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    first = child.stdout.readline()
    time.sleep(after)
    child.kill()
    rest = child.stdout.read()
    child.wait(timeout=10)
    return [line.split() for line in (first + rest).splitlines(keepends=True) if line.endswith("\n")]


def whole(revision) -> bool:
    """Whether all inputs of the revision are those of one and the same draft."""
    texts = {**revision.sources, "topology": revision.topology, "numbering": revision.numbering}
    expected = {f"{i}.yaml": revision.why * 200 for i in range(5)}
    return texts == {**expected, "topology": revision.why * 50, "numbering": revision.why * 100}


def test_a_store_killed_at_any_instant_holds_the_old_or_the_new_and_says_what_to_finish(tmp_path) -> None:
    path, dice, pendings, last = tmp_path / "clos.db", random.Random(7), 0, 0
    for run in range(RUNS):
        said = live_and_be_killed(path, run, dice.random() * 0.08)
        begun = [int(words[1]) for words in said if words[0] == "begin"]
        ended = [int(words[1]) for words in said if words[0] == "end"]
        with Store.open(path) as store:
            history = store.history(100_000)
            pending, current = store.pending(), store.current()
            assert [r.number for r in history] == list(range(len(history), 0, -1))
            assert len(history) - max([last, *begun]) in (0, 1), "all that was said is there, and one step more at most"
            assert [r.number for r in history if r.status == APPLYING] == ([pending.number] if pending else [])
            assert pending is None or pending.number == len(history)
            assert all(r.status != APPLYING for r in history if r.number in ended)
            applied = [r for r in history if r.status == APPLIED]
            assert (current.number if current else None) == (applied[0].number if applied else None)
            assert all(whole(store.get(r.number)) for r in history[:3])
            if pending:
                pendings += 1
                dice.choice((store.finish, store.undo))(pending.number)
                assert store.pending() is None
            last = len(history)
    assert pendings > RUNS // 10, "some were killed in the middle of a revision"


def test_a_store_killed_while_it_is_created_can_be_opened(tmp_path) -> None:
    dice = random.Random(3)
    for run in range(12):
        path = tmp_path / f"{run}.db"
        child = subprocess.Popen(
            [sys.executable, "-c", LIFE, str(path), "1"], stdout=subprocess.DEVNULL, cwd=ROOT, text=True
        )
        until = time.monotonic() + 10
        while not path.exists() and time.monotonic() < until:
            time.sleep(0.0005)
        time.sleep(dice.random() * 0.01)
        child.kill()
        child.wait(timeout=10)
        with Store.open(path) as store:
            pending = store.pending()
            if pending is not None:
                store.undo(pending.number)
            assert store.pending() is None
