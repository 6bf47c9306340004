"""EIGRP against a router nobody here wrote: FRR's eigrpd, in a network namespace of its own.

FRR withdraws nothing and takes no external routes, so it is held to the adjacency, the first updates and metrics.
``python -m benchmarks.protocols_on_wire`` restarts our side 100 times.
"""

from __future__ import annotations

import re

import pytest

from tests.support.examples import EXAMPLES
from tests.support.frr_peer import THEIRS, missing, peers
from tests.support.lab_ready import require_lab

pytestmark = pytest.mark.lab
require_lab()

RESTARTS = max(4, EXAMPLES // 20 * 2)
"""A hundred with CLOS_EXAMPLES=1000. An even number: the last is no goodbye, which takes the way to us from FRR."""


@pytest.mark.skipif(missing(), reason="FRR is not installed")
def test_an_adjacency_with_frr_forms_again_through_restarts_of_our_side() -> None:
    """Every second of them is a crash, without goodbye."""
    with peers() as frr:
        lines = frr.adjacencies(RESTARTS)
        topology = frr.shown("show ip eigrp topology")
    assert len(lines) == RESTARTS + 1
    for line in lines:
        assert line["routes"] == {"172.16.9.0/24": [[THEIRS, 28416]]} and line["refused"] == []
    own = re.search(r"172\.30\.1\.0/24, 1 successors, FD is (\d+).*\n\s+via 10\.9\.0\.1 \((\d+)/(\d+)\)", topology)
    assert own is not None, topology
    assert own.groups() == ("5376", "5376", "2816")  # our 2816, and FRR's delay of 100 microseconds: 256 x 10
