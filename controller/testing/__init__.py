"""Isolation tests in pytest: a fabric with your topology and intents on it, and assertions by real packets.

    from controller.testing import assert_isolated, assert_reachable

    def test_retail_never_reaches_treasury():
        assert_isolated("retail", "treasury")

The plugin (controller.testing.plugin) is loaded by pytest itself; docs/testing.md has all of it. Knows no Mininet and
no Scapy: ``--clos-backend=lab`` loads those when asked for. pytest imports this package at every start, so it imports
nothing of Clos before an assertion is made.
"""

from __future__ import annotations


def assert_reachable(source: str, target: str, *services: str) -> None:
    """``source`` can open each service to ``target``, and the answers come back. See Fabric.assert_reachable."""
    from clos.controller.testing.plugin import current  # noqa: PLC0415

    __tracebackhide__ = True
    current().assert_reachable(source, target, *services)


def assert_isolated(one: str, other: str, *services: str) -> None:
    """Nothing passes between the two; with services: ``one`` cannot open these. See Fabric.assert_isolated."""
    from clos.controller.testing.plugin import current  # noqa: PLC0415

    __tracebackhide__ = True
    current().assert_isolated(one, other, *services)


def assert_waypointed(source: str, target: str, via: str, *services: str) -> None:
    """What may pass between the two comes to ``via`` first. See Fabric.assert_waypointed."""
    from clos.controller.testing.plugin import current  # noqa: PLC0415

    __tracebackhide__ = True
    current().assert_waypointed(source, target, via, *services)


def assert_survives(failures: int = 1) -> None:
    """Every claim is proved with so many things broken at once. See Fabric.assert_survives."""
    from clos.controller.testing.plugin import current  # noqa: PLC0415

    __tracebackhide__ = True
    current().assert_survives(failures)
