"""An interface's section of a running-config.

What a section does not say is the default, which on a port depends on the device: a switch's ports are layer 2 unless
they say otherwise, a router's are not.
"""

from __future__ import annotations

import re
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from typing import Any

from clos.controller.migrate.discover.config.hsrp import HsrpGroups
from clos.controller.migrate.discover.config.section import Reader, rule
from clos.controller.migrate.discover.config.statements import INTERFACE
from clos.controller.migrate.discover.config.tree import Node
from clos.controller.migrate.discover.names import interface_name, mac_address, vlan_set
from clos.controller.migrate.model import (
    ACCESS,
    DYNAMIC,
    EVERY_VLAN,
    ROUTED,
    TRUNK,
    EigrpInterface,
    Interface,
    Source,
    StpPortConfig,
)

_LAYER_3 = re.compile(r"(Vlan|Loopback|Tunnel|BDI|BVI|Dialer|Null|.*\.\d)")
_MODES = {"access": ACCESS, "trunk": TRUNK}


class InterfaceReader(Reader):
    """One interface."""

    ignored = INTERFACE

    def __init__(self, source: Source, node: Node, switch: bool) -> None:
        super().__init__(source)
        self.name, self.switch = interface_name(node.text.partition(" ")[2].split(" point-to-point")[0]), switch
        self.fields: dict[str, Any] = {"name": self.name}
        self.layer: str | None = None
        self.mode: str | None = None
        self.allowed: frozenset[int] | None = None
        self.hsrp = HsrpGroups(self.name)
        self.stp = StpPortConfig()
        self.eigrp: dict[int, EigrpInterface] = {}

    def set(self, **fields: Any) -> None:
        self.fields.update(fields)

    def address(self, match: re.Match[str], node: Node) -> None:
        self.layer = self.layer or ROUTED
        address = IPv4Interface(f"{match[1]}/{match[2]}")
        known = self.fields.get("addresses", ())
        self.set(addresses=(*known, address) if match[3] else (address, *known))

    def helper(self, match: re.Match[str], node: Node) -> None:
        self.set(helpers=(*self.fields.get("helpers", ()), IPv4Address(match[1])))

    def switchport(self, match: re.Match[str], node: Node) -> None:
        self.layer = ROUTED if match[0].startswith("no ") else ACCESS

    def port_mode(self, match: re.Match[str], node: Node) -> None:
        self.layer, self.mode = ACCESS, _MODES.get(match[1], DYNAMIC)

    def vlans(self, match: re.Match[str], node: Node) -> None:
        self.layer = self.layer or ACCESS
        before = EVERY_VLAN if self.allowed is None else self.allowed
        listed = vlan_set(match[2])
        how = (match[1] or "").strip()
        self.allowed = {"": listed, "add": before | listed, "remove": before - listed, "except": EVERY_VLAN - listed}[
            how
        ]

    def vlan(self, match: re.Match[str], node: Node) -> None:
        self.layer = self.layer or ACCESS
        self.set(
            **{{"access": "access_vlan", "voice": "voice_vlan", "trunk native": "native_vlan"}[match[1]]: int(match[2])}
        )

    def standby(self, match: re.Match[str], node: Node) -> object:
        return None if self.hsrp.statement(node.text) else NotImplemented

    def costs(self, match: re.Match[str], node: Node) -> None:
        field = "costs" if match[3] == "cost" else "priorities"
        of = vlan_set(match[2]) if match[2] else {0}
        self.tree(**{field: {**getattr(self.stp, field), **dict.fromkeys(sorted(of), int(match[4]))}})

    def tree(self, **fields: Any) -> None:
        self.stp = replace(self.stp, **fields)

    def portfast(self, match: re.Match[str], node: Node) -> None:
        self.tree(portfast=(match[1] or "edge").strip().removeprefix("edge ") or "edge")

    def eigrp_of(self, asn: str, **fields: Any) -> None:
        self.eigrp[int(asn)] = replace(self.eigrp.get(int(asn), EigrpInterface()), **fields)

    def summary(self, match: re.Match[str], node: Node) -> None:
        known = self.eigrp.get(int(match[1]), EigrpInterface()).summaries
        self.eigrp_of(match[1], summaries=(*known, IPv4Network(f"{match[2]}/{match[3]}")))

    rules = (
        rule(r"description (.*)", lambda self, m, n: self.set(description=m[1].strip())),
        rule(r"shutdown", lambda self, m, n: self.set(shutdown=True)),
        rule(r"no shutdown", lambda self, m, n: self.set(shutdown=False)),
        rule(r"ip address ([\d.]+) ([\d.]+)( secondary)?", address),
        rule(r"no ip address", lambda self, m, n: setattr(self, "quiet_l3", True)),
        rule(r"ip unnumbered .*"),
        rule(r"(?:no )?switchport", switchport),
        rule(r"switchport mode (access|trunk|dynamic auto|dynamic desirable)", port_mode),
        rule(r"switchport trunk allowed vlan (add |remove |except )?([\d,\s-]+|none|all)", vlans),
        rule(r"switchport (access|voice|trunk native) vlan (\d+)", vlan),
        rule(r"channel-group (\d+) mode (\S+)(?: .*)?", lambda self, m, n: self.set(channel=int(m[1]), channel_mode=m[2])),
        rule(r"(?:ip )?vrf forwarding (\S+)", lambda self, m, n: self.set(vrf=m[1])),
        rule(r"ip access-group (\S+) (in|out)", lambda self, m, n: self.set(**{f"acl_{m[2]}": m[1]})),
        rule(r"ip helper-address (?:global |vrf \S+ )?([\d.]+)(?: redundancy \S+)?", helper),
        rule(r"encapsulation dot1[qQ] (\d+)( native)?(?: second-dot1q .*)?",
             lambda self, m, n: self.set(encapsulation_vlan=int(m[1]))),
        rule(r"encapsulation (?:isl|hdlc|ppp|frame-relay).*"),
        rule(r"bandwidth (\d+)", lambda self, m, n: self.set(bandwidth_kbps=int(m[1]))),
        rule(r"bandwidth (?:inherit|receive).*"),
        rule(r"delay (\d+)", lambda self, m, n: self.set(delay_tens_us=int(m[1]))),
        rule(r"mtu (\d+)", lambda self, m, n: self.set(mtu=int(m[1]))),
        rule(r"speed (\d+)", lambda self, m, n: self.set(speed_mbps=int(m[1]))),
        rule(r"speed auto.*"),
        rule(r"mac-address (\S+)", lambda self, m, n: self.set(mac=mac_address(m[1]))),
        rule(r"standby .*", standby),
        rule(r"spanning-tree (?:(?:(vlan|mst) ([\d,-]+)) )?(cost|port-priority) (\d+)", costs),
        rule(r"spanning-tree portfast( edge trunk| edge| trunk| network| disable)?", portfast),
        rule(r"spanning-tree bpduguard (enable|disable)", lambda self, m, n: self.tree(bpdu_guard=m[1] == "enable")),
        rule(r"spanning-tree bpdufilter (enable|disable)", lambda self, m, n: self.tree(bpdu_filter=m[1] == "enable")),
        rule(r"spanning-tree guard (root|loop|none)", lambda self, m, n: self.tree(guard=m[1])),
        rule(r"spanning-tree link-type (\S+)", lambda self, m, n: self.tree(link_type=m[1])),
        rule(r"ip hello-interval eigrp (\d+) (\d+)", lambda self, m, n: self.eigrp_of(m[1], hello_s=int(m[2]))),
        rule(r"ip hold-time eigrp (\d+) (\d+)", lambda self, m, n: self.eigrp_of(m[1], hold_s=int(m[2]))),
        rule(r"no ip split-horizon eigrp (\d+)", lambda self, m, n: self.eigrp_of(m[1], split_horizon=False)),
        rule(r"ip bandwidth-percent eigrp (\d+) (\d+)",
             lambda self, m, n: self.eigrp_of(m[1], bandwidth_percent=int(m[2]))),
        rule(r"ip summary-address eigrp (\d+) ([\d.]+) ([\d.]+)(?: \d+)?(?: leak-map \S+)?", summary),
        rule(r"ip authentication mode eigrp (\d+) md5",
             lambda self, m, n: self.eigrp_of(m[1], authentication=self.chain(m[1], None))),
        rule(r"ip authentication key-chain eigrp (\d+) (\S+)",
             lambda self, m, n: self.eigrp_of(m[1], authentication=self.chain(m[1], m[2]))),
    )  # fmt: skip

    def chain(self, asn: str, name: str | None) -> str:
        """The key chain's name, whichever of the two statements comes first."""
        known = self.eigrp.get(int(asn), EigrpInterface()).authentication
        return f"md5 key-chain {name}" if name else (known or "md5")

    def done(self) -> Interface:
        """The interface."""
        mode = self.settled()
        trunk = mode == TRUNK or (mode == DYNAMIC and self.allowed is not None)
        allowed = (EVERY_VLAN if self.allowed is None else self.allowed) if trunk else None
        return Interface(
            **self.fields, mode=mode, allowed=allowed, stp=self.stp, hsrp=self.hsrp.done(), eigrp=dict(self.eigrp)
        )

    def settled(self) -> str:
        """The mode: what the section says, or else the device's default."""
        if _LAYER_3.match(self.name) or self.layer == ROUTED:
            return ROUTED
        if self.layer == ACCESS:
            return self.mode or DYNAMIC
        return DYNAMIC if self.switch and "addresses" not in self.fields and not self.quiet_l3 else ROUTED

    quiet_l3 = False
    """Whether it has ``no ip address``: a layer 3 port without an address."""
