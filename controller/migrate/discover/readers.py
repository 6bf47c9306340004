"""Which reader reads which command: one table.

All readers are Clos' own. Those of ntc-templates were measured first: about half of its templates have no error rule, so
that unknown lines vanish; ports held by a guard, tracked objects, wrapped VLAN lists and VRF headings do (see
docs/migration.md). A reader here accounts for every line.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from clos.controller.migrate.discover.lines import LineReader
from clos.controller.migrate.discover.show.access_lists import AccessLists
from clos.controller.migrate.discover.show.eigrp import EigrpInterfaces, EigrpNeighbors, EigrpTopology
from clos.controller.migrate.discover.show.hsrp import Standby, StandbyBrief, StandbyInternal
from clos.controller.migrate.discover.show.interfaces import AddressesBrief, Interfaces
from clos.controller.migrate.discover.show.inventory import Inventory
from clos.controller.migrate.discover.show.neighbors import CdpNeighbors, LldpNeighbors
from clos.controller.migrate.discover.show.nxos import HsrpAll, Vpc
from clos.controller.migrate.discover.show.protocols import Protocols
from clos.controller.migrate.discover.show.routes import Routes
from clos.controller.migrate.discover.show.spanning_tree import SpanningTree, SpanningTreeDetail, StpSummary
from clos.controller.migrate.discover.show.switching import (
    EtherchannelSummary,
    InterfacesStatus,
    InterfacesSwitchport,
    InterfacesTrunk,
)
from clos.controller.migrate.discover.show.tables import ArpTable, MacTable
from clos.controller.migrate.discover.show.version import Version
from clos.controller.migrate.discover.show.vlans import Vlans, Vrfs, VtpStatus

RUNNING_CONFIG = "show running-config"


class Command(NamedTuple):
    """A command that discovery gives; ``{vrf}`` stands for a VRF's name. ``instead``: what it falls back from.

    ``needed``: without it the answer is incomplete, and the command is named as missing.
    """

    text: str
    reader: type[LineReader]
    needed: bool = True
    instead: str | None = None


COMMANDS = (
    Command("show version", Version),
    Command("show inventory", Inventory, needed=False),
    Command("show vlan", Vlans, instead="show vlan brief"),
    Command("show vlan brief", Vlans, needed=False),
    Command("show vrf", Vrfs, needed=False),
    Command("show vtp status", VtpStatus, needed=False),
    Command("show ip interface brief", AddressesBrief, needed=False),
    Command("show interfaces", Interfaces, needed=False),
    Command("show interfaces status", InterfacesStatus, needed=False),
    Command("show interfaces trunk", InterfacesTrunk),
    Command("show interfaces switchport", InterfacesSwitchport, needed=False),
    Command("show etherchannel summary", EtherchannelSummary),
    Command("show spanning-tree", SpanningTree, instead="show spanning-tree detail"),
    Command("show spanning-tree detail", SpanningTreeDetail, needed=False),
    Command("show spanning-tree summary", StpSummary, needed=False),
    Command("show standby", Standby, instead="show standby brief"),
    Command("show standby all", Standby, needed=False),
    Command("show standby brief", StandbyBrief, needed=False),
    Command("show standby internal", StandbyInternal, needed=False),
    Command("show ip eigrp neighbors", EigrpNeighbors),
    Command("show ip eigrp neighbors detail", EigrpNeighbors, needed=False),
    Command("show ip eigrp topology", EigrpTopology),
    Command("show ip eigrp topology all-links", EigrpTopology, needed=False),
    Command("show ip eigrp interfaces", EigrpInterfaces, needed=False),
    Command("show ip eigrp interfaces detail", EigrpInterfaces, needed=False),
    Command("show ip eigrp vrf {vrf} neighbors detail", EigrpNeighbors, needed=False),
    Command("show ip eigrp vrf {vrf} topology all-links", EigrpTopology, needed=False),
    Command("show ip eigrp vrf {vrf} interfaces detail", EigrpInterfaces, needed=False),
    Command("show ip eigrp vrf {vrf} neighbors", EigrpNeighbors, needed=False),
    Command("show ip eigrp vrf {vrf} topology", EigrpTopology, needed=False),
    Command("show ip eigrp vrf {vrf} interfaces", EigrpInterfaces, needed=False),
    Command("show ip eigrp vrf {vrf}", EigrpNeighbors, needed=False),
    Command("show ip route", Routes),
    Command("show ip route vrf {vrf}", Routes, needed=False),
    Command("show ip protocols", Protocols, needed=False),
    Command("show ip protocols vrf {vrf}", Protocols, needed=False),
    Command("show ip access-lists", AccessLists, needed=False),
    Command("show access-lists", AccessLists, needed=False),
    Command("show mac address-table", MacTable),
    Command("show mac-address-table", MacTable, needed=False),
    Command("show ip arp", ArpTable),
    Command("show ip arp vrf {vrf}", ArpTable, needed=False),
    Command("show arp", ArpTable, needed=False),
    Command("show hsrp all", HsrpAll, needed=False),
    Command("show hsrp", HsrpAll, needed=False),
    Command("show vpc", Vpc, needed=False),
    Command("show interface status", InterfacesStatus, needed=False),
    Command("show interface trunk", InterfacesTrunk, needed=False),
    Command("show interface switchport", InterfacesSwitchport, needed=False),
    Command("show port-channel summary", EtherchannelSummary, needed=False),
    Command("show ip eigrp neighbors vrf {vrf}", EigrpNeighbors, needed=False),
    Command("show ip eigrp neighbors detail vrf {vrf}", EigrpNeighbors, needed=False),
    Command("show ip eigrp topology vrf {vrf}", EigrpTopology, needed=False),
    Command("show ip eigrp interfaces vrf {vrf}", EigrpInterfaces, needed=False),
    Command("show cdp neighbors detail", CdpNeighbors),
    Command("show lldp neighbors detail", LldpNeighbors, needed=False),
)
"""In the order in which devices are asked. Later outputs of the same field complete earlier ones."""

NXOS = (
    "show version", "show inventory", "show vlan", "show vrf", "show interface status", "show interface trunk",
    "show interface switchport", "show port-channel summary", "show spanning-tree", "show hsrp all", "show vpc",
    "show ip eigrp neighbors vrf all", "show ip eigrp topology vrf all", "show ip route vrf all",
    "show ip access-lists", "show mac address-table", "show ip arp vrf all", "show cdp neighbors detail",
    "show lldp neighbors detail",
)  # fmt: skip
"""What an NX-OS device is asked, in this order; a feature that is off refuses its command."""
NXOS_OPTIONAL = frozenset(
    {"show inventory", "show vrf", "show ip access-lists", "show lldp neighbors detail", "show vpc"}
)


class Known(NamedTuple):
    """A command that some reader reads, as it was given."""

    text: str
    reader: type[LineReader]
    vrf: str | None = None


def reader_of(command: str) -> Known | None:
    """The reader of a command (``show ip route vrf red``), or of a file's name (``show_ip_route_vrf_red``)."""
    asked = command.strip()
    blank, name = (" ", r"(?P<vrf>\S+)") if " " in asked else ("_", r"(?P<vrf>.+)")
    for known in COMMANDS:
        pattern = (
            re.escape(known.text.replace(" ", "~")).replace(r"\{vrf\}", name).replace("\\~", "~").replace("~", blank)
        )
        match = re.fullmatch(pattern, asked, re.IGNORECASE)
        if match is not None:
            vrf = match.groupdict().get("vrf")
            return Known(known.text.format(vrf=vrf), known.reader, vrf)
    return None
