"""A discovered network as JSON: every value of the model under its own name.

MAC addresses are text as IOS writes them, sets of VLANs are ``1,10-12``, addresses are text.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from typing import Any

from clos.controller.migrate.discover.names import mac_text, vlan_text
from clos.controller.migrate.model import Network

_MACS = frozenset({"mac", "root_mac", "bridge_mac", "virtual_mac", "base_mac"})


def network_json(network: Network) -> dict[str, Any]:
    """The whole network."""
    found: dict[str, Any] = _plain(network)
    return found


def _plain(value: Any, name: str = "") -> Any:
    if isinstance(value, int) and not isinstance(value, bool) and name in _MACS:
        return mac_text(value)
    if value is None or isinstance(value, str | int | float | bool):
        return value
    if isinstance(value, IPv4Address | IPv4Interface | IPv4Network):
        return str(value)
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name), field.name) for field in fields(value)}
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return {key: _plain(each, key) for key, each in zip(value._fields, value, strict=True)}
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, frozenset):
        numbers = all(isinstance(each, int) for each in value)
        return vlan_text(value) if numbers else sorted(value)
    return [_plain(each) for each in value]
