"""Endpoints of a network behind the border of a legacy network: what it takes to prove them.

    python -m benchmarks.border [COUNT...]

Four endpoints stand at hosts of the fabric, all others behind one port. Processor time of a fresh proof. To compare
with another build, run this file with that build's ``src`` first on PYTHONPATH.
"""

from __future__ import annotations

import argparse
import time

from clos.controller.compile import compile_fabric
from clos.controller.daemon.gc_control import gc_paused
from clos.controller.intent import Text, load_intent, load_topology
from clos.controller.verify import Prover
from clos.controller.verify.proof.prover import states_of

TOPOLOGY = """
apiVersion: clos/v1
kind: Topology
metadata: {name: bench-border}
spec:
  switches: {spine1: {role: spine}, leaf1: {role: leaf}, edge1: {role: border}}
  links:
    - [leaf1:1, spine1:1]
    - [edge1:1, spine1:2]
  hosts:
    h0: {port: leaf1:11, mac: 02:00:00:00:01:01}
    h1: {port: leaf1:12, mac: 02:00:00:00:01:02}
    h2: {port: leaf1:13, mac: 02:00:00:00:01:03}
    h3: {port: leaf1:14, mac: 02:00:00:00:01:04}
    border1: {port: edge1:11, mac: 02:00:00:00:f0:01, mode: legacy}
"""
INTENT = """
apiVersion: clos/v1
kind: Tenant
metadata: {name: bank}
spec:
  networks: {red: {subnet: 10.1.0.0/22, vlan: 100, broadcast: true}}
  endpoints:
    %s
  groups: {all: {networks: [red]}}
  policies: [{from: all, to: all, services: [any]}]
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("counts", nargs="*", type=int, default=[26, 52, 104], metavar="COUNT")
    topology, problems = load_topology(Text("border.yaml", TOPOLOGY))
    if topology is None:
        raise SystemExit(str(problems))
    for count in parser.parse_args().counts:
        intent, problems = load_intent([Text("bank.yaml", INTENT % "\n    ".join(map(_row, range(count))))], topology)
        if intent is None:
            raise SystemExit(str(problems))
        with gc_paused():
            states = states_of(compile_fabric(intent, topology).ruleset)
            begun = time.process_time()
            report = Prover(intent, topology, states).report()
            spent = time.process_time() - begun
        if not report.ok:
            raise SystemExit(str(report))
        print(f"{count} endpoints: {spent:.2f} s; {report.proofs[0].covered}", flush=True)


def _row(number: int) -> str:
    high, low = divmod(number + 11, 256)
    host = f"h{number}" if number < 4 else "border1"
    return f"e{number}: {{host: {host}, network: red, ip: 10.1.{high}.{low}, mac: 02:00:00:0a:{high:02x}:{low:02x}}}"


if __name__ == "__main__":
    main()
