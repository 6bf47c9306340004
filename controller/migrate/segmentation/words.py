"""The words of Cisco's access lists: ports, protocols, ICMP messages and what else a line may ask of a packet.

Lives here: names and numbers (IOS command reference, "permit (IP)"; IANA for the protocols). Must not know: lines.
"""

from __future__ import annotations

from collections.abc import Mapping

TCP, UDP, SCTP, ICMP, IGMP = 6, 17, 132, 1, 2
WITH_PORTS = frozenset({TCP, UDP, SCTP})

PROTOCOLS: Mapping[str, int | None] = {
    "ip": None, "ipv4": None, "icmp": ICMP, "igmp": IGMP, "ipinip": 4, "nos": 4, "tcp": TCP, "udp": UDP, "gre": 47,
    "esp": 50, "ahp": 51, "eigrp": 88, "ospf": 89, "pim": 103, "pcp": 108, "sctp": SCTP,
}  # fmt: skip
"""None: every protocol."""

_BOTH = {
    "discard": 9, "echo": 7, "domain": 53, "sunrpc": 111, "syslog": 514, "tacacs": 49, "talk": 517, "time": 37,
}  # fmt: skip
TCP_PORTS: Mapping[str, int] = {
    **_BOTH, "bgp": 179, "chargen": 19, "cmd": 514, "connectedapps-plain": 15001, "connectedapps-tls": 15002,
    "daytime": 13, "drip": 3949, "exec": 512, "finger": 79, "ftp": 21, "ftp-data": 20, "gopher": 70, "hostname": 101,
    "ident": 113, "irc": 194, "klogin": 543, "kshell": 544, "login": 513, "lpd": 515, "msrpc": 135, "nntp": 119,
    "onep-plain": 15001, "onep-tls": 15002, "pim-auto-rp": 496, "pop2": 109, "pop3": 110, "smtp": 25, "telnet": 23,
    "uucp": 540, "whois": 43, "www": 80, "http": 80, "https": 443, "ssh": 22,
}  # fmt: skip
UDP_PORTS: Mapping[str, int] = {
    **_BOTH, "biff": 512, "bootpc": 68, "bootps": 67, "dnsix": 195, "isakmp": 500, "mobile-ip": 434, "nameserver": 42,
    "netbios-dgm": 138, "netbios-ns": 137, "netbios-ss": 139, "non500-isakmp": 4500, "ntp": 123, "pim-auto-rp": 496,
    "rip": 520, "ripv6": 521, "snmp": 161, "snmptrap": 162, "tftp": 69, "who": 513, "xdmcp": 177,
}  # fmt: skip
PORTS: Mapping[int, Mapping[str, int]] = {TCP: TCP_PORTS, UDP: UDP_PORTS, SCTP: {}}

ICMP_MESSAGES: Mapping[str, tuple[int, int | None]] = {
    "echo-reply": (0, None), "unreachable": (3, None), "net-unreachable": (3, 0), "host-unreachable": (3, 1),
    "protocol-unreachable": (3, 2), "port-unreachable": (3, 3), "packet-too-big": (3, 4), "source-route-failed": (3, 5),
    "network-unknown": (3, 6), "host-unknown": (3, 7), "host-isolated": (3, 8), "dod-net-prohibited": (3, 9),
    "dod-host-prohibited": (3, 10), "net-tos-unreachable": (3, 11), "host-tos-unreachable": (3, 12),
    "administratively-prohibited": (3, 13), "host-precedence-unreachable": (3, 14), "precedence-unreachable": (3, 15),
    "source-quench": (4, None), "redirect": (5, None), "net-redirect": (5, 0), "host-redirect": (5, 1),
    "net-tos-redirect": (5, 2), "host-tos-redirect": (5, 3), "alternate-address": (6, None), "echo": (8, None),
    "router-advertisement": (9, None), "router-solicitation": (10, None), "time-exceeded": (11, None),
    "ttl-exceeded": (11, 0), "reassembly-timeout": (11, 1), "parameter-problem": (12, None),
    "general-parameter-problem": (12, 0), "option-missing": (12, 1), "no-room-for-option": (12, 2),
    "timestamp-request": (13, None), "timestamp-reply": (14, None), "information-request": (15, None),
    "information-reply": (16, None), "mask-request": (17, None), "mask-reply": (18, None), "traceroute": (30, None),
    "conversion-error": (31, None), "mobile-redirect": (32, None),
}  # fmt: skip
"""Type and code; None: any code (RFC 792, RFC 1122, RFC 1812 §5.2.7.1)."""

FLAGS: Mapping[str, int] = {"fin": 1, "syn": 2, "rst": 4, "psh": 8, "ack": 16, "urg": 32}
"""Bits of the TCP header (RFC 9293 §3.1)."""

SYN, ESTABLISHED = FLAGS["syn"], FLAGS["ack"] | FLAGS["rst"]
"""``established``: ACK or RST is set. A connection opens with SYN alone."""

QUALIFIERS: Mapping[str, int] = {
    "dscp": 1, "precedence": 1, "tos": 1, "time-range": 1, "option": 1, "reflect": 1, "ttl": -1, "fragments": 0,
    "packet-length": -1,
}  # fmt: skip
"""What intents cannot say of a packet, and how many words follow (-1: an operator and its numbers)."""

SAID = frozenset({"log", "log-input"})
"""Words that change no packet's fate; ``log`` may have a cookie after it."""
