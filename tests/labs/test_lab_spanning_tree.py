"""Spanning trees against bridges nobody here wrote: the kernel's 802.1D on random topologies of veth pairs.

``python -m benchmarks.protocols_on_wire`` tries 50 topologies.
"""

from __future__ import annotations

from random import Random

import pytest

from tests.support.examples import EXAMPLES
from tests.support.kernel_bridges import topology
from tests.support.lab_ready import require_lab
from tests.support.tree_trials import tried

pytestmark = pytest.mark.lab
require_lab()

TOPOLOGIES = max(5, EXAMPLES // 20)
"""Fifty with CLOS_EXAMPLES=1000."""


def test_predicted_roles_and_those_of_our_machine_are_those_of_the_kernels_bridges_apart_and_together() -> None:
    """Each topology twice: all bridges the kernel's, and every second one ours, with real BPDUs between them."""
    alone = [topology(Random(number), number) for number in range(TOPOLOGIES)]
    mixed = [topology(Random(number), number, "m") for number in range(TOPOLOGIES)]
    found = tried(alone, mixed)
    assert found.ports > 5 * TOPOLOGIES and found.ours > 2 * TOPOLOGIES
    assert not found.differences, "\n".join(found.differences)
