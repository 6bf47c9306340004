"""One port of a simulated switch: its state and its counters.

Lives here: SimPort, and how OpenFlow describes it. Must not know: pipelines, cables.
Source: OpenFlow 1.3.5 §7.2.1.
"""

from __future__ import annotations

from dataclasses import dataclass

from clos.fabric.openflow.constants import PortConfig, PortFeature, PortState
from clos.fabric.openflow.messages import Port

_SPEEDS = {
    10: PortFeature.FD_10MB,
    100: PortFeature.FD_100MB,
    1_000: PortFeature.FD_1GB,
    10_000: PortFeature.FD_10GB,
    40_000: PortFeature.FD_40GB,
    100_000: PortFeature.FD_100GB,
    1_000_000: PortFeature.FD_1TB,
}

_DOWN = int(PortConfig.PORT_DOWN)


@dataclass(slots=True)
class SimPort:
    """One port: ``speed`` in Mbit/s, ``config`` as PortConfig bits, ``since`` in µs, and its counters."""

    number: int
    mac: int
    speed: int
    carrier: bool = True
    config: int = 0
    since: int = 0
    rx_packets: int = 0
    tx_packets: int = 0
    rx_bytes: int = 0
    tx_bytes: int = 0
    rx_dropped: int = 0
    tx_dropped: int = 0

    @property
    def up(self) -> bool:
        return self.carrier and not self.config & _DOWN

    def describe(self, switch: str) -> Port:
        """The port as OpenFlow describes it (§7.2.1)."""
        feature = int(_SPEEDS.get(self.speed, PortFeature.OTHER))
        state = (0 if self.carrier else PortState.LINK_DOWN) | (PortState.LIVE if self.up else 0)
        speed = self.speed * 1000
        name = f"{switch}-{self.number}"[-15:]
        return Port(self.number, self.mac, name, self.config, state, feature, feature, feature, 0, speed, speed)
