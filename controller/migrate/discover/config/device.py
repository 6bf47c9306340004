"""A whole running-config as a ``Device``: its sections, each by its reader.

Lives here: the statements of the outermost level. Must not know: what the device's tables show.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv4Network
from typing import Any

from clos.controller.migrate.discover.config.eigrp import NamedReader, ProcessReader
from clos.controller.migrate.discover.config.interface import InterfaceReader
from clos.controller.migrate.discover.config.nxos import as_ios, is_nxos
from clos.controller.migrate.discover.config.section import Reader, rule
from clos.controller.migrate.discover.config.statements import TOP
from clos.controller.migrate.discover.config.tree import Node, parse
from clos.controller.migrate.discover.names import interface_name, vlan_set
from clos.controller.migrate.model import (
    IEEE,
    MST,
    PVST,
    RAPID_PVST,
    AccessList,
    AclLine,
    Device,
    EigrpInterface,
    EigrpProcess,
    Interface,
    Source,
    StaticRoute,
    StpConfig,
    Unparsed,
)

_MODES = {"pvst": PVST, "rapid-pvst": RAPID_PVST, "mst": MST, "ieee": IEEE}
_STANDARD = (range(1, 100), range(1300, 2000))
_EXTENDED = (range(100, 200), range(2000, 2700))
_SWITCH = re.compile(r"(?:no )?switchport\b|spanning-tree mode|vlan \d|vtp ")


def read_config(name: str, text: str, command: str = "show running-config") -> tuple[Device, tuple[Unparsed, ...]]:
    """The device as configured, and every statement that no reader takes."""
    nodes = parse(text)
    nxos = is_nxos(nodes)
    if nxos:
        nodes = as_ios(nodes)
    switch = any(_SWITCH.match(node.text) for top in nodes for node in top.walk())
    reader = ConfigReader(Source(name, command), switch)
    reader.read(nodes)
    found = reader.done(name)
    return replace(found, platform="nxos") if nxos else found, tuple(reader.unparsed)


@dataclass(slots=True)
class _Acl:
    extended: bool
    lines: list[AclLine]
    next: int = 10


class ConfigReader(Reader):
    """The statements of the outermost level."""

    ignored = TOP

    def __init__(self, source: Source, switch: bool) -> None:
        super().__init__(source)
        self.switch = switch
        self.fields: dict[str, Any] = {}
        self.interfaces: dict[str, Interface] = {}
        self.vlans: dict[int, str] = {}
        self.stp = StpConfig()
        self.eigrp: list[EigrpProcess] = []
        self.on_interfaces: list[tuple[int, dict[str, EigrpInterface]]] = []
        self.routes: list[StaticRoute] = []
        self.acls: dict[str, _Acl] = {}
        self.named: dict[str, dict[str, tuple[str, ...]]] = {
            "prefix_lists": {}, "route_maps": {}, "object_groups": {}, "tracks": {},
        }  # fmt: skip
        self.vrfs: list[str] = []

    def more(self, field: str, name: str, *lines: str) -> None:
        self.named[field][name] = (*self.named[field].get(name, ()), *lines)

    def interface(self, match: re.Match[str], node: Node) -> None:
        reader = InterfaceReader(self.source, node, self.switch)
        reader.read(node.children)
        self.interfaces[reader.name] = reader.done()
        self.unparsed += reader.unparsed

    def vlan(self, match: re.Match[str], node: Node) -> None:
        for number in sorted(vlan_set(match[1])):
            self.vlans.setdefault(number, f"VLAN{number:04d}")
        for child in node.children:
            named = re.fullmatch(r"name (.*)", child.text)
            if named:
                self.vlans[int(match[1])] = named[1].strip('"')
            elif not re.fullmatch(r"remote-span|state active|exit|no shutdown|media .*|mtu .*", child.text):
                self.refuse(child)

    def process(self, match: re.Match[str], node: Node) -> None:
        reader = ProcessReader(self.source, EigrpProcess(int(match[1])))
        reader.read(node.children)
        self.eigrp += [reader.process, *reader.others]
        self.unparsed += reader.unparsed

    def named_process(self, match: re.Match[str], node: Node) -> None:
        reader = NamedReader(self.source, match[1])
        reader.read(node.children)
        for process, interfaces in reader.processes:
            self.eigrp.append(process)
            self.on_interfaces.append((process.asn, interfaces))
        self.unparsed += reader.unparsed

    def static(self, match: re.Match[str], node: Node) -> None:
        words = match[5] or ""
        self.routes.append(
            StaticRoute(
                IPv4Network(f"{match[2]}/{match[3]}", strict=False),
                *_next_hop(match[4]),
                int(_word(r"(?:^| )(\d+)(?= |$)", re.sub(r"\b(tag|track) \d+", "", words)) or 1),
                match[1],
                _word(r"\bname (\S+)", words),
                int(tag) if (tag := _word(r"\btag (\d+)", words)) else None,
                _word(r"\btrack (\d+)", words),
            )
        )

    def numbered(self, match: re.Match[str], node: Node) -> None:
        number = int(match[1])
        if not any(number in numbers for numbers in (*_STANDARD, *_EXTENDED)):
            raise ValueError("no IPv4 access list has this number")
        extended = any(number in numbers for numbers in _EXTENDED)
        acl = self.acls.setdefault(match[1], _Acl(extended, []))
        self.acl_line(acl, match[2], node)

    def acl_line(self, acl: _Acl, text: str, node: Node) -> None:
        """A line without a number gets the next one, as IOS numbers them; a remark has none."""
        match = re.fullmatch(r"(?:(\d+) )?((?:permit|deny|remark|dynamic|evaluate)\b.*)", text)
        if match is None:
            raise ValueError("no line of an access list")
        words = re.sub(r"\s+", " ", match[2]).strip()
        if words.startswith("remark"):
            acl.lines.append(AclLine(int(match[1] or 0), match[2], self.where(node)))
            return
        sequence = int(match[1] or acl.next)
        acl.next = sequence + 10
        acl.lines.append(AclLine(sequence, words, self.where(node)))

    def access_list(self, match: re.Match[str], node: Node) -> None:
        acl = self.acls.setdefault(match[2], _Acl(match[1] == "extended", []))
        for child in node.children:
            try:
                self.acl_line(acl, child.text, child)
            except ValueError as fault:
                self.refuse(child, str(fault))

    def object_group(self, match: re.Match[str], node: Node) -> None:
        self.more("object_groups", match[2], match[1], *(child.text for child in node.children))

    def route_map(self, match: re.Match[str], node: Node) -> None:
        self.more("route_maps", match[1], match[2].strip() or "permit 10", *(child.text for child in node.children))

    def priorities(self, match: re.Match[str], node: Node) -> None:
        of = dict.fromkeys(sorted(vlan_set(match[1])), int(match[2]))
        self.tree(priorities={**self.stp.priorities, **of})

    def tree(self, **fields: Any) -> None:
        self.stp = replace(self.stp, **fields)

    def mst(self, match: re.Match[str], node: Node) -> None:
        for child in node.children:
            if found := re.fullmatch(r"name (.*)", child.text):
                self.tree(mst_name=found[1])
            elif found := re.fullmatch(r"revision (\d+)", child.text):
                self.tree(mst_revision=int(found[1]))
            elif found := re.fullmatch(r"instance (\d+) vlan ([\d,\s-]+)", child.text):
                number = int(found[1])
                vlans = self.stp.mst_instances.get(number, frozenset()) | vlan_set(found[2])
                self.tree(mst_instances={**self.stp.mst_instances, number: vlans})
            elif child.text != "exit":
                self.refuse(child)

    rules = (
        rule(r"hostname (\S+)", lambda self, m, n: self.fields.update(hostname=m[1])),
        rule(r"interface (\S.*)", interface),
        rule(r"vlan ([\d,-]+)", vlan),
        rule(r"vtp mode (\S+)(?: vlan)?", lambda self, m, n: self.fields.update(vtp_mode=m[1])),
        rule(r"vtp domain .*"),
        rule(r"router eigrp (\d+)", process),
        rule(r"router eigrp (\S+)", named_process),
        rule(r"ip route (?:vrf (\S+) )?([\d.]+) ([\d.]+) ((?:[A-Za-z][\w/.:-]*\d[\w/.:]*|[\d.]+\.[\d.]+|dhcp)"
             r"(?: [\d.]+\.[\d.]+)?)( .*)?", static),
        rule(r"access-list (\d+) (.*)", numbered),
        rule(r"ip access-list (standard|extended) (\S+)", access_list),
        rule(r"object-group (network|service|ip address|ip port) (\S+)", object_group),
        rule(r"ip prefix-list (\S+) (.*)", lambda self, m, n: self.more("prefix_lists", m[1], m[2])),
        rule(r"route-map (\S+)((?: (?:permit|deny))?(?: \d+)?)",
             lambda self, m, n: self.route_map(m, n)),
        rule(r"(?:ip vrf|vrf definition) (\S+)", lambda self, m, n: self.vrfs.append(m[1])),
        rule(r"track (\d+) (.*)", lambda self, m, n: self.more("tracks", m[1], m[2], *(c.text for c in n.children))),
        rule(r"spanning-tree mode (pvst|rapid-pvst|mst)", lambda self, m, n: self.tree(mode=_MODES[m[1]])),
        rule(r"spanning-tree (?:vlan|mst) ([\d,-]+) priority (\d+)", priorities),
        rule(r"no spanning-tree vlan ([\d,-]+)",
             lambda self, m, n: self.tree(disabled=self.stp.disabled | vlan_set(m[1]))),
        rule(r"spanning-tree pathcost method (long|short)", lambda self, m, n: self.tree(long_costs=m[1] == "long")),
        rule(r"spanning-tree portfast(?: edge)? default", lambda self, m, n: self.tree(portfast_default=True)),
        rule(r"spanning-tree portfast(?: edge)? bpduguard default", lambda self, m, n: self.tree(bpdu_guard_default=True)),
        rule(r"spanning-tree portfast(?: edge)? bpdufilter default",
             lambda self, m, n: self.tree(bpdu_filter_default=True)),
        rule(r"spanning-tree loopguard default", lambda self, m, n: self.tree(loop_guard_default=True)),
        rule(r"spanning-tree mst configuration", mst),
    )  # fmt: skip

    def done(self, name: str) -> Device:
        """The device, with what named-mode EIGRP says of its interfaces moved there."""
        for asn, settings in self.on_interfaces:
            self.settle(asn, settings)
        hostname = self.fields.pop("hostname", None)
        lists: dict[str, Any] = self.named
        return Device(
            name, hostname=hostname, interfaces=self.interfaces, vlans=dict(sorted(self.vlans.items())), stp=self.stp,
            eigrp=tuple(self.eigrp), static_routes=tuple(self.routes),
            access_lists={key: AccessList(key, acl.extended, tuple(acl.lines)) for key, acl in self.acls.items()},
            vrfs=tuple(self.vrfs), **lists, **self.fields,
        )  # fmt: skip

    def settle(self, asn: int, settings: dict[str, EigrpInterface]) -> None:
        """An interface's own settings over those of ``af-interface default``."""
        default = settings.get("default", EigrpInterface())
        for interface, own in settings.items():
            if interface in self.interfaces:
                before = self.interfaces[interface]
                merged = _over(default, own)
                self.interfaces[interface] = replace(before, eigrp={**before.eigrp, asn: merged})
        if default != EigrpInterface():
            for interface, before in self.interfaces.items():
                if asn not in before.eigrp and before.addresses:
                    self.interfaces[interface] = replace(before, eigrp={**before.eigrp, asn: default})


def _over(default: EigrpInterface, own: EigrpInterface) -> EigrpInterface:
    """What ``own`` says, and what ``default`` says where it is silent."""
    empty = EigrpInterface()
    chosen: Callable[[str], Any] = lambda name: (  # noqa: E731 - a name for one expression
        getattr(own if getattr(own, name) != getattr(empty, name) else default, name)
    )
    return EigrpInterface(**{name: chosen(name) for name in EigrpInterface.__slots__})


def _next_hop(text: str) -> tuple[IPv4Address | None, str | None]:
    via, interface = None, None
    for word in text.split():
        if re.fullmatch(r"[\d.]+", word):
            via = IPv4Address(word)
        else:
            interface = interface_name(word)
    return via, interface


def _word(pattern: str, text: str) -> str | None:
    match = re.search(pattern, text)
    return match[1] if match else None
