"""The predicted trees are those that the protocol's machines converge to; and what cannot be said is not said."""

from __future__ import annotations

from clos.controller.migrate.predict.spanning_tree import predict
from tests.support.examples import EXAMPLES
from tests.support.legacy_networks import machines, random_network
from tests.support.stp_network import StpNetwork

QUIET = 24.0


def _observed(network: StpNetwork, numbers: dict[tuple[str, str], int], vlan: int) -> dict[tuple[str, str], object]:
    names = {(device, number): (device, name) for (device, name), number in numbers.items()}
    turns = network.vlan(vlan)
    return {names[end]: _word(turn.role, turn.state, turn.inconsistent) for end, turn in turns.items()}


def _word(role: str, state: str, inconsistent: str | None) -> object:
    return "disabled" if role == "disabled" else (role, state, inconsistent)


def test_predicted_roles_and_states_are_those_the_machines_converge_to() -> None:
    said, unknown = 0, 0
    for seed in range(max(20, EXAMPLES // 10)):
        network = random_network(seed)
        trees = predict(network)
        run, numbers = machines(network)
        run.start()
        run.settle(QUIET, vlans=[vlan for vlan, tree in trees.items() if not tree.unknown])
        for vlan, tree in trees.items():
            if tree.unknown:
                unknown += 1
                continue
            said += 1
            predicted = {key: _word(*fate[:3]) for key, fate in tree.layout.ports.items()}
            assert predicted == _observed(run, numbers, vlan), (seed, vlan)
            bridges = {
                device.machines[vlan].bridge: name for name, device in run.switches.items() if vlan in device.machines
            }
            roots = {
                name: bridges[device.machines[vlan].root_vector.root]
                for name, device in run.switches.items()
                if vlan in device.machines
            }
            assert {name: path.root for name, path in tree.layout.paths.items()} == roots, (seed, vlan)
    assert said > 3 * unknown
