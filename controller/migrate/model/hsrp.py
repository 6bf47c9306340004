"""HSRP groups of legacy devices: configuration and state. Must not know: how any of it was read, the protocol."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address


@dataclass(frozen=True, slots=True)
class HsrpGroup:
    """One HSRP group of an interface, as configured (RFC 2281; version 2: Cisco)."""

    interface: str
    group: int
    version: int = 1
    address: IPv4Address | None = None
    secondaries: tuple[IPv4Address, ...] = ()
    priority: int = 100
    preempt: bool = False
    preempt_delay: int = 0
    hello_ms: int = 3000
    hold_ms: int = 10000
    authentication: str | None = None
    """``text KEY`` or ``md5 ...``; secrets replaced by ``<removed>``."""
    tracks: tuple[tuple[str, int], ...] = ()
    """Tracked objects or interfaces, each with the decrement of the priority."""
    name: str | None = None
    virtual_mac: int | None = None
    """Configured (``standby mac-address``); None: the one that the group number gives."""
    use_bia: bool = False
    """The port's own MAC address serves as the virtual one."""


@dataclass(frozen=True, slots=True)
class HsrpState:
    """One HSRP group as ``show standby`` has it."""

    interface: str
    group: int
    state: str
    """``Active``, ``Standby``, ``Listen``, ``Speak``, ``Learn``, ``Init``."""
    address: IPv4Address | None
    active: str | None
    """``local``, an address in text, or None where unknown."""
    standby: str | None
    priority: int | None = None
    virtual_mac: int | None = None
    version: int | None = None
    preempt: bool | None = None
    secondaries: tuple[IPv4Address, ...] = ()
    hello_ms: int | None = None
    hold_ms: int | None = None
