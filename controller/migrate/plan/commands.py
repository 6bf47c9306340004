"""The lines that each step types on legacy devices, each set in its safe order.

Lives here: IOS statements. Must not know: phases, the fabric. What protects comes before what opens: first what a port
does with BPDUs and what it costs, with no VLAN allowed; then the port; VLANs one by one, later. The inverse of a set is
worked out from the configuration that it meets, the last line first (``config_change``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from clos.controller.migrate.discover.names import vlan_text
from clos.controller.migrate.model import Device
from clos.controller.migrate.plan.config_change import inverse
from clos.controller.migrate.plan.ground import Border, Transit
from clos.controller.migrate.plan.model import DeviceCommands
from clos.controller.migrate.plan.transit_lists import list_name, transit_list
from clos.controller.migrate.segmentation.vlans import Vlan

COST = 20_000
"""Of the port to the fabric: worse than any legacy path, should BPDUs ever come from there."""


def commands(device: str, lines: Sequence[str], configs: Mapping[str, str], risky: bool = False) -> DeviceCommands:
    """The lines with what takes them back, given the configuration that they meet. Raises NoInverse."""
    return DeviceCommands(device, tuple(lines), inverse(configs[device], lines), risky)


def trunk(device: Device, border: Border, config: str) -> tuple[str, ...]:
    """The port to the fabric as a trunk that carries nothing yet.

    The fabric sends no BPDU. PortFast lets a VLAN forward at once where it is allowed; a BPDU that came nevertheless
    would close the port (BPDU guard) before it could change a tree.
    """
    port = device.interfaces[border.port]
    native = next((p.native_vlan for p in device.interfaces.values() if p.mode == "trunk"), 1)
    encapsulation = "switchport trunk encapsulation" in config
    return (
        f"interface {border.port}",
        f" description fabric {border.host}",
        " spanning-tree portfast trunk",
        " spanning-tree bpduguard enable",
        " spanning-tree guard root",
        f" spanning-tree cost {COST}",
        *((" switchport",) if port.mode == "routed" else ()),
        *((" switchport trunk encapsulation dot1q",) if encapsulation else ()),
        f" switchport trunk native vlan {native}",
        " switchport trunk allowed vlan none",
        " switchport mode trunk",
        " switchport nonegotiate",
        *((" no shutdown",) if port.shutdown else ()),
    )


def allow(border: Border, vlan: int) -> tuple[str, ...]:
    """One more VLAN to the fabric."""
    return (f"interface {border.port}", f" switchport trunk allowed vlan add {vlan}")


def transit(device: Device, border: Border, of: Transit) -> tuple[str, ...]:
    """The transit VLAN on the router at the border: the VLAN, the SVI with EIGRP and its lists, last the trunk."""
    lines = [
        f"vlan {of.vlan}",
        " name FABRIC-TRANSIT",
        *lists(device, (), 0),
        f"interface Vlan{of.vlan}",
        " description transit to the fabric",
        f" ip address {of.theirs} {of.subnet.netmask}",
        f" ip access-group {list_name(True, 0)} in",
        f" ip access-group {list_name(False, 0)} out",
        " no ip redirects",
    ]
    if of.authentication:
        mode, chain = of.authentication
        lines.append(f" ip authentication mode eigrp {of.asn} {mode}")
        lines += [f" ip authentication key-chain eigrp {of.asn} {chain}"] if chain else []
    process = next(p for p in device.eigrp if p.asn == of.asn and p.vrf is None)
    if process.passive_default and process.name is None:
        lines += [f"router eigrp {of.asn}", f" no passive-interface Vlan{of.vlan}"]
    return (*lines, *allow(border, of.vlan))


def lists(device: Device, moved: Sequence[Vlan], number: int) -> tuple[str, ...]:
    """The lists of the transit interface when these VLANs have moved."""
    found: list[str] = []
    for inward in (True, False):
        found.append(f"ip access-list extended {list_name(inward, number)}")
        found += [f" {line}" for line in transit_list(device, moved, inward)]
    return tuple(found)


def take_lists(device: Device, of: Transit, moved: Sequence[Vlan]) -> tuple[str, ...]:
    """New lists with one more VLAN's lines; then the transit interface takes them; then the old ones go."""
    number = len(moved)
    return (
        *lists(device, moved, number),
        f"interface Vlan{of.vlan}",
        f" ip access-group {list_name(True, number)} in",
        f" ip access-group {list_name(False, number)} out",
        *(f"no ip access-list extended {list_name(inward, number - 1)}" for inward in (True, False)),
    )


def shut_svi(vlan: int) -> tuple[str, ...]:
    """A router's interface in a VLAN, shut."""
    return (f"interface Vlan{vlan}", " shutdown")


def shut_ports(ports: Sequence[str]) -> tuple[str, ...]:
    """Ports that nobody is at any more."""
    return tuple(line for port in ports for line in (f"interface {port}", " shutdown"))


def forget(border: Border, vlan: int) -> tuple[str, ...]:
    """One VLAN less to the fabric."""
    return (f"interface {border.port}", f" switchport trunk allowed vlan remove {vlan_text([vlan])}")
