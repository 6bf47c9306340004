"""Meters that count: token buckets in virtual time.

Lives here: the buckets and the verdict. Must not know: packets' headers, tables.
Source: OpenFlow 1.3.5 §5.7 (a packet is processed by the exceeded band with the highest rate).
"""

from __future__ import annotations

from clos.fabric.dataplane.rule import Band, Meter
from clos.fabric.sim.clock import SECOND

DEFAULT_BURST = 100
"""A band without a burst size gets the traffic of 1/DEFAULT_BURST second as its bucket."""
LARGEST_FRAME = 9216 * 8
"""Bits every bucket can hold at least: a rate below one frame per burst still lets frames pass, only seldom."""


class Tokens:
    """One band's tokens, in millionths of a bit (of a packet for a meter in packets/s) so that arithmetic is exact."""

    __slots__ = ("_depth", "_rate", "_stamp", "_tokens", "band", "bytes", "packets")

    def __init__(self, band: Band, unit: int, least: int, now: int) -> None:
        self.band = band
        self._rate = band.rate * unit
        burst = band.burst * unit if band.burst else self._rate // DEFAULT_BURST
        self._depth = max(burst, least) * SECOND
        self._tokens = self._depth
        self._stamp = now
        self.packets = 0
        self.bytes = 0

    def conforms(self, cost: int, now: int) -> bool:
        """Whether this much traffic is within the rate; takes its tokens where it is."""
        self._tokens = min(self._depth, self._tokens + (now - self._stamp) * self._rate)
        self._stamp = now
        if self._tokens < cost * SECOND:
            return False
        self._tokens -= cost * SECOND
        return True


class Police:
    """One meter at work on one switch, with the counters of OpenFlow 1.3.5 §7.3.5.12.

    ``flags``: MeterFlag bits as the controller gave them, None for those the meter implies.
    """

    __slots__ = ("_buckets", "_by_rate", "bytes", "flags", "meter", "packets", "since")

    def __init__(self, meter: Meter, now: int, flags: int | None = None) -> None:
        self.meter = meter
        self.flags = flags
        self.since = now
        self.packets = 0
        self.bytes = 0
        unit, least = (1, 1) if meter.packets else (1000, LARGEST_FRAME)
        self._buckets = tuple(Tokens(band, unit, least, now) for band in meter.bands)
        self._by_rate = sorted(self._buckets, key=lambda bucket: -bucket.band.rate)

    def exceeded(self, size: int, now: int) -> Band | None:
        """The band that must process a packet of ``size`` bytes now, None where the packet is within the rates."""
        self.packets += 1
        self.bytes += size
        cost = 1 if self.meter.packets else size * 8
        over = [bucket for bucket in self._by_rate if not bucket.conforms(cost, now)]
        if not over:
            return None
        over[0].packets += 1
        over[0].bytes += size
        return over[0].band

    def band_counts(self) -> tuple[tuple[int, int], ...]:
        """(packets, bytes) each band processed, in the order of the bands."""
        return tuple((bucket.packets, bucket.bytes) for bucket in self._buckets)
