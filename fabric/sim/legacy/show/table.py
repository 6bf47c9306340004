"""Which ``show`` command is rendered by which function: one table.

``mode`` of a row: None where every user may, ``privileged`` where only one that is enabled may.
"""

from __future__ import annotations

from collections.abc import Callable

from clos.fabric.sim.legacy.device import LegacyDevice
from clos.fabric.sim.legacy.grammar import INVALID, Match, Row
from clos.fabric.sim.legacy.show import (
    access_lists,
    eigrp,
    hsrp,
    interfaces,
    neighbors,
    routing,
    spanning_detail,
    spanning_tree,
    switching,
    system,
)

Show = Callable[[LegacyDevice, Match], str]


def _of_switch(show: Show) -> Show:
    """A command that routers do not have."""
    return lambda device, match: f"{INVALID}\n\n" if device.hardware.router else show(device, match)


_TABLE: tuple[tuple[str, bool, Show], ...] = (
    ("show running-config [interface <interface>]", True, system.running_config),
    ("show startup-config", True, system.startup_config),
    ("show version", False, system.version),
    ("show inventory", False, system.inventory),
    ("show archive", True, system.archive),
    ("show clock", False, system.clock),
    ("show logging", False, system.logging),
    ("show vlan brief", False, _of_switch(switching.vlan_brief)),
    ("show vlan", False, _of_switch(switching.vlan)),
    ("show vtp status", False, _of_switch(switching.vtp_status)),
    ("show interfaces [<interface>]", False, interfaces.interfaces),
    ("show interfaces trunk", False, _of_switch(switching.trunks)),
    ("show interfaces switchport", False, _of_switch(switching.switchport)),
    ("show interfaces <interface> switchport", False, _of_switch(switching.switchport)),
    ("show interfaces status", False, _of_switch(switching.status)),
    ("show etherchannel summary", False, _of_switch(switching.etherchannel_summary)),
    ("show {access-lists | ip access-lists} [<word>]", False, access_lists.access_lists),
    ("show spanning-tree [vlan <1-4094>]", False, spanning_tree.spanning_tree),
    ("show spanning-tree [vlan <1-4094>] detail", False, spanning_detail.detail),
    ("show spanning-tree summary", False, spanning_detail.summary),
    ("show spanning-tree root", False, spanning_tree.root),
    ("show spanning-tree blockedports", False, spanning_tree.blocked_ports),
    ("show {mac address-table | mac-address-table}", False, switching.mac_table),
    ("show standby [all]", False, hsrp.standby),
    ("show standby brief", False, hsrp.brief),
    ("show ip eigrp neighbors [detail]", False, eigrp.neighbors),
    ("show ip eigrp topology [all-links]", False, eigrp.topology),
    ("show ip eigrp interfaces [detail]", False, eigrp.interfaces),
    ("show ip protocols", False, eigrp.protocols),
    ("show ip route", False, routing.ip_route),
    ("show {ip arp | arp}", False, routing.ip_arp),
    ("show ip interface brief", False, routing.interface_brief),
    ("show cdp neighbors detail", False, neighbors.cdp),
    ("show lldp neighbors detail", False, neighbors.lldp),
)

SHOW = tuple(Row(pattern, pattern, "privileged" if privileged else None) for pattern, privileged, _ in _TABLE)
SHOWS: dict[str, Show] = {pattern: show for pattern, _, show in _TABLE}
