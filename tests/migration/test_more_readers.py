"""Readers of outputs beyond switching and EIGRP, and what no reader may be misled by."""

from __future__ import annotations

import pytest

from tests.migration.readings import read, value

INVENTORY = """\
NAME: "Switch 1", DESCR: "WS-C3850-24P"
PID: WS-C3850-24P      , VID: V01  , SN: FCW0000D0AA

NAME: "GigabitEthernet1/1/1", DESCR: "1000BaseSX SFP"
PID: Unspecified       , VID:      , SN: AGM0000F0BB
"""


def test_an_inventory_has_every_item_with_its_serial_number():
    items = value("show inventory", INVENTORY, "inventory")
    assert [(item.name, item.pid, item.vid, item.serial) for item in items] == [
        ("Switch 1", "WS-C3850-24P", "V01", "FCW0000D0AA"),
        ("GigabitEthernet1/1/1", "Unspecified", "", "AGM0000F0BB"),
    ]


BRIEF = """\
Interface              IP-Address      OK? Method Status                Protocol
GigabitEthernet0/0     10.0.0.1        YES NVRAM  up                    up
GigabitEthernet0/1     unassigned      YES unset  administratively down down
"""


def test_addresses_in_brief_have_their_state():
    up, down = value("show ip interface brief", BRIEF, "addresses")
    assert (str(up.address), up.method, up.status, up.up) == ("10.0.0.1", "NVRAM", "up", True)
    assert (down.address, down.status, down.up) == (None, "administratively down", False)


PROTOCOLS = """\
*** IP Routing is NSF aware ***

Routing Protocol is "eigrp 100"
  Outgoing update filter list for all interfaces is not set
  Redistributing: static, ospf 1
  EIGRP-IPv4 Protocol for AS(100)
    Metric weight K1=1, K2=0, K3=1, K4=0, K5=0
    Router-ID: 10.0.0.1
    Topology : 0 (base)
      Distance: internal 90 external 170
      Maximum path: 4
      Maximum metric variance 2
  Automatic Summarization: disabled
  Maximum path: 4
  Routing for Networks:
    10.0.0.0/8
    192.168.4.0
  Passive Interface(s):
    Vlan10
  Routing Information Sources:
    Gateway         Distance      Last Update
    10.0.0.2              90      00:01:02
  Distance: internal 90 external 170
"""


def test_what_eigrp_runs_with_is_read_from_show_ip_protocols():
    (eigrp,) = value("show ip protocols", PROTOCOLS, "protocols")
    assert (eigrp.name, str(eigrp.router_id), eigrp.k_values) == ("eigrp 100", "10.0.0.1", (1, 0, 1, 0, 0))
    assert (eigrp.variance, eigrp.maximum_paths, eigrp.distance) == (2, 4, (90, 170))
    assert eigrp.networks == ("10.0.0.0/8", "192.168.4.0") and eigrp.passive == ("Vlan10",)
    assert eigrp.redistributing == ("static", "ospf 1") and eigrp.sources == ("10.0.0.2 90 00:01:02",)


def test_virtual_addresses_of_hsrp_have_their_groups():
    text = (
        "HSRP common process not running\n"
        "HSRP virtual IP Hash Table (global)\n"
        "103 192.168.1.254                    Gi1/0/1    Grp 0\n"
        "HSRP MAC Address Table\n"
        "169 Gi1/0/1 0000.0c07.ac05\n"
        "    Gi1/0/1 Grp 5\n"
    )
    address, mac = value("show standby internal", text, "hsrp_virtual")
    assert (address.interface, address.group, address.address) == ("GigabitEthernet1/0/1", 0, "192.168.1.254")
    assert (mac.group, mac.mac) == (5, 0x00000C07AC05)


def test_names_too_long_for_their_column_have_the_row_below():
    brief = (
        "Interface   Grp  Pri P State   Active          Standby         Virtual IP\n"
        "Vl4010\n"
        "            1    120 P Active  local           10.1.4.3        10.1.4.1\n"
    )
    (group,) = value("show standby brief", brief, "hsrp")
    assert (group.interface, group.priority, str(group.address)) == ("Vlan4010", 120, "10.1.4.1")
    vlans = (
        "VLAN Name                             Status    Ports\n"
        "---- -------------------------------- --------- ------\n"
        "1    default                          active    Gi1/0/1\n"
        "1006 a-name-that-is-longer-than-its-column-is\n"
        "                                      act/unsup Gi0/0/0\n"
    )
    first, second = value("show vlan", vlans, "vlan_table")
    assert (second.name, second.status) == ("a-name-that-is-longer-than-its-column-is", "act/unsup")
    assert first.ports == ("GigabitEthernet1/0/1",)


def test_neighbors_of_an_active_route_that_have_not_replied_are_no_paths():
    text = (
        "EIGRP-IPv4 Topology Table for AS(1)/ID(10.0.0.1)\n"
        "A 10.9.0.0/16, 1 successors, FD is Infinity, q\n"
        "    1 replies, active 00:00:02, query-origin: Local origin\n"
        "        via 10.1.1.2 (Infinity/Infinity), r, GigabitEthernet1, serno 4\n"
        "      Remaining replies:\n"
        "         via 10.1.2.2, r, GigabitEthernet2\n"
    )
    (entry,) = value("show ip eigrp topology", text, "eigrp_topology")
    assert [str(path.via) for path in entry.paths] == ["10.1.1.2"]


def test_a_path_without_figures_is_named():
    heading = "IP-EIGRP Topology Table for AS(1)/ID(10.0.0.1)\nP 10.9.0.0/16, 1 successors, FD is 3072\n"
    text = f"{heading}        via 10.1.1.2, Vlan5\n"
    assert [line.text for line in read("show ip eigrp topology", text).unparsed] == ["via 10.1.1.2, Vlan5"]


@pytest.mark.parametrize(
    ("command", "text"),
    [("show ip protocols", PROTOCOLS), ("show inventory", INVENTORY), ("show ip interface brief", BRIEF)],
)
def test_what_surrounds_lines_does_not_change_what_is_read(command, text):
    """Blanks at the ends of lines, common indentation, and messages logged to the session meanwhile."""
    plain = read(command, text).values
    log = "*Mar  1 18:46:11.123: %SYS-5-CONFIG_I: Configured from console by vty0\n"
    wide = "000123: Dec  1 2026 10:00:00.000 CET: %LINEPROTO-5-UPDOWN: Line protocol on Vlan1, changed to up\n"
    for changed in (
        "".join(f"{line}   \n" for line in text.splitlines()),
        "".join(f"    {line}\n" for line in text.splitlines()),
        "".join(f"{line}\n{log}{wide}" for line in text.splitlines()),
    ):
        assert value(command, changed, next(iter(plain))) == plain[next(iter(plain))]


def test_old_access_lists_get_the_numbers_that_ios_gives_them():
    text = "Standard IP access list 1\n    permit 10.0.0.0, wildcard bits 0.255.255.255\n    deny   any\n"
    (acl,) = value("show access-lists", text, "access_lists")
    assert [line.sequence for line in acl.lines] == [10, 20]


def test_vrfs_have_their_interfaces():
    text = (
        "  Name                             Default RD            Protocols   Interfaces\n"
        "  red                              65000:1               ipv4        Gi4\n"
        "                                                                     Lo44\n"
        "  blue                             <not set>             ipv4,ipv6\n"
    )
    red, blue = value("show vrf", text, "vrfs")
    assert (red.name, red.interfaces, blue.protocols) == ("red", ("GigabitEthernet4", "Loopback44"), ("ipv4", "ipv6"))
