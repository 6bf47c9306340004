"""A running-config as values: classic and named EIGRP, VRFs, HSRP, access lists, trunks, spanning tree."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Interface, IPv4Network

from clos.controller.migrate.discover.config.device import read_config
from clos.controller.migrate.model import ACCESS, DYNAMIC, EVERY_VLAN, ROUTED, TRUNK, Redistribution

CONFIG = """\
Building configuration...

Current configuration : 9999 bytes
!
version 15.2
hostname core1
!
banner motd ^C
interface GigabitEthernet9/9/9
 this is no interface
^C
vrf definition red
 rd 65000:1
 !
 address-family ipv4
 exit-address-family
!
spanning-tree mode rapid-pvst
spanning-tree extend system-id
spanning-tree pathcost method long
spanning-tree vlan 10,20 priority 24576
no spanning-tree vlan 99
!
vlan 10
 name Front office
!
vlan 20-21
!
interface Port-channel1
 switchport trunk encapsulation dot1q
 switchport trunk allowed vlan 1-3,10
 switchport trunk allowed vlan add 20,21
 switchport trunk native vlan 99
 switchport mode trunk
 spanning-tree vlan 10,20 cost 7
 spanning-tree guard root
!
interface GigabitEthernet1/0/1
 switchport mode access
 switchport access vlan 10
 switchport voice vlan 20
 spanning-tree portfast edge
 spanning-tree bpduguard enable
!
interface GigabitEthernet1/0/2
 description to core2
 switchport trunk allowed vlan except 5
 switchport mode trunk
 channel-group 1 mode active
!
interface GigabitEthernet1/0/3
 shutdown
!
interface GigabitEthernet1/0/4
 no switchport
 ip address 10.255.0.1 255.255.255.252
 ip hello-interval eigrp 100 1
 ip hold-time eigrp 100 3
 ip summary-address eigrp 100 10.0.0.0 255.0.0.0
 ip authentication mode eigrp 100 md5
 ip authentication key-chain eigrp 100 bank
 ip policy route-map odd
!
interface Vlan10
 vrf forwarding red
 ip address 10.0.11.2 255.255.255.0 secondary
 ip address 10.0.10.2 255.255.255.0
 ip access-group web in
 ip helper-address 10.9.9.9
 standby version 2
 standby 10 ip 10.0.10.1
 standby 10 ip 10.0.11.1 secondary
 standby 10 priority 110
 standby 10 preempt delay minimum 180
 standby 10 timers msec 250 1
 standby 10 authentication md5 key-string 7 0822455D0A16
 standby 10 track 1 decrement 20
!
router eigrp 100
 network 10.0.0.0
 network 172.16.0.0 0.0.255.255
 passive-interface default
 no passive-interface GigabitEthernet1/0/4
 redistribute static metric 10000 100 255 1 1500 route-map ok
 eigrp stub connected summary
 variance 2
 address-family ipv4 vrf red autonomous-system 200
  network 10.0.10.0 0.0.0.255
 exit-address-family
!
router eigrp bank
 !
 address-family ipv4 unicast autonomous-system 300
  !
  af-interface default
   passive-interface
   hello-interval 2
  exit-af-interface
  !
  af-interface GigabitEthernet1/0/4
   no passive-interface
   hold-time 9
  exit-af-interface
  !
  topology base
   redistribute connected
   distribute-list prefix only out GigabitEthernet1/0/4
  exit-af-topology
  network 10.255.0.0 0.0.0.3
  eigrp router-id 1.1.1.1
 exit-address-family
!
ip route vrf red 0.0.0.0 0.0.0.0 Vlan10 10.0.10.254 200 name out tag 7
ip route 192.0.2.0 255.255.255.0 10.255.0.2
ip access-list extended web
 remark the shops
 permit tcp any object-group servers eq 443 established
 50 deny   udp any any range 1 9
 permit ip any any
access-list 10 permit 10.0.0.0 0.255.255.255
access-list 10 deny   any log
object-group network servers
 host 10.0.10.5
 10.0.10.64 255.255.255.192
route-map ok permit 10
 match ip address 10
ip nat inside source list 10 interface Vlan10 overload
track 1 interface GigabitEthernet1/0/4 line-protocol
end
"""
CORE, UNPARSED = read_config("sw", CONFIG)


def test_only_what_no_reader_takes_is_unparsed_with_its_line():
    assert [(line.source.line, line.text) for line in UNPARSED] == [
        (CONFIG.split("\n").index(text) + 1, text.strip())
        for text in (" ip policy route-map odd", "ip nat inside source list 10 interface Vlan10 overload")
    ]
    assert "GigabitEthernet9/9/9" not in CORE.interfaces


def test_trunks_ports_and_defaults():
    channel = CORE.interfaces["Port-channel1"]
    assert (channel.mode, channel.native_vlan) == (TRUNK, 99)
    assert channel.allowed == {1, 2, 3, 10, 20, 21}
    assert channel.stp.costs == {10: 7, 20: 7} and channel.stp.guard == "root"
    access = CORE.interfaces["GigabitEthernet1/0/1"]
    assert (access.mode, access.access_vlan, access.voice_vlan, access.allowed) == (ACCESS, 10, 20, None)
    assert (access.stp.portfast, access.stp.bpdu_guard) == ("edge", True)
    member = CORE.interfaces["GigabitEthernet1/0/2"]
    assert (member.channel, member.channel_mode, member.allowed) == (1, "active", EVERY_VLAN - {5})
    assert CORE.interfaces["GigabitEthernet1/0/3"].mode == DYNAMIC
    assert CORE.interfaces["GigabitEthernet1/0/4"].mode == ROUTED


def test_spanning_tree_and_vlans():
    assert (CORE.stp.mode, CORE.stp.long_costs, CORE.stp.disabled) == ("rapid-pvst", True, {99})
    assert CORE.stp.priorities == {10: 24576, 20: 24576}
    assert CORE.vlans == {10: "Front office", 20: "VLAN0020", 21: "VLAN0021"}


def test_hsrp_with_secondaries_and_no_secret():
    svi = CORE.interfaces["Vlan10"]
    assert svi.addresses == (IPv4Interface("10.0.10.2/24"), IPv4Interface("10.0.11.2/24"))
    (group,) = svi.hsrp
    assert (group.address, group.secondaries) == (IPv4Address("10.0.10.1"), (IPv4Address("10.0.11.1"),))
    assert (group.version, group.priority, group.preempt_delay, group.hello_ms, group.hold_ms) == (
        2,
        110,
        180,
        250,
        1000,
    )
    assert (group.authentication, group.tracks) == ("md5 key-string <removed>", (("1", 20),))
    assert CORE.tracks == {"1": ("interface GigabitEthernet1/0/4 line-protocol",)}


def test_eigrp_classic_by_vrf_and_named():
    classic, red, named = CORE.eigrp
    assert classic.networks == (IPv4Network("10.0.0.0/8"), IPv4Network("172.16.0.0/16"))
    assert (classic.passive_default, classic.active, classic.variance) == (True, {"GigabitEthernet1/0/4"}, 2)
    assert classic.redistribute == (Redistribution("static", (10000, 100, 255, 1, 1500), "ok"),)
    assert classic.stub == {"connected", "summary"}
    assert (red.asn, red.vrf, red.networks) == (200, "red", (IPv4Network("10.0.10.0/24"),))
    assert (named.asn, named.name, named.wide_metrics, named.passive_default) == (300, "bank", True, True)
    assert named.active == {"GigabitEthernet1/0/4"} and named.router_id == IPv4Address("1.1.1.1")
    assert named.distribute_lists == (("prefix only", "out", "GigabitEthernet1/0/4"),)
    port = CORE.interfaces["GigabitEthernet1/0/4"].eigrp
    assert (port[100].hello_s, port[100].hold_s, port[100].authentication) == (1, 3, "md5 key-chain bank")
    assert port[100].summaries == (IPv4Network("10.0.0.0/8"),)
    assert (port[300].hello_s, port[300].hold_s, port[300].passive) == (2, 9, False)


def test_routes_lists_and_groups():
    out, other = CORE.static_routes
    assert (out.vrf, out.interface, out.via, out.distance, out.name, out.tag) == (
        "red", "Vlan10", IPv4Address("10.0.10.254"), 200, "out", 7,
    )  # fmt: skip
    assert other.via == IPv4Address("10.255.0.2") and other.distance == 1
    web = CORE.access_lists["web"]
    assert web.extended and [(line.sequence, line.text) for line in web.lines] == [
        (0, "remark the shops"),
        (10, "permit tcp any object-group servers eq 443 established"),
        (50, "deny udp any any range 1 9"),
        (60, "permit ip any any"),
    ]
    assert not CORE.access_lists["10"].extended and len(CORE.access_lists["10"].lines) == 2
    assert CORE.object_groups["servers"] == ("network", "host 10.0.10.5", "10.0.10.64 255.255.255.192")
    assert CORE.route_maps["ok"] == ("permit 10", "match ip address 10")
    assert CORE.vrfs == ("red",) and CORE.hostname == "core1"
