"""The shipped legacy bank, booted."""

from __future__ import annotations

from pathlib import Path

import pytest

from clos.controller.migrate.simulated import read_network, refused_lines
from clos.fabric.sim.legacy.network import LegacyNetwork

BANK = Path(__file__).parents[2] / "topologies" / "legacy-bank"


@pytest.fixture
def bank() -> LegacyNetwork:
    network = LegacyNetwork(read_network(BANK))
    assert refused_lines(network, BANK) == ()
    return network
