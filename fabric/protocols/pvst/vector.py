"""What bridges compare: bridge and port identifiers, priority vectors, the times of a tree.

Lives here: values and their order. Must not know: BPDUs as bytes, ports' states, timers that run.
Source: IEEE 802.1D-2004 §9.2.5-9.2.7 (identifiers), §17.5-17.6 (vectors), §17.14 (times and costs).
"""

from __future__ import annotations

from typing import NamedTuple

MAC_BITS = 48
EVERY_MAC = (1 << MAC_BITS) - 1
PORT_NUMBER = 0xFFF
"""The bits of a port identifier that number the port; the four above are its priority (§9.2.7)."""


def bridge_id(priority: int, vlan: int, mac: int) -> int:
    """A bridge identifier: priority in steps of 4096, the system id extension, the bridge's address (§9.2.5)."""
    if priority % 4096 or not 0 <= priority <= 61440 or not 0 <= vlan <= 4095:
        raise ValueError(f"bridge priority {priority}, extension {vlan}: steps of 4096 up to 61440, and 0-4095")
    return (priority | vlan) << MAC_BITS | mac & EVERY_MAC


def port_id(priority: int, number: int) -> int:
    """A port identifier: priority in steps of 16, and a number from 1 to 4095 (§9.2.7)."""
    if priority % 16 or not 0 <= priority <= 240 or not 1 <= number <= PORT_NUMBER:
        raise ValueError(f"port priority {priority}, number {number}: steps of 16 up to 240, and 1-4095")
    return priority << 8 | number


class Vector(NamedTuple):
    """A priority vector; the lesser is the better one (§17.6)."""

    root: int
    cost: int
    bridge: int
    port: int

    def replaces(self, other: Vector) -> bool:
        """Whether this is superior: better, or the newest word of the same bridge's same port (§17.6)."""
        if self < other:
            return True
        same_bridge = self.bridge & EVERY_MAC == other.bridge & EVERY_MAC
        return self != other and same_bridge and self.port & PORT_NUMBER == other.port & PORT_NUMBER


class Times(NamedTuple):
    """Seconds: how old a message is, and what its root wants timers to be (§17.13, §17.14)."""

    age: float = 0
    max_age: float = 20
    hello: float = 2
    forward_delay: float = 15

    def faults(self) -> bool:
        """Whether these break §17.14: 2 (forward delay - 1) >= max age >= 2 (hello + 1)."""
        return not 2 * (self.forward_delay - 1) >= self.max_age >= 2 * (self.hello + 1)


NO_VECTOR, DEFAULT_TIMES = Vector(0, 0, 0, 0), Times()
