"""What EIGRP makes of interfaces' bandwidth and delay: figures of a path, and its metric.

Lives here: IOS' defaults by kind of interface, figures over a link, classic and wide arithmetic. Must not know:
neighbors, prefixes, policies. Worked out from RFC 7868 §5.6 without the protocol's machine.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from clos.controller.migrate.model import EigrpProcess, Interface

TEN_US = 10**7
"""Picoseconds in EIGRP's unit of delay."""

_DEFAULTS = (
    ("Loopback", 8_000_000, 500),
    ("Tunnel", 100, 5_000),
    ("Serial", 1_544, 2_000),
    ("Ethernet", 10_000, 100),
    ("FastEthernet", 100_000, 10),
    ("GigabitEthernet", 1_000_000, 1),
    ("TwoGigabitEthernet", 2_500_000, 1),
    ("FiveGigabitEthernet", 5_000_000, 1),
    ("TenGigabitEthernet", 10_000_000, 1),
    ("TwentyFiveGigE", 25_000_000, 1),
    ("FortyGigabitEthernet", 40_000_000, 1),
    ("HundredGigE", 100_000_000, 1),
    ("Vlan", 1_000_000, 1),
    ("BDI", 1_000_000, 1),
    ("Port-channel", 1_000_000, 1),
)
"""Bandwidth in kbit/s and delay in tens of microseconds of IOS' interfaces by kind."""


class Figures(NamedTuple):
    """A path: total delay in picoseconds, least bandwidth in kbit/s, and what K2, K4 and K5 use."""

    delay: int
    bandwidth: int
    mtu: int = 1500
    hops: int = 0
    reliability: int = 255
    load: int = 1

    def over(self, link: Figures) -> Figures:
        """The same path seen from across a link."""
        return Figures(
            self.delay + link.delay,
            min(self.bandwidth, link.bandwidth),
            min(self.mtu, link.mtu),
            self.hops + 1,
            min(self.reliability, link.reliability),
            max(self.load, link.load),
        )

    def classic(self) -> Figures:
        """What is left of them after a route of the classic form: 256ths of ten microseconds, a divisor of 10^7."""
        ticks = self.delay * 256 // TEN_US
        share = 10**7 // self.bandwidth
        return self._replace(delay=-(-ticks * TEN_US // 256), bandwidth=10**7 // share if share else 2**32 - 1)


class Metric(NamedTuple):
    """A process' arithmetic."""

    k: tuple[int, ...]
    wide: bool
    rib_scale: int

    def of(self, path: Figures) -> int:
        """The composite metric."""
        k1, k2, k3, k4, k5 = (*self.k, 0, 0, 0, 0, 0)[:5]
        if self.wide:
            slow, late = 655_360_000_000 // path.bandwidth, path.delay * 65_536 // 10**6
        else:
            slow, late = 10**7 // path.bandwidth * 256, path.delay * 256 // TEN_US
        metric = k1 * slow + k2 * slow // (256 - min(path.load, 255)) + k3 * late
        if k5:
            metric = metric * k5 // max(1, k4 + path.reliability)
        return max(metric, 1)

    def in_table(self, metric: int) -> int:
        """As the routing table shows it."""
        return min(metric // self.rib_scale if self.wide else metric, 2**32 - 1)


def arithmetic(process: EigrpProcess) -> Metric:
    """How a process counts; ``metric weights`` may name fewer than six."""
    return Metric(process.k_values, process.wide_metrics, process.rib_scale)


def configured(metric: tuple[int, int, int, int, int]) -> Figures:
    """The figures of ``metric BANDWIDTH DELAY RELIABILITY LOAD MTU``."""
    bandwidth, delay, reliability, load, mtu = metric
    return Figures(delay * TEN_US, bandwidth, mtu, 0, reliability, load)


def of_interface(interface: Interface, others: Mapping[str, Interface], wide: bool) -> Figures:
    """What an interface adds. In wide arithmetic, without a configured delay, faster ones than 1 Gbit/s have less."""
    bandwidth = _bandwidth(interface, others)
    delay = interface.delay_tens_us
    if delay is None and wide and bandwidth > 1_000_000:
        picoseconds = 10**13 // bandwidth
    else:
        picoseconds = (_default(interface.name)[1] if delay is None else max(1, delay)) * TEN_US
    return Figures(picoseconds, max(1, bandwidth), interface.mtu or 1500)


def _bandwidth(interface: Interface, others: Mapping[str, Interface]) -> int:
    if interface.bandwidth_kbps is not None:
        return interface.bandwidth_kbps
    if interface.speed_mbps is not None:
        return interface.speed_mbps * 1000
    found = re.fullmatch(r"Port-channel(\d+)(?:\.\d+)?", interface.name)
    if found:
        members = [i for i in others.values() if i.channel == int(found[1]) and i.up is not False and not i.shutdown]
        if members:
            return sum(_bandwidth(member, {}) for member in members)
    return _default(interface.name)[0]


def _default(name: str) -> tuple[int, int]:
    kind = re.match(r"[A-Za-z-]+", name)
    word = kind[0] if kind else ""
    return next(((bandwidth, delay) for row, bandwidth, delay in _DEFAULTS if row == word), (1_000_000, 1))
