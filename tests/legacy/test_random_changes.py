"""The bank after random changes: trees, routes and gateways as they run are those predicted from its outputs."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.legacy.agreeing import agree, discovered
from tests.legacy.shared import configured, settled_bank
from tests.support.examples import EXAMPLES

VLANS = (30, 40, 50, 60, 80, 90, 100)
"""Those of which the prediction says something: the old switch in MST mode carries the others."""
ACCESS, DISTRIBUTION, CORES, WANS = (
    ("acc1", "acc2", "acc4", "acc5", "acc6"),
    ("dist1", "dist2"),
    ("core1", "core2"),
    ("wan1", "wan2"),
)
UPLINKS = ("Te1/1/1", "Te1/1/2")
CHANGES: tuple[tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]], ...] = (
    (
        ACCESS,
        tuple(f"interface {port}" for port in UPLINKS),
        tuple(f"spanning-tree vlan {v} cost {c}" for v in VLANS for c in (1, 30, 200)),
    ),
    (
        ACCESS,
        tuple(f"interface {port}" for port in UPLINKS),
        ("spanning-tree cost 1", "spanning-tree cost 50", "shutdown"),
    ),
    (
        (*DISTRIBUTION, *ACCESS),
        (),
        tuple(f"spanning-tree vlan {v} priority {p}" for v in VLANS for p in (4096, 28672, 61440)),
    ),
    (
        DISTRIBUTION,
        ("interface Te1/5", "interface Te1/9"),
        tuple(f"spanning-tree vlan {v} port-priority {p}" for v in VLANS for p in (0, 240)),
    ),
    ((*CORES, *DISTRIBUTION), ("interface Te1/2",), ("delay 5", "delay 50", "delay 5000")),
    (CORES, ("interface Te1/3", "interface Te1/4", "interface Te1/5"), ("shutdown", "bandwidth 100000", "delay 300")),
    (
        DISTRIBUTION,
        ("router eigrp 100",),
        (
            "variance 2",
            "variance 16",
            "maximum-paths 1",
            "eigrp stub connected summary",
            "eigrp stub receive-only",
            "redistribute connected",
            "no passive-interface Vlan60",
        ),
    ),
    (WANS, ("interface Gi0/0",), ("shutdown", "delay 700", "no ip summary-address eigrp 100 10.64.0.0 255.240.0.0")),
    (WANS, (), ("ip route 172.16.0.0 255.255.0.0 Null0", "ip route 10.70.0.0 255.255.0.0 Null0")),
    (DISTRIBUTION, tuple(f"interface Vlan{v}" for v in VLANS), ("shutdown",)),
)
"""Devices, a mode (one of these, if any) and lines, of which one each is drawn."""


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(max(3, EXAMPLES // 10)))
def test_after_random_changes_the_bank_runs_as_predicted(tmp_path: Path, seed: int) -> None:
    dice, network = random.Random(seed), settled_bank()
    for devices, modes, lines in dice.sample(CHANGES, dice.choice((1, 2, 3))):
        typed = (*([dice.choice(modes)] if modes else []), dice.choice(lines))
        configured(network, dice.choice(devices), *typed)
    network.settle(130)
    agree(network, discovered(network, tmp_path))
