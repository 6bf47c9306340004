"""How long random tests of the prover try."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

from tests.support.examples import EXAMPLES

settled = settings(
    max_examples=max(1, EXAMPLES // 20),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
