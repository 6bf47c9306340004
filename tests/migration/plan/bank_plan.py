"""The bank's plan, made once for all tests of it."""

from __future__ import annotations

from functools import cache

from clos.controller.intent.topology.file import load_topology
from clos.controller.migrate.discover.secrets import without_secrets
from clos.controller.migrate.plan.make import Planned, Wishes, make
from clos.fabric.topology import Topology
from tests.migration.discovered_bank import BANK, bank

BORDERS = ("border1=dist1:Te1/15", "border2=dist2:Te1/15")


@cache
def fabric() -> Topology:
    """The fabric that the bank moves to."""
    topology = load_topology(BANK / "fabric.yaml").topology
    assert topology is not None
    return topology


@cache
def configs() -> dict[str, str]:
    """Running configurations by device, secrets removed."""
    return {path.stem: without_secrets(path.read_text()) for path in (BANK / "startup-configs").glob("*.cfg")}


def planned_with(wishes: Wishes) -> Planned:
    """A plan for the bank."""
    return make(bank(), configs(), fabric(), wishes)


@cache
def planned() -> Planned:
    """The plan with nothing special asked for."""
    return planned_with(Wishes("bank", BORDERS))
