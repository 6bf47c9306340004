"""Spanning trees of a legacy network: predicted for all VLANs at once, against the machines run to convergence.

    python -m benchmarks.spanning_tree [--vlans 1000] [--switches 50] [--run 4]

Two cores, distribution pairs with uplinks to both, access switches with uplinks to their pair; roots split between the
cores by VLAN, and every tenth VLAN kept off some uplinks. Once more with each VLAN having costs of its own, so that no
two have a layout in common. The machines are run for the first ``--run`` VLANs, from link up until they forward, and
their roles are compared with the prediction; their time is that of all VLANs in proportion, as trees are independent.
"""

from __future__ import annotations

import argparse
from dataclasses import replace

from benchmarks.timed import timed
from clos.controller.migrate.model import RAPID_PVST, TRUNK, Cable, Device, Interface, Network, StpConfig, StpPortConfig
from clos.controller.migrate.predict.spanning_tree import predict
from tests.support.legacy_networks import machines

ROUNDS, SPEED, QUIET = 5, 10_000, 5.0
PAIR = 8
"""Access switches to a distribution pair."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--vlans", type=int, default=1_000)
    parser.add_argument("--switches", type=int, default=50)
    parser.add_argument("--run", type=int, default=4, help="VLANs that the machines are run for.")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    asked = parser.parse_args()
    for different in (False, True):
        _measure(asked.vlans, asked.switches, asked.run, asked.rounds, different)


def _measure(vlans: int, switches: int, run: int, rounds: int, different: bool) -> None:
    network = _network(range(1, vlans + 1), switches, different)
    trees, predicted = timed(lambda: predict(network), rounds)
    few = _network(range(1, min(run, vlans) + 1), switches, different)

    def converge() -> dict[int, dict[tuple[str, str], str]]:
        net, numbers = machines(few)
        net.start()
        net.settle(QUIET)
        names = {(device, number): (device, name) for (device, name), number in numbers.items()}
        return {v: {names[end]: turn.role for end, turn in net.vlan(v).items()} for v in range(1, min(run, vlans) + 1)}

    roles, ran = timed(converge, 1)
    for vlan, observed in roles.items():
        if {key: fate.role for key, fate in trees[vlan].layout.ports.items()} != observed:
            raise SystemExit(f"VLAN {vlan}: the machines' roles are not the predicted ones")
    ratio = min(ran.processor) / len(roles) * vlans / min(predicted.processor)
    kind = "each with costs of its own" if different else "split between two roots"
    print(f"{vlans:,} VLANs ({kind}) x {switches} switches, {len(network.cables)} cables")
    print(f"  predicted                     {predicted}")
    print(f"  machines, {len(roles)} VLANs, rapid     {ran}; all VLANs in proportion {ratio:,.0f} x the prediction")


def _network(vlans: range, switches: int, different: bool) -> Network:
    """Cores, distribution pairs, access switches: the same in every VLAN but for priorities, trunks and costs."""
    names = ["core1", "core2", *(f"s{n}" for n in range(max(0, switches - 2)))]
    pairs = [("core1", "core2")]
    for n, name in enumerate(names[2:]):
        pair = n - n % (PAIR + 2)
        ups = ("core1", "core2") if n % (PAIR + 2) < 2 else (f"s{pair}", f"s{pair + 1}")
        pairs += [(name, up) for up in ups]
    ports: dict[str, list[Interface]] = {name: [] for name in names}
    cables: list[Cable] = []
    for a, b in pairs:
        ends = []
        for name in (a, b):
            port = f"TenGigabitEthernet1/{len(ports[name]) + 1}"
            ports[name].append(_trunk(len(cables), port, vlans, different))
            ends.append((name, port))
        first, second = sorted(ends)
        cables.append(Cable(first, second))
    devices = {name: _switch(number, name, ports[name], vlans) for number, name in enumerate(names, 1)}
    return Network(devices, tuple(sorted(cables)))


def _trunk(cable: int, name: str, vlans: range, different: bool) -> Interface:
    kept = frozenset(vlan for vlan in vlans if vlan % 10 or (vlan // 10 + cable) % 10)
    costs = {vlan: 1 + (vlan * 7919 + cable * 104729) % 30 for vlan in vlans} if different else {}
    port = Interface(name, mode=TRUNK, speed_mbps=SPEED, allowed=kept)
    return replace(port, stp=StpPortConfig(costs))


def _switch(number: int, name: str, ports: list[Interface], vlans: range) -> Device:
    wins = {"core1": 0, "core2": 1}.get(name)
    split = {} if wins is None else {vlan: 4096 if vlan % 2 == wins else 8192 for vlan in vlans}
    stp = StpConfig(RAPID_PVST, priorities=split)
    interfaces = {port.name: port for port in ports}
    return Device(name, interfaces=interfaces, vlans=dict.fromkeys(vlans, ""), stp=stp, base_mac=number)


if __name__ == "__main__":
    main()
