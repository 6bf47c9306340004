"""Predicted EIGRP routes of discovered networks, held against their devices' own ``show ip route``.

    python -m benchmarks.legacy_routes DIR...

Each route of EIGRP that a device shows (code, preference, next hops with interface and metric) must be predicted, and
each predicted one shown; likewise neighbors, and the topology table's feasible distances and successors where there is
one. What differs is listed. The prediction starts from configurations and the state of interfaces alone.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from clos.controller.migrate.discover.files import load
from clos.controller.migrate.model import Network
from clos.controller.migrate.predict.eigrp import EigrpPrediction, predict_eigrp

Facts = dict[tuple[Any, ...], Any]


def shown_routes(network: Network) -> Facts:
    """Every route that came by EIGRP: its code, preference, and ways."""
    found: Facts = {}
    for device in network.devices.values():
        for row in device.state.routes or ():
            code = row.code.replace("*", "").strip()
            if code.split()[:1] == ["D"]:
                key = device.name, row.vrf or "", str(row.prefix)
                kind = "summary" if row.via is None else f"{code} {row.distance}"
                found.setdefault(key, (kind, set()))[1].add((str(row.via), row.interface, row.metric))
    return found


def predicted_routes(network: Network, prediction: EigrpPrediction) -> Facts:
    """The same of a prediction, for devices that show their routes."""
    found: Facts = {}
    for route in prediction.routes:
        if network.devices[route.device].state.routes is None:
            continue
        summary = any(via is None for via, _, _ in route.paths)
        ways = {(str(via), name, None if summary else metric) for via, name, metric in route.paths}
        kind = "summary" if summary else f"{route.code} {route.preference}"
        found[route.device, route.vrf, str(route.prefix)] = kind, ways
    return found


def shown_neighbors(network: Network) -> Facts:
    """Every neighbor that a device shows."""
    return {
        (device.name, row.vrf or "", row.asn, str(row.address)): row.interface
        for device in network.devices.values()
        for row in device.state.eigrp_neighbors or ()
    }


def predicted_neighbors(network: Network, prediction: EigrpPrediction) -> Facts:
    """The same of a prediction."""
    return {
        (key.device, key.vrf, key.asn, str(link.far.address.ip)): link.port.name
        for key, link in prediction.neighbors
        if network.devices[key.device].state.eigrp_neighbors is not None
    }


def shown_topology(network: Network) -> Facts:
    """Feasible distance and successors of every prefix in a topology table."""
    return {
        (device.name, row.vrf or "", row.asn, str(row.prefix)): (row.feasible_distance, row.successors)
        for device in network.devices.values()
        for row in device.state.eigrp_topology or ()
    }


def predicted_topology(network: Network, prediction: EigrpPrediction) -> Facts:
    """The same of a prediction."""
    return {
        (entry.key.device, entry.key.vrf, entry.key.asn, str(entry.prefix)): (entry.distance, len(entry.successors))
        for entry in prediction.entries
        if network.devices[entry.key.device].state.eigrp_topology
    }


def differences(shown: Facts, predicted: Facts) -> Iterator[str]:
    """A line for each fact that is not the same on both sides."""
    for key in sorted(shown.keys() | predicted.keys(), key=str):
        if shown.get(key) != predicted.get(key):
            yield f"{' '.join(map(str, key))}: shown {shown.get(key)}, predicted {predicted.get(key)}"


def main(directory: Path) -> None:
    network = load(directory)
    prediction = predict_eigrp(network)
    counts: Counter[str] = Counter(devices=len(network.devices))
    for name, shown, predicted in (
        ("routes", shown_routes(network), predicted_routes(network, prediction)),
        ("neighbors", shown_neighbors(network), predicted_neighbors(network, prediction)),
        ("topology entries", shown_topology(network), predicted_topology(network, prediction)),
    ):
        wrong = list(differences(shown, predicted))
        counts[name], counts[f"{name} that differ"] = len(shown), len(wrong)
        for line in wrong:
            print(f"  {name}: {line}")
    for problem in prediction.problems:
        print(f"  problem: {problem}")
    print(f"{directory.name}: {', '.join(f'{name} {number}' for name, number in counts.items())}")


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        main(Path(argument))
