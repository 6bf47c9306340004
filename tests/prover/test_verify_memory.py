"""What a prover remembers does not grow with the changes it hears of: counted, not measured."""

from __future__ import annotations

from dataclasses import replace

from clos.controller.compile import compile_fabric
from clos.controller.intent import load_intent, load_topology
from clos.controller.intent.model import Intent
from clos.controller.verify import Prover, edit_between
from clos.controller.verify.proof.ingress_port import Hairpin
from clos.controller.verify.proof.prover import states_of
from tests.support.cli_run import ROOT


def registered(prover: Prover) -> tuple[int, int]:
    """How many readers of packets by themselves tables remember, and how many looks of all readers."""
    assert prover._proving is not None
    tables = [table for model in prover._proving.fabric.models.values() for table in model.tables.values()]
    users = [user for table in tables for cell in table._cells.values() for user in cell.users.items()]
    return sum(isinstance(reader, Hairpin) for reader, _ in users), sum(len(looks or ()) for _, looks in users)


def test_who_looks_at_the_same_packets_again_is_remembered_once() -> None:
    topology = load_topology(ROOT / "topologies/demo.yaml").topology
    assert topology is not None
    intent = load_intent([ROOT / "intents/demo.yaml"], topology).intent
    assert intent is not None
    shop = intent.tenants["shop"]
    less = Intent({**intent.tenants, "shop": replace(shop, policies=shop.policies[1:])}, intent.shares)
    states = {id(one): states_of(compile_fabric(one, topology).ruleset) for one in (intent, less)}
    prover = Prover(intent, topology, states[id(intent)])
    assert prover.report().ok
    counts = []
    for number in range(30):
        for old, new in ((intent, less), (less, intent)):
            before, after = states[id(old)], states[id(new)]
            assert prover.change({name: edit_between(before[name], after[name]) for name in before}, new).ok
        if number in (9, 29):
            counts.append(registered(prover))
    assert counts[0] == counts[1]
