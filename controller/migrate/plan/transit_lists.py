"""Access lists that follow their VLANs to the transit interface: to and from everybody beyond, nothing changes.

Lives here: a VLAN's lists, cut down to its own addresses, line by line in IOS' words. Must not know: steps. What comes
from a moved VLAN enters the legacy router at the transit interface; a list there that holds the lines of every moved
VLAN, each for this VLAN's sources alone, treats each packet as the VLAN's own list did, flags and messages included.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from ipaddress import IPv4Address

from clos.controller.migrate.model import AccessList, Device
from clos.controller.migrate.segmentation.addresses import ALL, Pattern, prefix
from clos.controller.migrate.segmentation.rules import Rule, read_list
from clos.controller.migrate.segmentation.vlans import Vlan

_ARGUMENTS = {"eq": 1, "neq": 1, "gt": 1, "lt": 1, "range": 2}


def list_name(inward: bool, number: int) -> str:
    """Of the list after a number of gateways have moved: a new list each time, so that none is ever half there."""
    return f"FABRIC-{'IN' if inward else 'OUT'}-{number}"


def transit_list(device: Device, moved: Sequence[Vlan], inward: bool) -> tuple[str, ...]:
    """The lines of the list at the transit interface: ``inward`` for what comes from the fabric."""
    lines: dict[str, None] = {}
    for vlan in moved:
        router = next(r for r in vlan.routers if r.device == device.name)
        name = router.interface.acl_in if inward else router.interface.acl_out
        if name is not None and name in device.access_lists:
            acl = device.access_lists[name]
            own = [prefix(net) for net in vlan.subnets]
            for line in _cut_down(device, acl, own, inward):
                lines[line] = None
    return (*lines, "permit ip any any")


def _cut_down(device: Device, acl: AccessList, own: Sequence[Pattern], inward: bool) -> Iterator[str]:
    groups: Mapping[str, tuple[str, ...]] = device.object_groups
    for rule in read_list(device.name, acl, groups):
        words = _extended(rule, acl.extended)
        start, length = _place(words, inward)
        addresses = rule.source if inward else rule.target
        for pattern in addresses.patterns:
            for mine in own:
                both = _both(pattern, mine)
                if both is not None:
                    yield " ".join((*words[:start], *_spec(both), *words[start + length :]))


def _extended(rule: Rule, extended: bool) -> list[str]:
    """The line's words; a standard line as an extended one; without hit counts."""
    text = rule.place.text.partition("(")[0]
    if extended:
        return text.replace(",", " ").split()
    (source,) = rule.source.patterns
    return [text.split()[0], "ip", *_spec(source), "any"]


def _place(words: Sequence[str], source: bool) -> tuple[int, int]:
    """Where the source (or the destination) stands, and how many words it is."""
    at = 3 if words[1] == "object-group" else 2
    length = 1 if words[at] == "any" else 2
    if source:
        return at, length
    at += length
    while words[at] in _ARGUMENTS:
        operator = words[at]
        at += 1 + _ARGUMENTS[operator]
        while operator in ("eq", "neq") and words[at] not in ("any", "host", "object-group") and "." not in words[at]:
            at += 1
    return at, 1 if words[at] == "any" else 2


def _both(one: Pattern, other: Pattern) -> Pattern | None:
    """The addresses of both patterns: a pattern again."""
    if not one.meets(other):
        return None
    wild = one.wild & other.wild
    return Pattern((one.value & ~one.wild | other.value & ~other.wild) & ~wild & ALL, wild)


def _spec(pattern: Pattern) -> tuple[str, ...]:
    if pattern.wild == 0:
        return ("host", str(IPv4Address(pattern.value)))
    if pattern.wild == ALL:
        return ("any",)
    return (str(IPv4Address(pattern.value)), str(IPv4Address(pattern.wild)))
