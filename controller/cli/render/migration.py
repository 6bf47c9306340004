"""A discovered network as tables of at most 80 columns, one for each view.

Must not know: how a network was read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from clos.controller.cli.render.text import columns, count, paragraph, some
from clos.controller.migrate.discover.names import mac_text, vlan_text
from clos.controller.migrate.model import EVERY_VLAN, TRUNK, Device, Interface, Network, StpTree

if TYPE_CHECKING:
    from rich.text import Text

Lines = Iterator["Text | str"]
FEW = 3
"""Findings of a kind that the summary shows."""
_SHORT = (
    ("TwentyFiveGigE", "Twe"), ("HundredGigE", "Hu"), ("FortyGigabitEthernet", "Fo"), ("TenGigabitEthernet", "Te"),
    ("FiveGigabitEthernet", "Fi"), ("TwoGigabitEthernet", "Tw"), ("GigabitEthernet", "Gi"), ("FastEthernet", "Fa"),
    ("Port-channel", "Po"), ("Loopback", "Lo"), ("Tunnel", "Tu"), ("Vlan", "Vl"), ("Ethernet", "Et"),
)  # fmt: skip


def short(name: str) -> str:
    """``GigabitEthernet1/0/1`` -> ``Gi1/0/1``, as IOS shortens it."""
    for full, brief in _SHORT:
        if name.startswith(full):
            return brief + name.removeprefix(full)
    return name


def summary(network: Network) -> Lines:
    """What was found, and what is not sure: the answer of ``clos migrate discover``."""
    yield from devices(network)
    yield ""
    yield from _problems(network, FEW)
    yield _sum(network)


def _sum(network: Network) -> str:
    parts = (
        count(len(network.devices), "device"),
        count(len(network.cables), "cable") + (f" ({len(network.inferred)} inferred)" if network.inferred else ""),
        count(len(network.contradictions), "contradiction"),
        count(len(network.unparsed), "unparsed line"),
        count(sum(map(len, network.missing.values())), "missing output"),
    )
    return ", ".join(parts) + "."


def devices(network: Network) -> Lines:
    """A row for each device."""
    rows: list[Sequence[str]] = [("device", "platform", "version", "ports", "VLANs", "trees", "HSRP", "EIGRP", "ACLs")]
    for device in network.devices.values():
        vlans = device.vlans or device.state.vlans or {}
        rows.append(
            (
                device.name, device.platform, device.version or "?", str(len(device.interfaces)), str(len(vlans)),
                _size(device.state.trees), str(sum(len(port.hsrp) for port in device.interfaces.values())),
                ",".join(str(process.asn) for process in device.eigrp) or "-", str(len(device.access_lists)),
            )
        )  # fmt: skip
    yield from columns(rows, right={3, 4, 5, 6, 8})


def _size(rows: Sequence[object] | None) -> str:
    return "?" if rows is None else str(len(rows))


def ports(network: Network) -> Lines:
    """A row for each interface that does something."""
    rows: list[Sequence[str]] = [("device", "port", "mode", "VLAN or address", "description")]
    for device in network.devices.values():
        rows += [
            (device.name, short(port.name), port.mode or "?", _vlan_or_address(port), port.description)
            for port in device.interfaces.values()
            if not (port.shutdown and not port.addresses)
        ]
    yield from columns(rows)


def _vlan_or_address(port: Interface) -> str:
    if port.addresses:
        return ", ".join(map(str, port.addresses))
    if port.mode == TRUNK:
        carried = "all" if port.allowed == EVERY_VLAN else vlan_text(port.allowed or ()).replace(",", ", ")
        return carried + (f" (native {port.native_vlan})" if port.native_vlan != 1 else "")
    return str(port.access_vlan) if port.mode in {"access", "dynamic"} else "-"


def trees(network: Network) -> Lines:
    """A row for each VLAN: its root or roots, and the blocked ports."""
    names = {
        (tree.vlan, tree.bridge_mac): device.name
        for device in network.devices.values()
        for tree in device.state.trees or ()
    }
    by_vlan: dict[int, list[tuple[Device, StpTree]]] = {}
    for device in network.devices.values():
        for tree in device.state.trees or ():
            by_vlan.setdefault(tree.vlan, []).append((device, tree))
    rows: list[Sequence[str]] = [("VLAN", "root", "priority", "devices", "not forwarding")]
    for vlan, seen in sorted(by_vlan.items()):
        roots = {(tree.root_priority, tree.root_mac) for _, tree in seen}
        closed = [
            f"{device.name} {short(port.name)}{f' ({port.inconsistent})' if port.inconsistent else ''}"
            for device, tree in seen
            for port in tree.ports
            if port.state != "forwarding"
        ]
        for priority, mac in sorted(roots):
            rows.append((str(vlan), names.get((vlan, mac), mac_text(mac)), str(priority), str(len(seen)), some(closed)))
    yield from columns(rows, right={0, 2, 3})


def hsrp(network: Network) -> Lines:
    """A row for each group of each device."""
    rows: list[Sequence[str]] = [("interface", "group", "virtual addresses", "device", "priority", "state", "options")]
    for device in network.devices.values():
        states = {(row.interface, row.group): row.state for row in device.state.hsrp or ()}
        for port in device.interfaces.values():
            for group in port.hsrp:
                addresses = [str(address) for address in (group.address, *group.secondaries) if address]
                options = "preempt" if group.preempt else ""
                rows.append(
                    (
                        short(port.name), str(group.group), ", ".join(addresses) or "learned", device.name,
                        str(group.priority), states.get((port.name, group.group), "?"), options,
                    )
                )  # fmt: skip
    yield from columns([rows[0], *sorted(rows[1:], key=lambda row: (row[0], int(row[1]), row[3]))], right={1, 4})


def eigrp(network: Network) -> Lines:
    """A row for each process, then one for each neighbour."""
    rows: list[Sequence[str]] = [("device", "AS", "VRF", "kind", "networks", "redistributes")]
    neighbors: list[Sequence[str]] = [("device", "AS", "VRF", "interface", "neighbour")]
    for device in network.devices.values():
        rows += [
            (device.name, str(process.asn), process.vrf or "-", f"named {process.name}" if process.name else "classic",
             some([str(each) for each in process.networks]) or "-",
             ", ".join(each.source for each in process.redistribute) or "-")
            for process in device.eigrp
        ]  # fmt: skip
        neighbors += [
            (device.name, str(row.asn or "?"), row.vrf or "-", short(row.interface), str(row.address))
            for row in device.state.eigrp_neighbors or ()
        ]
    yield from columns(rows, right={1})
    yield ""
    yield from columns(neighbors, right={1})


def acls(network: Network) -> Lines:
    """A row for each access list, with where it applies."""
    rows: list[Sequence[str]] = [("device", "list", "kind", "lines", "applied")]
    for device in network.devices.values():
        for acl in device.access_lists.values():
            where = [
                f"{short(port.name)} {way}"
                for port in device.interfaces.values()
                for name, way in ((port.acl_in, "in"), (port.acl_out, "out"))
                if name == acl.name
            ]
            kind = "extended" if acl.extended else "standard"
            rows.append((device.name, acl.name, kind, str(len(acl.lines)), some(where) or "-"))
    yield from columns(rows, right={3})


def cables(network: Network) -> Lines:
    """A row for each cable between discovered devices; of those that are inferred, what from."""
    reasons = dict(network.inferred)
    heading = ("from", "port", "to", "port", *(["inferred from"] if reasons else []))
    rows: list[Sequence[str]] = [heading]
    for cable in network.cables:
        a, b = cable
        why = [reasons.get(cable, "-")] if reasons else []
        rows.append((a[0], short(a[1]), b[0], short(b[1]), *why))
    yield from columns(rows)


def findings(network: Network) -> Lines:
    """All contradictions."""
    yield from _problems(network, None)


def _problems(network: Network, most: int | None) -> Lines:
    """Contradictions by kind, missing outputs, unparsed lines; of each kind no more than ``most``."""
    kinds = Counter(one.kind for one in network.contradictions)
    for kind, number in sorted(kinds.items()):
        yield f"{kind}: {number:,}"
        shown = [one.text for one in network.contradictions if one.kind == kind][:most]
        yield from _listed(shown, number)
    if network.missing:
        yield f"not read: {count(sum(map(len, network.missing.values())), 'output')}"
        yield from _listed(_missing(network), 0)
    if network.unparsed:
        yield f"unparsed: {count(len(network.unparsed), 'line')}"
        shown = [f"{line.source}: {line.text}" for line in network.unparsed][:most]
        yield from _listed(shown, len(network.unparsed))


def _missing(network: Network) -> list[str]:
    """Devices that miss the same together; IOS' usual words of refusal are one word."""
    usual = "refused: % Invalid input detected at '^' marker."
    alike: dict[str, list[str]] = {}
    for name, those in network.missing.items():
        alike.setdefault(", ".join(those).replace(usual, "refused"), []).append(name)
    return [f"{', '.join(names)}: {text}" for text, names in alike.items()]


def _listed(shown: Iterable[str], number: int) -> Lines:
    lines = list(shown)
    for line in lines:
        yield from paragraph(line, indent=2)
    if number > len(lines):
        yield f"  and {number - len(lines):,} more (clos migrate show DIR findings)"


VIEWS: Mapping[str, Callable[[Network], Lines]] = {
    "summary": summary,
    "devices": devices,
    "ports": ports,
    "stp": trees,
    "hsrp": hsrp,
    "eigrp": eigrp,
    "acls": acls,
    "cables": cables,
    "findings": findings,
}
"""What ``clos migrate show`` shows, by name."""
