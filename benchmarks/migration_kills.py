"""A migration's run killed (SIGKILL) at random instants, there and back, and what its hosts lost meanwhile.

    python -m benchmarks.migration_kills [--kills 50] [--seed 9] [--to 4]

The legacy bank, its fabric and the controller are processes on free ports, as in ``clos demo --migration``; VLAN 70 is
discovered and planned by commands. Then ``clos migrate run`` is begun and killed some acts and moments later, again and
again until it comes to its end, and ``rollback`` the same way; one in five turns round on the way. Nothing clears up in
between. After every kill the status must name a phase and what is in doubt, and no pair of hosts may have been without
an answer for longer than HSRP's hold time. Now and then both are let finish: then devices, fabric and speakers are as
they were at first.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

from clos.controller.cli.demo_migration_story import HOSTS, PAIRS, PLAN
from clos.controller.cli.demo_of_migration import (
    CONTROL,
    FABRIC,
    INVENTORY,
    BankEnvironment,
    bank_stage,
    configurations,
)

PROBE_MS = 50
HOLD_MS = 10_000
"""The bank's HSRP hold time."""
ALLOW = ("devices-2", "devices-3", "gateways", "hosts", "devices-6", "deletes", "delete-tenant=bank-bridged")
REST = ("--inventory", str(INVENTORY), "--control", str(CONTROL), "--probe-ms", str(PROBE_MS), "--yes")
FINISH_EVERY = 25
"""So many kills, then a run and a rollback that are let finish."""
TURNS = 0.2
"""How often a kill is followed by the other direction."""


class Kill(NamedTuple):
    """What was killed, after how many seconds and in which act, and what was found then."""

    command: str
    seconds: float
    act: str
    phase: int | None
    doubt: list[str]
    gap_ms: float


class Walk:
    """The commands of one plan, and what hosts lost since the last look."""

    def __init__(self, bank: BankEnvironment, to: int) -> None:
        self.bank, self.to = bank, to
        self.worst = 0.0

    def words(self, command: str) -> tuple[str, ...]:
        allowed = [word for name in ALLOW for word in ("--allow", name)]
        there = (command, str(PLAN), "--to", str(self.to), *REST, *allowed)
        return there if command == "run" else (command, str(PLAN), "--to", "1", *REST)

    def finish(self, command: str) -> None:
        """Let it come to its end. Raises AssertionError."""
        done = clos(*self.words(command))
        assert done.returncode == 0, f"{command} after kills: {done.stdout}{done.stderr}"
        self.gap()

    def kill(self, command: str, acts: int, seconds: float) -> Kill | None:
        """Begin it, kill it so many acts and seconds later, and look; None: it had ended. Raises AssertionError."""
        began = time.monotonic()
        with subprocess.Popen(_clos(*self.words(command)), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as run:
            assert run.stderr is not None
            said = [run.stderr.readline() for _ in range(acts)]
            time.sleep(seconds)
            run.kill()
            said += run.stderr.read().splitlines()
        took, last = time.monotonic() - began, [line for line in said if line.strip()]
        status = self.status()
        assert status["phase"] in (None, *range(self.to + 1)), status
        gap = self.gap()
        if run.returncode >= 0:
            assert run.returncode == 0, last
            return None
        act = last[-1].decode().strip() if last else ""
        return Kill(command, took, act, status["phase"], status["in_doubt"], gap)

    def status(self) -> dict[str, Any]:
        """Where the migration stands, which its exit code must say, too."""
        told = clos("status", str(PLAN), "--json")
        found: dict[str, Any] = json.loads(told.stdout)
        unsure = found["in_doubt"] or found["cut_off"]
        assert told.returncode == (3 if unsure else 1 if found["ended"] in ("stopped", "rolled back") else 0), told
        return found

    def gap(self) -> float:
        """The longest time since the last look in which a pair's probes were not answered, in milliseconds."""
        losses = self.bank.losses(HOSTS)
        found = max(one.ms for one in losses.hosts.values())
        self.worst = max(self.worst, found)
        assert found <= HOLD_MS, losses
        return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=9)
    parser.add_argument("--to", type=int, default=4, help="The last phase that is walked.")
    asked = parser.parse_args()
    dice, command, number = random.Random(asked.seed), "run", 0
    with bank_stage() as bank:
        walk = _prepared(bank, asked.to, plan=asked.kills > 0)
        while number < asked.kills:
            done = walk.kill(command, dice.randint(0, 9), dice.uniform(0, 2))
            if done is None or dice.random() < TURNS:
                command = "rollback" if command == "run" else "run"
            if done is None:
                continue
            number += 1
            print(f"{number:3} {done.command:8} {done.seconds:5.1f} s  {done.act[:50]:50} phase {done.phase}, "
                  f"{len(done.doubt)} in doubt, longest loss {done.gap_ms:.0f} ms", flush=True)  # fmt: skip
            if number % FINISH_EVERY == 0 or number == asked.kills:
                walk.finish("run")
                walk.finish("rollback")
                _check(bank, walk)
        if asked.kills:
            _as_discovered(bank)
    print(f"{asked.kills} kills; {len(PAIRS)} pairs of hosts probed each {PROBE_MS} ms; the longest that one was not "
          f"answered: {walk.worst:.0f} ms")  # fmt: skip


def _prepared(bank: BankEnvironment, to: int, plan: bool) -> Walk:
    bank.empty()
    bank.rules = bank.switches()
    bank.probe(PAIRS, PROBE_MS)
    for words in (
        ()
        if not plan
        else (
            ("discover", str(INVENTORY), "--out", "bank"),
            (
                "plan",
                "bank",
                "-t",
                str(FABRIC),
                "--border",
                "border1=dist1:Te1/15",
                "--only-vlan",
                "70",
                "--out",
                str(PLAN),
            ),
        )
    ):
        done = clos(*words)
        assert done.returncode == 0, done.stderr
    return Walk(bank, to)


def _check(bank: BankEnvironment, walk: Walk) -> None:
    """After a rollback that was let finish, nothing of the plan is left. Raises AssertionError."""
    status = walk.status()
    assert not status["in_doubt"] and status["phase"] in (None, 0, 1), status
    devices = bank.order("status")["devices"]
    assert not any(one["waits"] for one in devices.values()), "a revert timer runs on"
    assert bank.speaking() == 0, "something of ours speaks on at a border"
    assert bank.switches() == bank.rules, "a switch does not hold what it held"


def _as_discovered(bank: BankEnvironment) -> None:
    done = clos("discover", str(INVENTORY), "--out", "afterwards")
    assert done.returncode == 0, done.stderr
    before, after = configurations(Path("bank")), configurations(Path("afterwards"))
    assert before == after and len(before) == len(bank.order("status")["devices"]), "configurations differ"


def clos(*words: str) -> subprocess.CompletedProcess[str]:
    """A command of ``clos migrate``."""
    return subprocess.run(_clos(*words), capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)


def _clos(*words: str) -> list[str]:
    return [sys.executable, "-m", "clos.controller.cli", "migrate", *words]


if __name__ == "__main__":
    main()
