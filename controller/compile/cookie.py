"""Cookies: 64 bits on every rule that say which line of intent caused it.

``0xC105`` in the top 16 bits marks a rule as Clos's; the low 48 bits are a digest of the intent object's
path (``tenants.retail.endpoints.web1``), so they are the same in every revision and need no registry.

Source: OpenFlow 1.3.5 §6.4 (cookie filters).
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b
from typing import NamedTuple

from clos.controller.intent.model import NOWHERE, Intent, Where

CLOS_COOKIE = 0xC105 << 48
CLOS_MASK = 0xFFFF << 48


class Origin(NamedTuple):
    """The intent object behind a rule: its path and the place it was written."""

    path: str
    where: Where

    def __str__(self) -> str:
        return self.path if self.where == NOWHERE else f"{self.where} {self.path}"


def cookie(path: str) -> int:
    """The cookie of the rules that the object at ``path`` causes."""
    return CLOS_COOKIE | int.from_bytes(blake2b(path.encode(), digest_size=6).digest())


def is_clos(value: int) -> bool:
    """Whether a rule with this cookie was installed by Clos."""
    return value & CLOS_MASK == CLOS_COOKIE


def tenant_path(tenant: str) -> str:
    return f"tenants.{tenant}"


def network_path(tenant: str, network: str) -> str:
    return f"tenants.{tenant}.networks.{network}"


def endpoint_path(tenant: str, endpoint: str) -> str:
    return f"tenants.{tenant}.endpoints.{endpoint}"


def policy_path(tenant: str, policy: str) -> str:
    return f"tenants.{tenant}.policies.{policy}"


def share_path(tenant: str, share: str) -> str:
    return f"shares.{tenant}.{share}"


def import_path(tenant: str, exporter: str, share: str) -> str:
    return f"tenants.{tenant}.imports.{exporter}.{share}"


def switch_path(switch: str) -> str:
    return f"topology.switches.{switch}"


def node_path(node: str) -> str:
    return f"topology.nodes.{node}"


def origins(intent: Intent) -> dict[int, Origin]:
    """Every intent object by the cookie its rules carry.

    Raises ValueError when two objects share a cookie (48-bit digests: one chance in 10**6 at 25,000 objects).
    """
    found: dict[int, Origin] = {}
    for path, where in _paths(intent):
        value = cookie(path)
        if value in found:
            raise ValueError(f"{path} and {found[value].path} have the same cookie {value:#x}; rename one of them")
        found[value] = Origin(path, where)
    return found


def _paths(intent: Intent) -> Iterator[tuple[str, Where]]:
    for tenant in intent.tenants.values():
        yield tenant_path(tenant.name), tenant.where
        yield from ((network_path(tenant.name, n.name), n.where) for n in tenant.networks.values())
        yield from ((endpoint_path(tenant.name, e.name), e.where) for e in tenant.everyone.values())
        yield from ((policy_path(tenant.name, p.name), p.where) for p in tenant.policies)
        yield from ((import_path(tenant.name, w.tenant, w.share), w.where) for w in tenant.imports if w.deny)
    for share in intent.shares.values():
        yield share_path(share.tenant, share.name), share.where
