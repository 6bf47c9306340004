"""NX-OS devices: their configurations say what IOS' say in other words, and their tables are read whole."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Interface, IPv4Network

from clos.controller.migrate.discover.assemble import Collected, network
from clos.controller.migrate.discover.config.device import read_config
from clos.controller.migrate.discover.lines import Output
from clos.controller.migrate.discover.permitted import permitted, to_ask
from clos.controller.migrate.model import ACCESS, RAPID_PVST, ROUTED, TRUNK
from clos.controller.migrate.predict.eigrp import predict_eigrp
from tests.migration.readings import read, value

CONFIG = """\
!Command: show running-config
version 9.3(10) Bios:version
hostname {name}
vdc {name} id 1
  limit-resource vlan minimum 16 maximum 4094
feature eigrp
feature hsrp
feature vpc

vlan 1,10
vlan 10
  name users
spanning-tree vlan 10 priority 24576
spanning-tree port type edge bpduguard default
ip access-list GUARD
  statistics per-entry
  10 permit tcp 10.0.0.0/8 any eq 443
  20 deny ip any 192.168.7.9/32
vrf context red
  ip route 0.0.0.0/0 10.9.0.1
vpc domain 7
  peer-keepalive destination 10.1.1.2

interface Vlan10
  no shutdown
  ip access-group GUARD in
  ip address 10.0.10.{n}/24
  ip address 10.0.11.{n}/24 secondary
  ip router eigrp CORE
  ip passive-interface eigrp CORE
  hsrp version 2
  hsrp 10
    preempt delay minimum 60
    priority 110
    timers  1  3
    ip 10.0.10.1
    ip 10.0.11.1 secondary

interface port-channel1
  switchport mode trunk
  switchport trunk allowed vlan 10
  spanning-tree port type network
  vpc peer-link

interface Ethernet1/1
  switchport mode trunk
  switchport trunk allowed vlan 10
  channel-group 1 mode active

interface Ethernet1/2
  switchport access vlan 10
  spanning-tree port type edge

interface Ethernet1/3
  no switchport
  vrf member red
  ip address 10.9.0.2/30

interface Ethernet1/4
  no switchport
  ip address 10.3.0.{n}/24
  ip router eigrp CORE
  ip delay eigrp CORE 20
  no shutdown
line console

router eigrp CORE
  autonomous-system 100
  router-id 1.1.1.{n}
  redistribute direct route-map ALL
route-map ALL permit 10
"""


def test_a_configuration_of_nxos_means_what_it_would_mean_in_ios():
    device, unparsed = read_config("n1", CONFIG.format(name="n1", n=2))
    assert unparsed == () and (device.platform, device.hostname) == ("nxos", "n1")
    svi = device.interfaces["Vlan10"]
    assert svi.addresses == (IPv4Interface("10.0.10.2/24"), IPv4Interface("10.0.11.2/24"))
    (group,) = svi.hsrp
    assert (group.group, group.version, group.priority, group.preempt, group.preempt_delay) == (10, 2, 110, True, 60)
    assert (group.hello_ms, group.hold_ms, group.secondaries) == (1000, 3000, (IPv4Address("10.0.11.1"),))
    ports = device.interfaces
    assert [ports[name].mode for name in ("Port-channel1", "Ethernet1/2", "Ethernet1/3")] == [TRUNK, ACCESS, ROUTED]
    assert (ports["Ethernet1/1"].channel, ports["Ethernet1/3"].vrf) == (1, "red")
    assert (ports["Ethernet1/2"].stp.portfast, ports["Port-channel1"].stp.portfast) == ("edge", "network")
    assert (device.stp.mode, device.stp.priorities, device.stp.bpdu_guard_default) == (RAPID_PVST, {10: 24576}, True)
    (route,) = device.static_routes
    assert (route.vrf, route.prefix) == ("red", IPv4Network("0.0.0.0/0"))
    lines = [line.text for line in device.access_lists["GUARD"].lines]
    assert lines == ["permit tcp 10.0.0.0 0.255.255.255 any eq 443", "deny ip any host 192.168.7.9"]


def test_eigrp_on_interfaces_is_the_process_of_ios():
    device, _ = read_config("n1", CONFIG.format(name="n1", n=2))
    (process,) = device.eigrp
    assert (process.asn, str(process.router_id), process.passive) == (100, "1.1.1.2", frozenset({"Vlan10"}))
    assert set(process.networks) == {
        IPv4Network("10.0.10.2/32"),
        IPv4Network("10.0.11.2/32"),
        IPv4Network("10.3.0.2/32"),
    }
    assert process.redistribute[0].source == "connected" and device.interfaces["Ethernet1/4"].delay_tens_us == 20


def test_two_of_them_become_neighbors_and_learn_routes():
    outputs = [
        Collected(n, (Output(n, "show running-config", CONFIG.format(name=n, n=i)),)) for i, n in enumerate("ab", 2)
    ]
    prediction = predict_eigrp(network(outputs))
    assert {(key.device, link.neighbor.device) for key, link in prediction.neighbors} == {("a", "b"), ("b", "a")}


HSRP = """\
Vlan10 - Group 10 (HSRP-V2) (IPv4)
  Local state is Active, priority 110 (Cfged 110), may preempt
    Forwarding threshold(for vPC), lower: 0 upper: 110
  Hellotime 1 sec, holdtime 3 sec
  Next hello sent in 0.502000 sec(s)
  Virtual IP address is 10.0.10.1 (Cfged)
  Active router is local
  Standby router is 10.0.10.3 , priority 90 expires in 2.429000 sec(s)
  Authentication text "cisco"
  Virtual mac address is 0000.0c9f.f00a (Default MAC)
  10 state changes, last state change 00:01:43
  IP redundancy name is hsrp-Vlan10-10 (default)
  Secondary VIP(s):
                10.0.11.1

Vlan10 - Group 10 (HSRP-V2) (IPv6)
  Local state is Active, priority 100 (Cfged 100)
  Hellotime 3 sec, holdtime 10 sec
  Virtual IP address is fe80::1 (Auto)
  Active router is local
  Standby router is unknown
  Secondary VIP(s):
                2001:db8::1
"""


def test_groups_of_ipv4_are_read_and_those_of_ipv6_left_out():
    (group,) = value("show hsrp all", HSRP, "hsrp")
    assert (group.interface, group.state, group.priority, group.preempt) == ("Vlan10", "Active", 110, True)
    assert (group.active, group.standby, group.virtual_mac) == ("local", "10.0.10.3", 0x00000C9FF00A)
    assert (group.hello_ms, group.secondaries) == (1000, (IPv4Address("10.0.11.1"),))


VPC = """\
Legend:
                (*) - local vPC is down, forwarding via vPC peer-link

vPC domain id                     : 7
Peer status                       : peer link is down
vPC keep-alive status             : peer is alive
Configuration consistency status  : failed
vPC role                          : primary
Number of vPCs configured         : 2

vPC Peer-link status
---------------------------------------------------------------------
id    Port   Status Active vlans
--    ----   ------ -------------------------------------------------
1     Po1    down   -

vPC status
----------------------------------------------------------------------------
Id    Port          Status Consistency Reason                Active vlans
--    ------------  ------ ----------- ------                ---------------
20    Po20          up     success     success               1,100-102,200-
                                                             202
30    Po30          down*  failed      Peer-link is down     -
"""


def test_a_broken_pair_is_not_a_healthy_one():
    pair = value("show vpc", VPC, "vpc")
    assert (pair.domain, pair.peer, pair.consistency) == (7, "peer link is down", "failed")
    assert (pair.peer_link.port, pair.peer_link.status) == ("Port-channel1", "down")
    assert [(one.number, one.status, one.consistent, one.vlans) for one in pair.channels] == [
        (20, "up", True, "1,100-102,200-202"),
        (30, "down", False, "-"),
    ]


def test_a_vpc_that_was_not_read_is_named():
    cut = "\n".join(line for line in VPC.splitlines() if not line.startswith("30"))
    assert [line.text for line in read("show vpc", cut).unparsed] == ["2 vPCs are configured, but 1 were read"]


def test_routes_of_all_vrfs_have_their_vrf_and_kind():
    text = (
        'IP Route Table for VRF "default"\n'
        "'*' denotes best ucast next-hop\n"
        "10.12.11.0/24, ubest/mbest: 1/0, attached\n"
        "    *via 10.12.11.1, Eth1/1, [0/0], 02:03:14, direct\n"
        "172.16.1.2/32, ubest/mbest: 2/0\n"
        "    *via 10.12.11.2, Eth1/1, [90/130816], 02:03:11, eigrp-1, internal\n"
        "    *via 10.12.11.3, Eth1/1, [170/51456], 02:03:11, eigrp-1, external\n"
        'IP Route Table for VRF "red"\n'
        "0.0.0.0/0, ubest/mbest: 1/0\n"
        "    *via 10.9.0.1, [1/0], 1d02h, static\n"
    )
    routes = value("show ip route vrf all", text, "routes")
    assert [(r.code, str(r.prefix), r.interface, r.metric, r.vrf) for r in routes] == [
        ("C", "10.12.11.0/24", "Ethernet1/1", None, None),
        ("D", "172.16.1.2/32", "Ethernet1/1", 130816, None),
        ("D EX", "172.16.1.2/32", "Ethernet1/1", 51456, None),
        ("S", "0.0.0.0/0", None, 0, "red"),
    ]


def test_ages_and_contexts_of_addresses_are_read():
    text = (
        "IP ARP Table for context red\nTotal number of entries: 2\n"
        "Address         Age       MAC Address     Interface       Flags\n"
        "10.0.10.9       01:13:42  5e00.00ff.030a  Vlan10           *\n"
        "10.0.10.8       -         INCOMPLETE      Vlan10\n"
    )
    known, unknown = value("show ip arp vrf all", text, "arp")
    assert (known.age_min, known.vrf, unknown.mac) == (73, "red", None)


def test_trunks_have_their_lists():
    line = "-" * 40 + "\n"
    text = (
        f"{line}Port          Native  Status        Port\n              Vlan                  Channel\n{line}"
        f"Po1           1       trunking      --\n{line}"
        f"Port          Vlans Allowed on Trunk\n{line}Po1           10,20\n"
        f"{line}Port          Vlans Err-disabled on Trunk\n{line}Po1           none\n"
        f"{line}Port          STP Forwarding\n{line}Po1           10\n"
    )
    (trunk,) = value("show interface trunk", text, "trunks")
    assert (trunk.allowed, trunk.forwarding, trunk.native_vlan) == (frozenset({10, 20}), frozenset({10}), 1)


def test_only_permitted_commands_are_asked_of_it():
    asked = [command.text for command in to_ask(("red",), "nxos")]
    assert "show hsrp all" in asked and "show ip route vrf all" in asked and "show standby" not in asked
    assert all(permitted(text) == text for text in asked)
