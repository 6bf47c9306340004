"""Ryu's own 144 OpenFlow 1.3 switch tests, judged by Ryu's own code, against a simulated switch over TCP.

The judge runs as a program (see tests.support.conformance), two of them side by side.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support.root import ROOT

pytestmark = pytest.mark.slow

SCTP = (
    "os-ken's sctp._checksum sums str(bytearray), the text Python prints for the segment, and not its bytes; the "
    "packet the case expects carries that sum. With the checksum of RFC 9260 the case passes (tested below)."
)
NOT_PASSED = {
    "action/25_SET_FIELD/17_SCTP_SRC_IPv4.json": SCTP,
    "action/25_SET_FIELD/17_SCTP_SRC_IPv6.json": SCTP,
    "action/25_SET_FIELD/18_SCTP_DST_IPv4.json": SCTP,
    "action/25_SET_FIELD/18_SCTP_DST_IPv6.json": SCTP,
}
"""The cases a simulated switch does not pass, each with its reason. It is an error to list one that passes."""

CASES = sorted(
    str(path.relative_to(root))
    for path in [*sys.path]
    for root in [Path(path) / "os_ken/tests/switch/of13"]
    for path in root.rglob("*.json")
)


def judged(*arguments: str) -> dict[str, list[list[str]]]:
    """What the judge says of each case: (description, reason) of every test that failed."""
    program = [sys.executable, "-m", "tests.support.conformance", *arguments]
    done = subprocess.run(program, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    if done.returncode:
        return {case: [["the judge itself failed", done.stderr[-4000:]]] for case in CASES}
    found = map(json.loads, done.stdout.splitlines())
    return {each["case"]: each["failures"] for each in found}


@pytest.fixture(scope="session")
def verdicts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[list[str]]]:
    """What the judge says of every case. Parallel workers of one run share it: the first one asks."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        return judge_all()
    answer = tmp_path_factory.getbasetemp().parent / "conformance.json"
    try:
        answer.with_suffix(".asked").mkdir()
    except FileExistsError:
        while not answer.exists():
            time.sleep(0.2)
        return json.loads(answer.read_text())
    found = judge_all()
    answer.with_suffix(".part").write_text(json.dumps(found))
    return json.loads(answer.with_suffix(".part").rename(answer).read_text())


def judge_all() -> dict[str, list[list[str]]]:
    slow = [case for case in CASES if case.startswith(("meter", "group"))]
    quick = [case for case in CASES if case not in slow]
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(lambda cases: judged(*cases), (slow, quick))
    return first | second


def test_there_are_144_cases() -> None:
    assert len(CASES) == 144
    assert NOT_PASSED.keys() <= set(CASES)


@pytest.mark.parametrize("case", CASES)
def test_case(case: str, verdicts: dict[str, list[list[str]]]) -> None:
    failures = verdicts[case]
    if case in NOT_PASSED:
        assert failures, f"{case} passes: take it off the list"
    else:
        assert not failures, f"{len(failures)} tests failed: {failures[:3]}"


def test_the_sctp_cases_pass_once_the_judge_sums_bytes() -> None:
    cases = [case for case, reason in NOT_PASSED.items() if reason is SCTP]
    assert judged("--sum-sctp-bytes", *cases) == {case: [] for case in cases}
