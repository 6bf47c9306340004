"""MAC addresses that say what they are. Must not know: networks."""

from __future__ import annotations

_VIRTUAL = ((0x00000C07AC00, 8), (0x00000C9FF000, 12), (0x00005E000100, 8), (0x0007B4000000, 16))
"""HSRP version 1 and 2, VRRP, GLBP: the beginnings of virtual MAC addresses, and how many bits follow."""


def is_virtual(mac: int) -> bool:
    """Whether a MAC address is a first-hop redundancy protocol's."""
    return any(mac >> bits == start >> bits for start, bits in _VIRTUAL)
