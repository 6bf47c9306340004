"""Why a network cannot be planned for yet: what discovery left open, or what contradicts.

Lives here: one row for each reason, each with what to do. Must not know: steps. A plan is made from a whole network or
not at all; what a person knows better they say by name (``--accept``).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from clos.controller.migrate.model import Device, Network

_TABLES = ("arp", "macs", "trees", "hsrp", "neighbors")
NAMES = ("missing", "unparsed", "contradictions")
"""What may be accepted: outputs that no step needs, lines that no reader took, findings."""


def refusals(network: Network, accepted: Collection[str]) -> tuple[str, ...]:
    """Every reason, in the order of devices."""
    return tuple(_refusals(network, accepted))


def _refusals(network: Network, accepted: Collection[str]) -> Iterator[str]:
    if not network.devices:
        yield "no device was discovered: run clos migrate discover"
    for name, device in network.devices.items():
        yield from _of_device(name, device)
    if not any(device.state.arp for device in network.devices.values()):
        yield "no device's ARP table was read: no host is known; discover over SSH, or add show_ip_arp.txt"
    if "unparsed" not in accepted:
        for line in network.unparsed:
            yield f"{line.source}: {line.text!r} was not understood; see to it, or say --accept unparsed"
    if "contradictions" not in accepted:
        for found in network.contradictions:
            yield f"{found.kind}: {found.text}; see to it, or say --accept contradictions"
    if "missing" not in accepted:
        for name, outputs in network.missing.items():
            if outputs:
                some = ", ".join(outputs[:6]) + (f" and {len(outputs) - 6} more" if len(outputs) > 6 else "")
                yield f"{name}: {some} not read; discover again, or say --accept missing"


def _of_device(name: str, device: Device) -> Iterator[str]:
    if not device.interfaces:
        yield f"{name}: its running configuration was not read; discover again"
    if device.platform == "nxos":
        yield f"{name}: NX-OS is discovered and not planned for"
