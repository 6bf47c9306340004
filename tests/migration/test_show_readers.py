"""Readers of ``show`` outputs: every line is taken or named, layouts that others lose included."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network

import pytest

from clos.controller.migrate.discover.names import interface_name
from clos.controller.migrate.discover.readers import COMMANDS, reader_of
from clos.controller.migrate.model import EigrpPath, MacEntry
from tests.migration.readings import read, value

TREE = """\
VLAN0010
  Spanning tree enabled protocol rstp
  Root ID    Priority    24586
             Address     0011.2233.4455
             Cost        4
             Port        24 (GigabitEthernet1/0/24)
             Hello Time   2 sec  Max Age 20 sec  Forward Delay 15 sec

  Bridge ID  Priority    32778  (priority 32768 sys-id-ext 10)
             Address     0011.2233.9999
             Hello Time   2 sec  Max Age 20 sec  Forward Delay 15 sec
             Aging Time  300 sec

Interface           Role Sts Cost      Prio.Nbr Type
------------------- ---- --- --------- -------- --------------------------------
Gi1/0/24            Root FWD 4         128.24   P2p
Gi1/0/1             Desg BKN*4         128.1    P2p *ROOT_Inc
Po2                 Altn BLK 3         64.65    Shr Peer(STP)
Gi1/0/7             Desg FWD 19        128.7    P2p Edge
"""


def test_a_port_that_a_guard_holds_is_a_port_of_the_tree():
    (tree,) = value("show spanning-tree", TREE.replace("BKN*4", "BKN* 4"), "trees")
    assert [port.name for port in tree.ports] == [
        "GigabitEthernet1/0/24", "GigabitEthernet1/0/1", "Port-channel2", "GigabitEthernet1/0/7",
    ]  # fmt: skip
    held = tree.ports[1]
    assert (held.state, held.inconsistent, held.cost) == ("broken", "ROOT_Inc", 4)
    assert tree.root_port == "GigabitEthernet1/0/24" and not tree.is_root
    assert tree.ports[2].priority == 64 and tree.ports[3].edge


def test_a_state_that_touches_its_cost_is_read_too():
    (tree,) = value("show spanning-tree", TREE, "trees")
    assert tree.ports[1].cost == 4


def test_a_root_port_that_was_not_read_is_named():
    reading = read("show spanning-tree", TREE.replace("Gi1/0/24            Root FWD 4         128.24   P2p\n", ""))
    assert [line.text for line in reading.unparsed] == [
        "tree 10: root port GigabitEthernet1/0/24 is not among the ports that were read"
    ]


def test_a_line_that_no_reader_takes_is_named_with_its_number():
    reading = read("show spanning-tree", TREE + "Gi1/0/9             Weird XYZ 4   128.9 P2p\n")
    (line,) = reading.unparsed
    assert (line.source.line, line.source.device, line.source.command) == (20, "sw1", "show spanning-tree")
    assert line.text.startswith("Gi1/0/9")


MACS = """\
         Mac Address Table
-------------------------------------------
Vlan    Mac Address       Type        Ports
----    -----------       --------    -----
 All    0100.0ccc.cccc    STATIC      CPU
  10    0000.0c07.ac0a    DYNAMIC     Gi1/0/1
* 20    0011.2233.4455    STATIC      Gi1/0/2 Gi1/0/3
                                      Po4
Total Mac Addresses for this criterion: 3
"""


def test_ports_of_a_static_address_go_on_below_their_column():
    assert value("show mac address-table", MACS, "macs") == (
        MacEntry(None, 0x01000CCCCCCC, "static", ("CPU",)),
        MacEntry(10, 0x00000C07AC0A, "dynamic", ("GigabitEthernet1/0/1",)),
        MacEntry(20, 0x001122334455, "static", ("GigabitEthernet1/0/2", "GigabitEthernet1/0/3", "Port-channel4")),
    )


def test_a_table_that_was_cut_is_held_against_its_own_total():
    lines = MACS.splitlines(keepends=True)
    reading = read("show mac address-table", "".join(lines[:5] + lines[6:]))
    assert [line.text for line in reading.unparsed] == [
        "Total Mac Addresses for this criterion: 3, but 2 rows were read"
    ]


def test_old_layouts_with_learn_and_age_columns():
    text = (
        "  vlan   mac address     type    learn     age              ports\n"
        "------+----------------+--------+-----+----------+--------------------------\n"
        "*  355  3333.0000.000d    static  Yes          -   Te2/1,Te2/2\n"
        "                                                   Router,Switch\n"
        "*  ---  0000.0000.0000    static  No           -   Router\n"
        "*  495  0100.5e6f.700c    static  Yes          -   \n"
    )
    first, second, third = value("show mac address-table", text, "macs")
    assert first.ports == ("TenGigabitEthernet2/1", "TenGigabitEthernet2/2", "Router", "Switch")
    assert (second.vlan, third.ports) == (None, ())


def test_padding_and_pagers_are_no_lines():
    text = (
        "\0\0\0Protocol  Address          Age (min)  Hardware Addr   Type   Interface\r\n"
        "Internet  10.0.0.1                -   0011.2233.4455  ARPA   Vlan10\r\n"
        " --More-- \b\b\b\b\b\b\b\b\b        \b\b\b\b\b\b\b\b\b"
        "Internet  10.0.0.9                0   Incomplete      ARPA\r\n"
    )
    own, incomplete = value("show ip arp", text, "arp")
    assert (own.age_min, incomplete.mac, incomplete.interface) == (None, None, None)


def test_prefixes_without_a_length_have_their_headings():
    text = (
        "Codes: L - local, C - connected, S - static\n"
        "       ia - IS-IS inter area, * - candidate default\n\n"
        "Gateway of last resort is not set\n\n"
        "      192.168.1.0/32 is subnetted, 2 subnets\n"
        "D EX     192.168.1.1\n"
        "           [170/2585856] via 10.0.0.1, 13:45:04, GigabitEthernet1\n"
        "D        192.168.1.3 [90/130816] via 10.0.0.2, 1d02h, GigabitEthernet2\n"
        "                     [90/130816] via 10.0.0.3, 1d02h, GigabitEthernet3\n"
        "D     10.9.0.0/16 is a summary, 00:01:02, Null0\n"
    )
    routes = value("show ip route", text, "routes")
    assert [(route.code, str(route.prefix), str(route.via), route.metric) for route in routes] == [
        ("D EX", "192.168.1.1/32", "10.0.0.1", 2585856),
        ("D", "192.168.1.3/32", "10.0.0.2", 130816),
        ("D", "192.168.1.3/32", "10.0.0.3", 130816),
        ("D", "10.9.0.0/16", "None", None),
    ]
    assert [route.interface for route in routes] == [
        "GigabitEthernet1",
        "GigabitEthernet2",
        "GigabitEthernet3",
        "Null0",
    ]


def test_a_route_of_a_vrf_belongs_to_it():
    text = "Routing Table: red\nC        10.0.0.0/8 is directly connected, Vlan10\n"
    assert value("show ip route vrf red", text, "routes")[0].vrf == "red"
    assert value("show ip route", text, "routes")[0].vrf == "red"


def test_eigrp_paths_of_named_mode_vrfs_and_redistribution():
    text = (
        "EIGRP-IPv4 VR(bank) Topology Table for AS(100)/ID(10.0.0.1)\n"
        "           Topology(base) TID(0) VRF(red)\n"
        "Codes: P - Passive, A - Active, U - Update, Q - Query, R - Reply,\n"
        "       r - reply Status, s - sia Status \n\n"
        "P 10.1.0.0/24, 2 successors, FD is 131072\n"
        "        via 10.0.0.2 (131072/65536), GigabitEthernet1\n"
        "        via 10.0.0.3 (131072/65536), GigabitEthernet2\n"
        "P 10.2.0.0/24, 1 successors, FD is 2816, tag is 900\n"
        "        via +Redistributed (2816/0)\n"
        "P 10.3.0.0/24, 1 successors, FD is 1310720\n"
        "        via Connected, Vlan10\n"
        "A 10.4.0.0/24, 0 successors, FD is Infinity\n"
        "        via 10.0.0.2 (Infinity/Infinity), GigabitEthernet1\n"
    )
    one, two, three, four = value("show ip eigrp topology", text, "eigrp_topology")
    assert (one.asn, one.vrf, len(one.paths)) == (100, "red", 2)
    assert one.paths[0] == EigrpPath(IPv4Address("10.0.0.2"), "GigabitEthernet1", 131072, 65536)
    assert two.paths == (EigrpPath(None, None, 2816, 0),)
    assert three.paths[0].interface == "Vlan10"
    assert (four.state, four.feasible_distance) == ("A", 0xFFFFFFFF)


def test_hsrp_timers_keep_their_units_and_groups_their_secondaries():
    text = (
        "Vlan10 - Group 10 (version 2)\n"
        "  State is Active\n"
        "    2 state changes, last state change 1d\n"
        "  Virtual IP address is 10.0.10.1\n"
        "    Secondary virtual IP address 10.0.11.1\n"
        "  Active virtual MAC address is 0000.0c9f.f00a (MAC In Use)\n"
        "    Local virtual MAC address is 0000.0c9f.f00a (v2 default)\n"
        "  Hello time 250 msec, hold time 1 sec\n"
        "    Next hello sent in 0.1 secs\n"
        "  Preemption enabled, delay min 180 secs\n"
        "  Active router is local\n"
        "  Standby router is 10.0.10.3, priority 90 (expires in 1.5 sec)\n"
        "  Priority 110 (configured 120)\n"
        "    Track object 1 state Down decrement 10\n"
        '  Group name is "hsrp-Vl10-10" (default)\n'
    )
    (group,) = value("show standby", text, "hsrp")
    assert (group.hello_ms, group.hold_ms, group.preempt, group.priority) == (250, 1000, True, 110)
    assert group.secondaries == (IPv4Address("10.0.11.1"),)
    assert (group.active, group.standby, group.virtual_mac) == ("local", "10.0.10.3", 0x00000C9FF00A)


def test_cdp_neighbours_need_no_version():
    text = (
        "-------------------------\nDevice ID: core2.example.net\nEntry address(es): \n  IP address: 10.0.0.2\n"
        "Platform: cisco WS-C3750,  Capabilities: Router Switch IGMP\n"
        "Interface: GigabitEthernet1/0/1,  Port ID (outgoing port): GigabitEthernet1/0/2\nHoldtime : 155 sec\n\n"
        "advertisement version: 2\nNative VLAN: 99\nDuplex: full\n\n"
        "-------------------------\nDevice ID: phone\nPlatform: IP Phone,  Capabilities: Host Phone\n"
        "Interface: Gi1/0/5,  Port ID (outgoing port): Port 1\nHoldtime : 1 sec\n\nVersion :\nanything: at all\n\n"
        "advertisement version: 2\n\nTotal cdp entries displayed : 2\n"
    )
    first, second = value("show cdp neighbors detail", text, "neighbors")
    assert (first.device, first.port, first.native_vlan) == ("core2.example.net", "GigabitEthernet1/0/2", 99)
    assert (second.interface, second.version) == ("GigabitEthernet1/0/5", "anything: at all")


def test_wrapped_lists_of_vlans_and_members_are_whole():
    text = (
        "Port        Mode             Encapsulation  Status        Native vlan\n"
        "Po1         on               802.1q         trunking      99\n\n"
        "Port        Vlans allowed on trunk\nPo1         1-3,10,\n            20-21\n\n"
        "Port        Vlans allowed and active in management domain\nPo1         10\n\n"
        "Port        Vlans in spanning tree forwarding state and not pruned\nPo1         none\n"
    )
    (trunk,) = value("show interfaces trunk", text, "trunks")
    assert trunk.allowed == {1, 2, 3, 10, 20, 21} and trunk.forwarding == frozenset() and trunk.native_vlan == 99
    channels = (
        "Group  Port-channel  Protocol    Ports\n------+-------------+-----------+----------\n"
        "1      Po1(SU)         LACP      Gi1/0/1(P)  Gi1/0/2(P)\n"
        "                                 Gi1/0/3(s)\n2      Po2(SD)          -        \n"
    )
    one, two = value("show etherchannel summary", channels, "channels")
    assert [flags for _, flags in one.members] == ["P", "P", "s"] and two.members == ()


def test_object_groups_and_qualifiers_of_access_lists_stay():
    text = (
        "Extended IP access list web\n    10 permit tcp any object-group servers eq 443 established log (17 matches)\n"
        "    20 deny ip any any\n"
    )
    (acl,) = value("show ip access-lists", text, "access_lists")
    assert [(line.sequence, line.text) for line in acl.lines] == [
        (10, "permit tcp any object-group servers eq 443 established log"),
        (20, "deny ip any any"),
    ]


@pytest.mark.parametrize("command", [command.text.format(vrf="red_1") for command in COMMANDS])
def test_nothing_vanishes_in_silence(command):
    known = reader_of(command)
    assert known is not None and known.text == command
    assert read(command, "\n \n").silent
    assert read(command, "        ^\n% Invalid input detected at '^' marker.\n").refused
    if command != "show version":  # prose
        assert next(line.text for line in read(command, "gibberish 7\n").unparsed) == "gibberish 7"
    assert reader_of(command.replace(" ", "_")) == known


def test_a_vlan_has_its_name_with_blanks():
    text = (
        "VLAN Name                             Status    Ports\n---- ---- --- ---\n"
        "10   Front office                     active    Gi1/0/1, Gi1/0/2\n"
        "                                                Gi1/0/3\n"
        "1002 fddi-default                     act/unsup \n"
    )
    assert value("show vlan", text, "vlans") == {10: "Front office", 1002: "fddi-default"}
    assert len(value("show vlan", text, "vlan_table")[0].ports) == 3


def test_static_prefixes_are_networks():
    assert IPv4Network("10.0.0.0/8") == value(
        "show ip route", "S     10.0.0.0/8 [1/0] via 10.0.0.1\n", "routes"
    )[0].prefix  # fmt: skip


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Gi1/0/1", "GigabitEthernet1/0/1"), ("Te1/1", "TenGigabitEthernet1/1"), ("Hu1/0/1", "HundredGigE1/0/1"),
        ("Fi1/0/5", "FiveGigabitEthernet1/0/5"), ("Vl10", "Vlan10"), ("Po12", "Port-channel12"),
        ("Gi0/2.90", "GigabitEthernet0/2.90"),
        ("GigabitEthernet 0/1", "GigabitEthernet0/1"), ("mgmt0", "mgmt0"), ("gi25", "gi25"), ("Port 0", "Port 0"),
        ("CPU", "CPU"),
    ],
)  # fmt: skip
def test_interfaces_have_ios_own_names_and_other_systems_keep_theirs(text, name):
    assert interface_name(text) == name


def test_what_a_device_is():
    text = (
        "Cisco IOS XE Software, Version 17.03.03 - SMU-PATCHED\n"
        "Cisco IOS Software [Amsterdam], Catalyst L3 Switch Software (CAT9K_IOSXE), Version 17.3.3, RELEASE\n"
        "core1 uptime is 3 weeks\n"
        'System image file is "flash:c2500-j-l.112-5.P", booted via flash\n'
        "Allen-Bradley 1783-CMS20DN (ARM) processor (revision V00) with 634859K/6147K bytes of memory.\n"
        "Processor board ID 11857685, with hardware revision 00000000\n"
    )
    facts = value("show version", text, "facts")
    assert (facts["version"], facts["xe_version"], facts["platform"]) == ("17.3.3", "17.03.03 - SMU-PATCHED", "iosxe")
    assert (facts["serial"], facts["chassis"]) == ("11857685", "1783-CMS20DN")
    assert facts["system_image"] == "flash:c2500-j-l.112-5.P"
