"""Statements that Clos knows and does not keep: they move no traffic of the networks that are migrated.

Two tables. What is in neither, and in no reader's, is named as unparsed: policy routing, address translation, zone
firewalls, VLAN access maps do change where packets go.
"""

from __future__ import annotations

import re

TOP = re.compile(
    r"(?:no )?(?:service|boot|boot-start-marker|boot-end-marker|aaa|username|enable|logging|snmp-server|snmp|ntp|clock|"
    r"line|banner|crypto|license|control-plane|redundancy|diagnostic|platform|subscriber|multilink|archive|errdisable|"
    r"lldp|cdp|mls|qos|class-map|policy-map|tacacs-server|tacacs|radius-server|radius|alias|privilege|memory|process|"
    r"buffers|exception|file|flow|monitor|event|power|switch|stack-mac|system|hw-module|transceiver|virtual-service|"
    r"table-map|macro|port-channel load-balance|scheduler|dot1x|authentication|device-sensor|device-tracking|ipv6|call-home|"
    r"login|parser|prompt|terminal|tftp-server|cns|wsma|netconf|netconf-yang|restconf|nmsp|mpls|key|sampler|"
    r"password|security|vlan internal|vlan access-log|vlan accounting|vlan dot1q tag|fabric|module|environment|default|ssh|"
    r"config-register|warm-reboot|upgrade|card|interface-template|template|access-session|avb|ptp|udld|"
    r"router ospf|router bgp|router isis|router rip|router odr|router ospfv3|router lisp|bfd|bfd-template|"
    r"udp|tcp|rmon|kron|sdm|cts|vstack|nsf|energywise|cef|frame-relay|voice|dial-peer|isdn|controller|async-bootp|"
    r"mac address-table|mac-address-table|vtp (?:version|pruning|password|interface|file))\b.*|"
    r"(?:no )?ip (?:http|ssh|domain|domain-name|domain-lookup|name-server|scp|forward-protocol|cef|classless|subnet-zero|"
    r"tacacs|radius|ftp|tftp|flow|flow-export|flow-cache|flow-top-talkers|multicast|multicast-routing|pim|igmp|dvmrp|"
    r"mroute|msdp|bgp-community|community-list|extcommunity-list|as-path|dhcp|sla|icmp|tcp|host|finger|bootp|"
    r"source-route|gratuitous-arps|arp|rcmd|cgmp|sap|rtp|options|spd|reflexive-list|device|routing protocol|audit|"
    r"telnet|identd|default-gateway|ips|vrf receive|access-list logging|access-list log-update|load-sharing|sdr)\b.*|"
    r"version .*|no platform .*|cluster .*|spanning-tree extend system-id|spanning-tree etherchannel .*|"
    r"spanning-tree (?:portfast bridge-assurance|bridge assurance|transmit|logging|optimize).*|no spanning-tree (?:bridge|"
    r"logging|optimize|etherchannel).*|exit|quit|end|exit-.*|ip routing"
)
"""Statements of the outermost level, with everything below them."""

INTERFACE = re.compile(
    r"(?:no )?(?:ip (?:redirects|unreachables|proxy-arp|flow|verify|pim|igmp|cgmp|dvmrp|ospf|route-cache|mroute-cache|mtu|"
    r"tcp|directed-broadcast|mask-reply|accounting|multicast|sap|rsvp|rip|router|device|arp inspection|dhcp snooping|"
    r"dhcp relay|nbar|load-sharing|virtual-reassembly|mobile|local-proxy-arp|irdp|rgmp|broadcast-address|information-reply|"
    r"rtp|mrm|wccp)|"
    r"ipv6|cdp|lldp|mop|negotiation|duplex|media-type|load-interval|logging|snmp|storm-control|mls|qos|service-policy|"
    r"srr-queue|priority-queue|udld|keepalive|channel-protocol|arp|carrier-delay|power|tunnel|flowcontrol|"
    r"device-tracking|auto|bfd|isis|cef|hold-queue|tx-ring-limit|fair-queue|wrr-queue|rcv-queue|queue-limit|queue-set|"
    r"authentication|dot1x|mab|macro|lacp|pagp|mdix|beacon|hw-module|platform|speed nonegotiate|autostate|"
    r"switchport (?:nonegotiate|trunk encapsulation|block|priority|protected|trunk pruning)|trust|cts|macsec|mka|"
    r"spanning-tree (?:bpduguard rate|transmit)|standby (?:delay|redirect|bfd|\d+ ipv6)|standby redirects|"
    r"clock|source template|subscriber|access-session|nmsp|vslp|dampening|transceiver|fec|peer|ppp|crypto|tag-switching|"
    r"mpls|rmon|serial|framing|linecode|cable|ntp|counter|traffic-shape|rate-limit|exit|default|link|medium|"
    r"energywise|location|vtp|switch|standby \d+ bfd)\b.*"
)
"""Statements of an interface."""

EIGRP = re.compile(
    r"(?:no )?(?:eigrp (?:log-neighbor-changes|log-neighbor-warnings|event-log-size|default-route-tag)|bfd|nsf|timers|"
    r"exit-\S+|shutdown|maximum-prefix|snmp|soft-sia|default-information|eigrp upgrade-cli)\b.*"
)
"""Statements of an EIGRP process."""
