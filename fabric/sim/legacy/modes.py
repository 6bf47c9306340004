"""The commands of each configuration mode, as tables.

Lives here: rows, one per setting, in the order in which a running configuration shows them; the modes' prompts.
Must not know: how a line is kept (configure.py), what it means for the network.

``how`` of a row: ``set`` keeps the line in the place of the one with its key; ``on`` is a setting that is there
unless ``no`` is written, which is what is kept; ``each`` joins the VLANs of lines with one value; other words name a
function of configure.py.
"""

from __future__ import annotations

from typing import NamedTuple

from clos.fabric.sim.legacy.grammar import Row, Table

_METRIC = "<1-4294967295> <0-4294967295> <0-255> <1-255> <1-65535>"
_SOURCE = "{any | host <ip> | object-group <word> | <ip> <ip>}"
_PORTS = "[{eq | neq | gt | lt} <port> | range <port> <port>]"
_ENTRY = (
    "{permit | deny} {{tcp | udp} "
    f"{_SOURCE} {_PORTS} {_SOURCE} {_PORTS} [established] [log] | "
    "icmp "
    f"{_SOURCE} {_SOURCE} [{{echo | echo-reply | unreachable | time-exceeded}}] [log] | "
    f"{{ip | eigrp | ospf | gre | esp | ahp | igmp | pim | <0-255>}} {_SOURCE} {_SOURCE} [log]}}"
)
_STANDARD = "{permit | deny} {any | host <ip> | <ip> [<ip>]} [log]"
_SECRET = "{secret | password} [<0-9>] <word>"

GLOBAL = (
    Row("version = <word>"),
    Row("service <line>"),
    Row("hostname = <word>", "hostname"),
    Row("logging <line>"),
    Row("enable secret = [<0-9>] <word>", "secret"),
    Row(f"username <word> = [privilege <0-15>] {_SECRET}", "secret"),
    Row("aaa new-model", "on"),
    Row("ip routing"),
    Row("ip domain-name = <word>"),
    Row("ip domain-lookup", "on"),
    Row("ip name-server <ip>"),
    Row("vtp domain = <word>"),
    Row("vtp mode = {server | client | transparent | off}"),
    Row("vtp version = <1-3>"),
    Row("key chain <word>", mode="keychain"),
    Row("archive", mode="archive"),
    Row("errdisable recovery cause <word>"),
    Row("spanning-tree mode = {pvst | rapid-pvst | mst}"),
    Row("spanning-tree loopguard default"),
    Row("spanning-tree portfast [edge] default"),
    Row("spanning-tree portfast [edge] bpduguard default"),
    Row("spanning-tree portfast [edge] bpdufilter default"),
    Row("spanning-tree extend system-id"),
    Row("spanning-tree pathcost method = {long | short}"),
    Row("spanning-tree mst configuration", mode="mst"),
    Row("spanning-tree mst <vlans> priority = <0-61440>", "each"),
    Row("spanning-tree vlan <vlans> priority = <0-61440>", "each"),
    Row("spanning-tree vlan <vlans> root {primary | secondary}", "root"),
    Row("spanning-tree vlan <vlans> hello-time = <1-10>", "each"),
    Row("spanning-tree vlan <vlans> forward-time = <4-30>", "each"),
    Row("spanning-tree vlan <vlans> max-age = <6-40>", "each"),
    Row("spanning-tree vlan <vlans>", "on"),
    Row("vlan internal allocation policy ascending"),
    Row("vlan <vlans>", "vlans", mode="vlan"),
    Row("lldp run"),
    Row("cdp run", "on"),
    Row("track <1-1000> interface <interface> line-protocol"),
    Row("object-group network <word>", mode="group"),
    Row("interface <interface>", "interface", mode="interface"),
    Row("interface range <line>", "range", mode="interface"),
    Row("router eigrp <1-65535>", mode="eigrp"),
    Row("router eigrp <word>", mode="eigrp-named"),
    Row("ip forward-protocol nd"),
    Row("ip http server", "on"),
    Row("ip http secure-server", "on"),
    Row("ip ssh version = <1-2>"),
    Row("ip scp server enable"),
    Row("ip default-gateway = <ip>"),
    Row("ip route <ip> <ip> {<interface> <ip> | <interface> | <ip>} = [<1-255>] [name <word>]"),
    Row("ip access-list standard <word>", "list", mode="standard"),
    Row("ip access-list extended <word>", "list", mode="extended"),
    Row("ip access-list resequence <word> <1-2147483647> <1-2147483647>", "resequence"),
    Row("ip prefix-list <word> seq <1-4294967294> = {permit | deny} <word> [ge <1-32>] [le <1-32>]"),
    Row("logging host <ip>"),
    Row(f"access-list <1-99> {_STANDARD}"),
    Row(f"access-list <100-199> {_ENTRY}"),
    Row("route-map <word> [{permit | deny}] [<0-65535>]", mode="route-map"),
    Row("snmp-server <line>"),
    Row("line con <0-0>", mode="line"),
    Row("line vty <0-15> [<1-15>]", mode="line"),
    Row("ntp server <ip>"),
)

INTERFACE = (
    Row("description = <line>"),
    Row("bandwidth = <1-10000000>"),
    Row("switchport", "on"),
    Row("switchport access vlan = <1-4094>", "access"),
    Row("switchport trunk encapsulation = {dot1q | isl | negotiate}"),
    Row("switchport trunk native vlan = <1-4094>"),
    Row(
        "switchport trunk allowed vlan = {all | none | except <vlans> | add <vlans> | remove <vlans> | <vlans>}",
        "trunk",
    ),
    Row("switchport mode = {access | trunk | dynamic {auto | desirable}}"),
    Row("switchport nonegotiate"),
    Row("switchport voice vlan = <1-4094>"),
    Row("vrf forwarding = <word>"),
    Row("encapsulation dot1Q = <1-4094> [native]"),
    Row("ip address = <ip> <ip>", "address"),
    Row("ip address <ip> <ip> secondary", "address"),
    Row("ip helper-address <ip>"),
    Row("ip access-group <word> in", "group"),
    Row("ip access-group <word> out", "group"),
    Row("ip redirects", "on"),
    Row("ip proxy-arp", "on"),
    Row("ip hello-interval eigrp <1-65535> = <1-65535>"),
    Row("ip hold-time eigrp <1-65535> = <1-65535>"),
    Row("ip authentication mode eigrp <1-65535> = md5"),
    Row("ip authentication key-chain eigrp <1-65535> = <word>"),
    Row("ip summary-address eigrp <1-65535> <ip> <ip> = [<1-255>]"),
    Row("ip split-horizon eigrp <1-65535>", "on"),
    Row("ip bandwidth-percent eigrp <1-65535> = <1-999999>"),
    Row("mtu = <1500-9216>"),
    Row("delay = <1-16777215>"),
    Row("load-interval = <30-600>"),
    Row("duplex = {auto | full | half}"),
    Row("speed = {auto | 10 | 100 | 1000 | 10000}"),
    Row("channel-group = <1-128> mode {active | passive | on | auto | desirable}", "channel"),
    Row("cdp enable", "on"),
    Row("lldp {transmit | receive}", "on"),
    Row("spanning-tree portfast = [{edge | trunk | edge trunk | network | disable}]"),
    Row("spanning-tree bpduguard = {enable | disable}"),
    Row("spanning-tree bpdufilter = {enable | disable}"),
    Row("spanning-tree guard = {root | loop | none}"),
    Row("spanning-tree link-type = {point-to-point | shared}"),
    Row("spanning-tree cost = <1-200000000>"),
    Row("spanning-tree port-priority = <0-240>"),
    Row("spanning-tree vlan <vlans> cost = <1-200000000>", "each"),
    Row("spanning-tree vlan <vlans> port-priority = <0-240>", "each"),
    Row("standby version = {1 | 2}"),
    Row("standby [<0-4095>] ip = [<ip>]"),
    Row("standby [<0-4095>] ip <ip> secondary"),
    Row("standby [<0-4095>] timers = {<1-254> <1-255> | msec <15-999> {msec <50-3000> | <1-255>}}"),
    Row("standby [<0-4095>] priority = <0-255>"),
    Row("standby [<0-4095>] preempt = [delay {minimum <0-3600> [reload <0-3600>] | reload <0-3600>}]"),
    Row("standby [<0-4095>] authentication = {md5 key-string [<0-7>] <word> | text <word> | <word>}"),
    Row("standby [<0-4095>] mac-address = <mac>"),
    Row("standby [<0-4095>] name = <word>"),
    Row("standby [<0-4095>] track <1-1000> = [decrement <1-255>]"),
    Row("standby delay = minimum <0-10000> [reload <0-10000>]"),
    Row("storm-control {broadcast | multicast} level = <word>"),
    Row("service-policy {input | output} = <word>"),
    Row("shutdown"),
)

_EIGRP = (
    Row("network <ip> [<ip>]"),
    Row("neighbor <ip> <interface>"),
    Row("passive-interface default"),
    Row("passive-interface <interface>", "passive"),
    Row("metric weights <0-8> = <0-255> <0-255> <0-255> <0-255> <0-255>"),
    Row("eigrp router-id = <ip>"),
    Row("eigrp stub = [{connected | summary | static | redistributed | receive-only}]"
        " [{connected | summary | static | redistributed}] [{connected | summary | static | redistributed}]"),
    Row("eigrp log-neighbor-changes", "on"),
)  # fmt: skip
_TOPOLOGY = (
    Row(f"default-metric = {_METRIC}"),
    Row("distance eigrp = <1-255> <1-255>"),
    Row("distribute-list = {prefix <word> | route-map <word> | <word>} {in | out} [<interface>]"),
    Row("maximum-paths = <1-32>"),
    Row("variance = <1-128>"),
    Row("auto-summary"),
    Row(
        "redistribute {connected | static | rip | ospf <1-65535> | bgp <1-65535> | eigrp <1-65535>}"
        f" = [metric {_METRIC}] [route-map <word>]"
    ),
)
_AF_INTERFACE = (
    Row("authentication mode = {md5 | hmac-sha-256 [<0-7>] <word>}"),
    Row("authentication key-chain = <word>"),
    Row("bandwidth-percent = <1-999999>"),
    Row("hello-interval = <1-65535>"),
    Row("hold-time = <1-65535>"),
    Row("passive-interface"),
    Row("split-horizon", "on"),
    Row("summary-address <ip> <ip> = [<1-255>]"),
    Row("shutdown"),
)


class Mode(NamedTuple):
    """``prompt``: the word in the prompt's brackets. ``closing``: the line that ends its block, and leaves it."""

    prompt: str
    parent: str
    table: Table
    closing: str | None = None


def _mode(prompt: str, rows: tuple[Row, ...], parent: str = "global", closing: str | None = None) -> Mode:
    return Mode(prompt, parent, Table(rows), closing)


MODES: dict[str, Mode] = {
    "global": _mode("config", GLOBAL, ""),
    "interface": _mode("config-if", INTERFACE),
    "vlan": _mode("config-vlan", (Row("name = <word>"), Row("shutdown"), Row("state = {active | suspend}"))),
    "eigrp": _mode("config-router", (*_EIGRP, *_TOPOLOGY)),
    "eigrp-named": _mode(
        "config-router",
        (
            Row("address-family ipv4 [unicast] [vrf <word>] autonomous-system <1-65535>", mode="eigrp-af"),
            Row("shutdown"),
        ),
    ),
    "eigrp-af": _mode(
        "config-router-af",
        (
            Row("af-interface {default | <interface>}", mode="eigrp-interface"),
            Row("topology base", mode="eigrp-topology"),
            *_EIGRP,
            Row("metric rib-scale = <1-255>"),
            Row("shutdown"),
        ),
        "eigrp-named",
        "exit-address-family",
    ),
    "eigrp-interface": _mode("config-router-af-interface", _AF_INTERFACE, "eigrp-af", "exit-af-interface"),
    "eigrp-topology": _mode("config-router-af-topology", _TOPOLOGY, "eigrp-af", "exit-af-topology"),
    "standard": _mode(
        "config-std-nacl",
        (
            Row(f"[<1-2147483647>] {_STANDARD}", "entry"),
            Row("remark <line>", "entry"),
            Row("<1-2147483647>", "numbered"),
        ),
    ),
    "extended": _mode(
        "config-ext-nacl",
        (Row(f"[<1-2147483647>] {_ENTRY}", "entry"), Row("remark <line>", "entry"), Row("<1-2147483647>", "numbered")),
    ),
    "route-map": _mode(
        "config-route-map",
        (
            Row("description = <line>"),
            Row("match ip address = {prefix-list <word> | <word>}"),
            Row("match tag = <0-4294967295>"),
            Row("set tag = <0-4294967295>"),
            Row(f"set metric = {_METRIC}"),
        ),
    ),
    "group": _mode("config-network-group", (Row("description = <line>"), Row("host <ip>"), Row("<ip> <ip>"))),
    "keychain": _mode("config-keychain", (Row("key <0-2147483647>", mode="key"),)),
    "key": _mode("config-keychain-key", (Row("key-string = [<0-7>] <word>"),), "keychain"),
    "archive": _mode(
        "config-archive",
        (Row("path = <word>"), Row("maximum = <1-14>"), Row("write-memory"), Row("time-period = <1-525600>")),
    ),
    "mst": _mode(
        "config-mst", (Row("name = <word>"), Row("revision = <0-65535>"), Row("instance <0-4094> vlan = <vlans>"))
    ),
    "line": _mode(
        "config-line",
        (
            Row("exec-timeout = <0-35791> [<0-2147483>]"),
            Row("logging synchronous"),
            Row("login = [local]"),
            Row("password = [<0-7>] <word>"),
            Row("privilege level = <0-15>"),
            Row("length = <0-512>"),
            Row("transport input = {all | none | ssh | telnet | telnet ssh}"),
        ),
    ),
}
