"""What tests of ``clos topology import`` share."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

from clos.controller.compile import compile_fabric
from clos.controller.intent import Text, load_topology
from clos.controller.intent.model import Intent
from clos.fabric.topology import Topology
from tests.support.cli_run import Ran
from tests.support.lab_ready import REQUIRED

needs_mininet = pytest.mark.skipif(
    find_spec("mininet") is None and not REQUIRED,
    reason="the Python package mininet is not installed: make lab-deps",
)


def roles(topology: Topology) -> dict[str, str]:
    return {name: switch.role for name, switch in topology.switches.items()}


def imported(ran: Ran) -> Topology:
    """What a command printed, loaded as any file is; and it compiles."""
    assert ran.code == 0, ran.err
    topology, problems = load_topology(Text("printed.yaml", ran.out))
    assert topology is not None, problems
    compile_fabric(Intent(), topology)
    return topology
