"""What the prover looks at by itself at a border grows with the endpoints behind it, not with their pairs."""

from __future__ import annotations

from clos.controller.compile import compile_fabric
from clos.controller.intent import Text, load_intent
from clos.controller.intent.model import Intent
from clos.controller.verify import verify_states
from clos.fabric.topology import Topology
from tests.support.broadcast_moves import fabric
from tests.support.verify_engine_support import states_of

FABRIC = fabric()


def behind_border(count: int, topology: Topology) -> Intent:
    rows = (
        f"e{n}: {{host: border1, network: red, ip: 10.1.0.{n}, mac: 02:00:00:00:aa:{n}}}" for n in range(11, 11 + count)
    )
    text = f"""
apiVersion: clos/v1
kind: Tenant
metadata: {{name: bank}}
spec:
  networks: {{red: {{subnet: 10.1.0.0/24, gateway: 10.1.0.1, vlan: 70, broadcast: true}}}}
  endpoints: {{{", ".join(rows)}}}
  groups: {{all: {{networks: [red]}}}}
  policies: [{{from: all, to: all, services: [any]}}]
"""
    found, problems = load_intent([Text("bank.yaml", text)], topology)
    assert found is not None, problems
    return found


def sets(count: int) -> int:
    compiled = compile_fabric(behind_border(count, FABRIC), FABRIC)
    report = verify_states(compiled.intent, FABRIC, states_of(compiled.ruleset))
    assert report.ok
    (looked,) = {word.split(", in ")[1] for word in (one.covered for one in report.proofs) if ", in " in word}
    return int(looked.split()[0])


def test_sets_that_are_looked_at_grow_with_the_endpoints_of_a_border() -> None:
    few, some, many = sets(4), sets(8), sets(12)
    assert many - some <= 1.1 * (some - few), (few, some, many)
