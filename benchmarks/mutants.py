"""Mutated packets of every protocol: none crashes anything, and none that is refused changes a state.

    python -m benchmarks.mutants [--packets 100000]

Real packets of EIGRP, HSRP and spanning trees are changed octet by octet, cut and lengthened, and given to machines
that are at work: two EIGRP neighbors, an HSRP pair, a PVST+ switch. What a machine refuses must leave all that it
remembers as it was.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time

PARTS = {
    "EIGRP": ("tests.protocols.test_eigrp_machine", "test_a_refused_packet_changes_nothing", 1),
    "EIGRP and HSRP, read": ("tests.protocols.test_packets", "test_no_mutation_of_a_packet_raises_anything_else", 6),
    "HSRP": ("tests.protocols.test_hsrp", "test_a_refused_packet_changes_nothing", 1),
    "BPDUs": (
        "tests.protocols.test_stp_packet",
        "test_mutated_frames_crash_nothing_and_refused_ones_change_nothing",
        10,
    ),
}
"""The law, and how many packets it takes for each example of ``CLOS_EXAMPLES``."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--packets", type=int, default=100_000, help="Of each protocol.")
    packets = parser.parse_args().packets
    for name, (module, law, each) in PARTS.items():
        examples = max(50, -(-packets // each))
        program = f"import {module} as module; module.{law}()"
        environment = {**os.environ, "CLOS_EXAMPLES": str(examples)}
        begun = time.perf_counter()
        if subprocess.run([sys.executable, "-c", program], env=environment, check=False).returncode:
            raise SystemExit(f"{name}: {module}.{law} does not hold")
        spent = time.perf_counter() - begun
        print(f"{name:22} {examples * each:>9,} packets, {spent:.1f} s: no crash, no state changed by a refused one")


if __name__ == "__main__":
    main()
