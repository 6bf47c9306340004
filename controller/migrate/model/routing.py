"""Routes and access lists of legacy devices. Must not know: how any of it was read, what an access list means."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from typing import NamedTuple

from clos.controller.migrate.model.sources import Source


class Route(NamedTuple):
    """A route of ``show ip route``; ``code`` as IOS prints it (``C``, ``L``, ``S*``, ``D``, ``D EX``)."""

    code: str
    prefix: IPv4Network
    via: IPv4Address | None
    interface: str | None
    distance: int | None = None
    metric: int | None = None
    vrf: str | None = None


class StaticRoute(NamedTuple):
    """``ip route`` of a configuration."""

    prefix: IPv4Network
    via: IPv4Address | None
    interface: str | None
    distance: int = 1
    vrf: str | None = None
    name: str | None = None
    tag: int | None = None
    track: str | None = None
    """The object that it depends on."""


class AclLine(NamedTuple):
    """A line of an access list, in words; what it means for packets is worked out by ``controller.migrate.acl``."""

    sequence: int
    text: str
    source: Source | None = None


@dataclass(frozen=True, slots=True)
class AccessList:
    """A standard or extended IPv4 access list, numbered or named."""

    name: str
    extended: bool
    lines: tuple[AclLine, ...]
    family: str = "ipv4"
    """``ipv4``; only in a device's tables also ``ipv6`` and ``role-based``."""
