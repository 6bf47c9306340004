"""Our protocols against others on real wires, at length; as root, with FRR installed.

    sudo .venv/bin/python -m benchmarks.protocols_on_wire [--trees 50] [--restarts 100]

Spanning trees: random topologies of the kernel's 802.1D bridges, and the same with every second bridge ours; roles and
states as predicted, as our machine has them in virtual time, and as they come to be on the wire. EIGRP: adjacencies
with FRR's eigrpd through restarts of our side, every second one a crash. Exits with 1 where anything differs.
"""

from __future__ import annotations

import argparse
import sys
import time
from random import Random
from statistics import median

from tests.support.frr_peer import THEIRS, peers
from tests.support.kernel_bridges import topology
from tests.support.tree_trials import tried

EXPECTED = {"172.16.9.0/24": [[THEIRS, 28416]]}


def main() -> int:
    parser = argparse.ArgumentParser(description="Our protocols against others on real wires.")
    parser.add_argument("--trees", type=int, default=50)
    parser.add_argument("--restarts", type=int, default=100)
    asked = parser.parse_args()
    return max(_trees(asked.trees), _adjacencies(asked.restarts))


def _trees(number: int) -> int:
    if not number:
        return 0
    begun = time.monotonic()
    alone = [topology(Random(seed), seed) for seed in range(number)]
    mixed = [topology(Random(seed), seed, "m") for seed in range(number)]
    found = tried(alone, mixed)
    print(f"{number} topologies: {found.ports} ports of the kernel's bridges, {found.ours} of ours among the kernel's: "
          f"{len(found.differences)} differ; {time.monotonic() - begun:.0f} s")  # fmt: skip
    print(*found.differences, sep="\n", end="\n" if found.differences else "")
    return int(bool(found.differences))


def _adjacencies(restarts: int) -> int:
    with peers() as frr:
        lines = frr.adjacencies(restarts)
    wrong = [line for line in lines if line["routes"] != EXPECTED or line["refused"]]
    seconds = [line["seconds"] for line in lines[1:]] or [0.0]
    print(f"{len(lines)} adjacencies with FRR, {restarts} restarts: {len(wrong)} with other routes than expected; up "
          f"after {median(seconds):.2f} s at the median, {max(seconds):.2f} s at most")  # fmt: skip
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
