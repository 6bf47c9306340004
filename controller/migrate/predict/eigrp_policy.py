"""Which prefixes distribute lists and route maps let pass, as configurations have them.

Lives here: prefix lists, standard access lists and route maps as predicates over prefixes. Must not know: EIGRP,
metrics, who advertises what. What is not understood raises ``NotUnderstood``: it is never taken for a permit.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv4Network

from clos.controller.migrate.model import Device


class NotUnderstood(ValueError):
    """A line that would decide and cannot be read; the text names it."""


def list_permits(device: Device, name: str, prefix: IPv4Network) -> bool:
    """Whether a distribute list lets a prefix pass: ``ACL``, ``prefix NAME`` or ``route-map NAME``."""
    kind, _, rest = name.partition(" ")
    if kind == "prefix":
        return prefix_list_permits(device, rest, prefix)
    if kind == "route-map":
        return route_map(device, rest, prefix) is not None
    if kind == "gateway":
        raise NotUnderstood(f"{device.name}: distribute-list gateway {rest}")
    return access_list_permits(device, name, prefix)


def prefix_list_permits(device: Device, name: str, prefix: IPv4Network) -> bool:
    """A prefix list that does not exist permits everything, an existing one denies what no line names."""
    lines = device.prefix_lists.get(name)
    if lines is None:
        return True
    for text in lines:
        found = re.search(r"\b(permit|deny) ([\d.]+/\d+)(?: ge (\d+))?(?: le (\d+))?\s*$", text)
        if found is None:
            if "description" in text:
                continue
            raise NotUnderstood(f"{device.name}: ip prefix-list {name}: {text}")
        network = IPv4Network(found[2], strict=False)
        shortest = int(found[3] or network.prefixlen)
        longest = int(found[4] or (32 if found[3] else network.prefixlen))
        if prefix.subnet_of(network) and shortest <= prefix.prefixlen <= longest:
            return found[1] == "permit"
    return False


def access_list_permits(device: Device, name: str, prefix: IPv4Network) -> bool:
    """A standard access list judges the network's address."""
    access_list = device.access_lists.get(name)
    if access_list is None:
        return True
    if access_list.extended:
        raise NotUnderstood(f"{device.name}: distribute-list {name} is an extended access list")
    address = int(prefix.network_address)
    for line in access_list.lines:
        found = re.match(
            r"(permit|deny) +(?:(any)|host ([\d.]+)|([\d.]+)(?:,? +(?:wildcard bits )?([\d.]+))?)\b", line.text
        )
        if found is None:
            if line.text.startswith("remark"):
                continue
            raise NotUnderstood(f"{device.name}: access-list {name}: {line.text}")
        network = int(IPv4Address(found[3] or found[4] or "0.0.0.0"))
        free = 2**32 - 1 if found[2] else int(IPv4Address(found[5] or "0.0.0.0"))
        if not (address ^ network) & ~free & 0xFFFFFFFF:
            return found[1] == "permit"
    return False


def route_map(device: Device, name: str, prefix: IPv4Network) -> dict[str, str] | None:
    """What a route map sets for a prefix; None: it denies it. One that does not exist denies nothing."""
    lines = device.route_maps.get(name)
    if lines is None:
        return {}
    for permit, matches, sets in _entries(device, name, lines):
        if all(_matches(device, text, prefix) for text in matches):
            return sets if permit else None
    return None


def _entries(device: Device, name: str, lines: tuple[str, ...]) -> list[tuple[bool, list[str], dict[str, str]]]:
    """The entries of a route map in order: ``permit 10``, and the ``match`` and ``set`` lines under it."""
    entries: list[tuple[int, bool, list[str], dict[str, str]]] = []
    for text in lines:
        words = text.split()
        if words[:1] == ["route-map"]:
            words = words[2:]
        if not words or words[0] in ("permit", "deny"):
            entries.append((int(words[1]) if len(words) > 1 else 10, words[:1] != ["deny"], [], {}))
        elif words[0] == "match" and entries:
            entries[-1][2].append(" ".join(words[1:]))
        elif words[0] == "set" and entries and len(words) > 1:
            entries[-1][3][words[1]] = " ".join(words[2:])
        elif words[0] != "description":
            raise NotUnderstood(f"{device.name}: route-map {name}: {text}")
    return [entry[1:] for entry in sorted(entries, key=lambda entry: entry[0])]


def _matches(device: Device, text: str, prefix: IPv4Network) -> bool:
    """A ``match`` line: any of the lists that it names."""
    words = text.split()
    if words[:3] == ["ip", "address", "prefix-list"]:
        return any(prefix_list_permits(device, name, prefix) for name in words[3:])
    if words[:2] == ["ip", "address"]:
        return any(access_list_permits(device, name, prefix) for name in words[2:])
    raise NotUnderstood(f"{device.name}: match {text}")
