"""Predicted roles of every port of a discovered network's spanning trees, held against its ``show spanning-tree``.

    python -m benchmarks.legacy_roles DIR

The prediction takes from the outputs what configurations do not say (costs, numbers, bridge addresses), never roles.
A VLAN of which it says nothing is counted with its reason; every port that differs is listed.
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

from clos.controller.migrate.discover.files import load
from clos.controller.migrate.discover.names import vlan_text
from clos.controller.migrate.predict.spanning_tree import predict


def main(directory: Path) -> None:
    network = load(directory)
    for cable, reason in network.inferred:
        print(f"inferred: {' '.join(cable.a)} - {' '.join(cable.b)}: {reason}")
    trees = predict(network)
    counts: Counter[str] = Counter(trees=0, equal=0, differ=0, unsaid=0, ports=0)
    reasons: dict[str, set[int]] = {}
    for device in network.devices.values():
        for tree in device.state.trees or ():
            counts["trees"] += 1
            predicted = trees[tree.vlan]
            if predicted.unknown:
                counts["unsaid"] += 1
                for reason in predicted.unknown:
                    reasons.setdefault(reason, set()).add(tree.vlan)
                continue
            fates = {key[1]: fate for key, fate in predicted.layout.ports.items() if key[0] == device.name}
            wrong = [
                f"{port.name} is {port.role}, predicted {fates[port.name].role if port.name in fates else 'nothing'}"
                for port in tree.ports
                if port.name not in fates or fates[port.name].role != port.role
            ]
            root = predicted.root_port(device.name)
            if root != tree.root_port:
                wrong.append(f"root port {tree.root_port}, predicted {root}")
            counts["differ" if wrong else "equal"] += 1
            counts["ports"] += len(tree.ports)
            for text in wrong:
                print(f"{device.name}: VLAN {tree.vlan}: {text}")
    for reason, vlans in sorted(reasons.items()):
        print(f"nothing said: VLANs {vlan_text(vlans)}: {reason}")
    print(", ".join(f"{name} {number}" for name, number in counts.items()))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
