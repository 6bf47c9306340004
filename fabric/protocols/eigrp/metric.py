"""Metrics of EIGRP: what a route carries, what a link adds, and the composite numbers, classic and wide.

Lives here: vectors and arithmetic on them. Must not know: packets, neighbors, which route wins.

A vector is kept in the units of wide metrics (delay in picoseconds, bandwidth in kbit/s), so that both forms on the
wire convert to it and back without loss of what they can say. Source: RFC 7868 §5.6 (classic §5.6.1-2, wide §5.6.3).
"""

from __future__ import annotations

from typing import NamedTuple

UNREACHABLE_DELAY = (1 << 48) - 1
"""The delay that says "no longer reachable" (RFC 7868 §6.9.1)."""
SCALED_UNREACHABLE = (1 << 32) - 1
MAXIMUM_HOPS = 100
"""A route that came over more routers counts as unreachable (RFC 7868 §5.6.1.1)."""
FASTEST_KBPS = (1 << 32) - 1
PS_PER_TENS_OF_US = 10_000_000
_REFERENCE_KBPS = 10_000_000
_CLASSIC_SCALE = 256
_WIDE_SCALE = 65_536
INFINITE = 1 << 96
"""The composite metric of what cannot be reached: greater than any other."""
EXTERNAL = 1 << 80
"""Added to the cost of external routes: an internal route of any metric is preferred to them (RFC 7868 §5.4.2)."""


class KValues(NamedTuple):
    """The weights K1 to K6 (RFC 7868 §5.6.2.1); neighbors must have the same ones."""

    k1: int = 1
    k2: int = 0
    k3: int = 1
    k4: int = 0
    k5: int = 0
    k6: int = 0


class Vector(NamedTuple):
    """What a route says of its path: total delay, least bandwidth, least MTU, hops, worst reliability and load."""

    delay_ps: int
    bandwidth_kbps: int
    mtu: int = 1500
    hops: int = 0
    reliability: int = 255
    load: int = 1

    @property
    def reachable(self) -> bool:
        return self.delay_ps < UNREACHABLE_DELAY and self.hops <= MAXIMUM_HOPS


UNREACHABLE = Vector(UNREACHABLE_DELAY, 0)


class Composite(NamedTuple):
    """How a router turns vectors into numbers: its weights, and classic or wide arithmetic."""

    k: KValues = KValues()
    wide: bool = False
    rib_scale: int = 128

    def metric(self, vector: Vector) -> int:
        """The composite metric (RFC 7868 §5.6.2.5 and §5.6.3.3); INFINITE where nothing can be reached."""
        if not vector.reachable:
            return INFINITE
        bandwidth, delay = _wide(vector) if self.wide else _classic(vector)
        total = self.k.k1 * bandwidth + self.k.k2 * bandwidth // (256 - min(vector.load, 255)) + self.k.k3 * delay
        if self.k.k5:
            total = (
                total * self.k.k5 // (self.k.k4 + vector.reliability) if self.k.k4 + vector.reliability else INFINITE
            )
        return max(1, min(total, INFINITE))

    def in_table(self, metric: int) -> int:
        """The metric as the routing table has it: 32 bits, so wide metrics are scaled down (RFC 7868 §5.6.3.4)."""
        return min(metric // self.rib_scale if self.wide else metric, SCALED_UNREACHABLE)


def extended(vector: Vector, link: Vector) -> Vector:
    """The vector of a route heard over ``link``: delays add up, the rest is the worse of both."""
    if not vector.reachable:
        return UNREACHABLE
    return Vector(
        min(vector.delay_ps + link.delay_ps, UNREACHABLE_DELAY),
        min(vector.bandwidth_kbps, link.bandwidth_kbps),
        min(vector.mtu, link.mtu),
        vector.hops + 1,
        min(vector.reliability, link.reliability),
        max(vector.load, link.load),
    )


def scaled_delay(delay_ps: int) -> int:
    """Tens of microseconds times 256, as classic routes carry them (RFC 7868 §5.6.1.1)."""
    if delay_ps >= UNREACHABLE_DELAY:
        return SCALED_UNREACHABLE
    return min(delay_ps * _CLASSIC_SCALE // PS_PER_TENS_OF_US, SCALED_UNREACHABLE)


def scaled_bandwidth(bandwidth_kbps: int) -> int:
    """10^7 divided by kbit/s, times 256 (RFC 7868 §5.6.1.2)."""
    return _CLASSIC_SCALE * (_REFERENCE_KBPS // bandwidth_kbps) if bandwidth_kbps else SCALED_UNREACHABLE


def delay_of(scaled: int) -> int:
    """Picoseconds of a scaled delay, rounded up so that scaling gives the same number again."""
    if scaled == SCALED_UNREACHABLE:
        return UNREACHABLE_DELAY
    return -(-scaled * PS_PER_TENS_OF_US // _CLASSIC_SCALE)


def bandwidth_of(scaled: int) -> int:
    """The kbit/s of a scaled bandwidth; scaling them gives the same number again where IOS made it."""
    if scaled == SCALED_UNREACHABLE:
        return 0
    return _REFERENCE_KBPS * _CLASSIC_SCALE // scaled if scaled else FASTEST_KBPS


def _classic(vector: Vector) -> tuple[int, int]:
    return scaled_bandwidth(vector.bandwidth_kbps), scaled_delay(vector.delay_ps)


def _wide(vector: Vector) -> tuple[int, int]:
    throughput = _REFERENCE_KBPS * _WIDE_SCALE // vector.bandwidth_kbps if vector.bandwidth_kbps else INFINITE
    return throughput, vector.delay_ps * _WIDE_SCALE // 1_000_000
