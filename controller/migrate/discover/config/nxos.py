"""NX-OS configurations, rewritten statement by statement into IOS' words, so that the same readers read both.

Lives here: what NX-OS writes differently (prefix lengths, HSRP and EIGRP below interfaces, VRF contexts, port types).
Must not know: what statements mean. Lines keep their numbers. What is known and moves no traffic of the networks that
migrate (virtual device contexts, control-plane policing, overlays' timers) is left out by the readers' own tables.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import IPv4Network

from clos.controller.migrate.discover.config.tree import Node

_MARKS = re.compile(r"vdc \S+ id \d+|feature [\w-]+|version \d+\.\d+\(\d+.*|vrf context \S+|vpc domain \d+")
_PREFIX = re.compile(r"(\d+\.\d+\.\d+\.\d+)/(\d+)")
_L2 = re.compile(r"interface (?:Ethernet|port-channel)[\d/]+")
_IGNORED = re.compile(
    r"(?:no )?(?:feature|feature-set|install|vdc|copp|rmon|nv overlay|fabric forwarding|hardware|limit-resource|"
    r"fex|slot|poap|role|system|terminal|xml|nxapi|cfs|ngoam|evpn|track .* interface|callhome|hostname-|rate-limiter|"
    r"port-profile|icam|interface breakout|interface nve|line|cli|checkpoint|bloggerd|event|sla|install|ip adjacency|"
    r"userpassphrase|password|no password|snmp-server|l2vpn|segment-routing|telemetry|flow|monitor|scheduler|ethernet|"
    r"platform|mac address-table|vtp|spanning-tree (?:pathcost|loopguard|port type) default-none)\b.*"
)
_PORT_TYPES = {"edge": "portfast edge", "edge trunk": "portfast edge trunk", "network": "portfast network",
               "normal": "portfast disable"}  # fmt: skip
_ON_INTERFACE = re.compile(
    r"(?:no )?(?:vpc (?:\d+|peer-link|orphan-port.*)|fabric forwarding .*|hsrp (?:bfd|delay).*|management|"
    r"switchport (?:monitor|vlan mapping|isolated|autostate).*|"
    r"ip (?:ospf|pim|arp|igmp|port-unreachable|port|flow|proxy-arp|local-proxy).*|inherit port-profile .*|"
    r"(?:no )?lacp .*|delay restore .*|bfd .*|ip router (?:ospf|isis) .*|isis .*|no bfd .*)"
)


def is_nxos(nodes: list[Node]) -> bool:
    """Whether a configuration is NX-OS': two of its marks, for IOS has a ``version`` and a feature now and then."""
    return len({match[0].split()[0] for node in nodes if (match := _MARKS.fullmatch(node.text))}) >= 2


def as_ios(nodes: list[Node]) -> list[Node]:
    """The statements as IOS would have them."""
    eigrp = _EigrpOnInterfaces(nodes)
    found: list[Node] = []
    rapid = not any(node.text.startswith("spanning-tree mode") for node in nodes)
    if rapid:
        found.append(Node("spanning-tree mode rapid-pvst", 0))
    for node in nodes:
        found += _statement(node, eigrp)
    return found


def _statement(node: Node, eigrp: _EigrpOnInterfaces) -> Iterator[Node]:
    text = node.text
    if text.startswith("interface ") and not text.startswith(("interface nve", "interface breakout")):
        yield _interface(node)
    elif match := re.fullmatch(r"vrf context (\S+)", text):
        yield from _context(node, match[1])
    elif match := re.fullmatch(r"router eigrp (\S+)", text):
        yield from eigrp.process(node, match[1])
    elif match := re.fullmatch(r"ip route (\S+/\d+) (.*)", text):
        yield Node(_route(match[1], match[2]), node.line)
    elif match := re.fullmatch(r"ip access-list (\S+)", text):
        yield Node(
            f"ip access-list extended {match[1]}",
            node.line,
            [_acl_line(child) for child in node.children if child.text != "statistics per-entry"],
        )
    elif match := re.fullmatch(r"vlan (\d[\d,-]*)", text):
        kept = [child for child in node.children if not re.match(r"vn-segment|mode |no ", child.text)]
        yield Node(text, node.line, kept)
    elif match := re.fullmatch(r"spanning-tree port type (edge|network) (?:(bpduguard|bpdufilter) )?default", text):
        if match[1] == "edge":
            yield Node(" ".join(("spanning-tree portfast", *filter(None, [match[2]]), "default")), node.line)
    elif match := re.fullmatch(r"object-group ip (address|port) (\S+)", text):
        yield Node(text, node.line, node.children)
    elif re.fullmatch(r"vpc domain \d+", text) or _IGNORED.fullmatch(text):
        return
    else:
        yield node


def _context(node: Node, name: str) -> Iterator[Node]:
    yield Node(f"vrf definition {name}", node.line)
    for child in node.children:
        route = re.fullmatch(r"ip route (\S+/\d+) (.*)", child.text)
        if route:
            yield Node(_route(route[1], route[2], f"vrf {name} "), child.line)


def _route(prefix: str, rest: str, vrf: str = "") -> str:
    network = IPv4Network(prefix, strict=False)
    words = re.sub(r"\bvrf \S+ ?", "", rest).strip()
    return f"ip route {vrf}{network.network_address} {network.netmask} {_named(words)}"


def _named(words: str) -> str:
    """Interfaces with the capital that IOS writes."""
    return re.sub(r"\b(null|loopback|port-channel|vlan)(?=\d)", lambda match: match[1].capitalize(), words)


def _acl_line(node: Node) -> Node:
    """Addresses with a prefix length, as an address and a wildcard mask."""

    def wildcard(match: re.Match[str]) -> str:
        network = IPv4Network(match[0], strict=False)
        if network.prefixlen == 32:
            return f"host {network.network_address}"
        return "any" if network.prefixlen == 0 else f"{network.network_address} {network.hostmask}"

    return Node(_PREFIX.sub(wildcard, node.text), node.line, node.children)


def _interface(node: Node) -> Node:
    name = _named(node.text)
    children: list[Node] = []
    for child in node.children:
        children += _on_interface(child)
    texts = {child.text for child in children}
    routed = any(text.startswith(("no switchport", "ip address", "channel-group")) for text in texts)
    said = any(text.startswith("switchport mode") for text in texts)
    if (_L2.fullmatch(node.text) and not routed and not said) or (
        any(text.startswith("switchport ") for text in texts) and not said and "no switchport" not in texts
    ):
        children.append(Node("switchport mode access", node.line))
    return Node(name, node.line, children)


def _on_interface(node: Node) -> Iterator[Node]:
    text = node.text
    if match := re.fullmatch(
        r"ip address (\d+\.\d+\.\d+\.\d+/\d+)( secondary)?(?: (?:tag|route-preference) .*)?", text
    ):
        network = IPv4Network(match[1], strict=False)
        yield Node(f"ip address {match[1].split('/')[0]} {network.netmask}{match[2] or ''}", node.line)
    elif match := re.fullmatch(r"vrf member (\S+)", text):
        yield Node(f"vrf forwarding {match[1]}", node.line)
    elif match := re.fullmatch(r"hsrp version (\d)", text):
        yield Node(f"standby version {match[1]}", node.line)
    elif match := re.fullmatch(r"hsrp (\d+)(?: ipv4)?", text):
        yield from (Node(f"standby {match[1]} {_hsrp(child.text)}", child.line) for child in node.children)
    elif match := re.fullmatch(r"spanning-tree port type (.+)", text):
        yield Node(f"spanning-tree {_PORT_TYPES.get(match[1], 'port type ' + match[1])}", node.line)
    elif match := re.fullmatch(r"channel-group (\d+)(?: force)?(?: mode (\S+))?", text):
        yield Node(f"channel-group {match[1]} mode {match[2] or 'on'}", node.line)
    elif match := re.fullmatch(r"ip (hello-interval|hold-time|bandwidth|delay|passive-interface|summary-address|"
                               r"distribute-list|split-horizon|authentication (?:mode|key-chain)) eigrp (\S+)(.*)", text):  # fmt: skip
        yield from _eigrp_on_interface(node, match)
    elif match := re.fullmatch(r"no ip (split-horizon|passive-interface) eigrp (\S+)", text):
        if match[1] == "split-horizon":
            yield node
    elif re.fullmatch(r"ip router eigrp \S+|hsrp \d+ ipv6", text) or _ON_INTERFACE.fullmatch(text):
        return
    else:
        yield node


def _hsrp(text: str) -> str:
    """A statement below ``hsrp N``, as it follows ``standby N``."""
    text = re.sub(r"\s+", " ", text)
    text = re.sub(r"^timers msec (\d+) msec (\d+)", r"timers msec \1 msec \2", text)
    text = re.sub(r"^priority (\d+) .*", r"priority \1", text)
    text = re.sub(r"^authentication md5 key-string \S+.*", "authentication md5 key-string <removed>", text)
    return re.sub(r"^preempt delay minimum (\d+).*", r"preempt delay minimum \1", text)


def _eigrp_on_interface(node: Node, match: re.Match[str]) -> Iterator[Node]:
    what, asn, rest = match[1], match[2], match[3].strip()
    if what == "summary-address":
        network = IPv4Network(rest.split()[0], strict=False)
        yield Node(f"ip summary-address eigrp {asn} {network.network_address} {network.netmask}", node.line)
    elif what == "bandwidth":
        yield Node(f"bandwidth {rest}", node.line)
    elif what == "delay":
        yield Node(f"delay {rest.split()[0]}", node.line)
    elif what not in ("passive-interface", "distribute-list"):
        yield node


class _EigrpOnInterfaces:
    """What ``router eigrp`` has in IOS, and NX-OS says on interfaces: networks, passive interfaces, filters."""

    def __init__(self, nodes: list[Node]) -> None:
        self.lines: dict[tuple[str, str | None], list[Node]] = {}
        for node in nodes:
            if node.text.startswith("interface "):
                self._interface(node)

    def _interface(self, node: Node) -> None:
        texts = [child.text for child in node.children]
        vrf = next((text.split()[2] for text in texts if text.startswith("vrf member ")), None)
        name = _named(node.text).partition(" ")[2]
        for child in node.children:
            match = re.fullmatch(r"ip (router|passive-interface|distribute-list) eigrp (\S+)(.*)", child.text)
            if match is None:
                continue
            mine = self.lines.setdefault((match[2], vrf), [])
            if match[1] == "router":
                addresses = (text.split()[2] for text in texts if re.match(r"ip address \d", text))
                mine += [Node(f"network {address.split('/')[0]} 0.0.0.0", child.line) for address in addresses]
            elif match[1] == "passive-interface":
                mine.append(Node(f"passive-interface {name}", child.line))
            else:
                kind, what, way = match[3].split()
                words = "prefix" if kind == "prefix-list" else kind
                mine.append(Node(f"distribute-list {words} {what} {way} {name}", child.line))

    def process(self, node: Node, tag: str) -> Iterator[Node]:
        """The process, with an address family for each VRF; its number is its tag unless it says another."""
        asn = self._number(node, tag)
        own = [each for child in node.children if not child.text.startswith("vrf ") for each in _in_process(child)]
        yield Node(
            f"router eigrp {asn}", node.line, [*own, *self.lines.get((tag, None), ()), *self._vrfs(node, tag, asn)]
        )

    def _vrfs(self, node: Node, tag: str, asn: str) -> Iterator[Node]:
        sections = {child.text.split()[1]: child for child in node.children if child.text.startswith("vrf ")}
        for name in sorted({*sections, *(vrf for number, vrf in self.lines if number == tag and vrf)}):
            section = sections.get(name, Node(f"vrf {name}", node.line))
            below = [each for child in section.children for each in _in_process(child)]
            number = self._number(section, asn)
            text = f"address-family ipv4 vrf {name} autonomous-system {number}"
            yield Node(text, section.line, [*below, *self.lines.get((tag, name), ())])

    @staticmethod
    def _number(node: Node, otherwise: str) -> str:
        said = (child.text.split()[1] for child in node.children if child.text.startswith("autonomous-system "))
        return next(said, otherwise)


def _in_process(node: Node) -> Iterator[Node]:
    text = node.text
    if text.startswith("autonomous-system "):
        return
    if re.fullmatch(r"address-family ipv4 unicast", text):
        for child in node.children:
            yield from _in_process(child)
    elif match := re.fullmatch(r"router-id (\S+)", text):
        yield Node(f"eigrp router-id {match[1]}", node.line)
    elif match := re.fullmatch(r"stub(.*)", text):
        yield Node(f"eigrp stub{match[1].replace('direct', 'connected')}", node.line)
    elif match := re.fullmatch(r"redistribute direct(.*)", text):
        yield Node(f"redistribute connected{match[1]}", node.line)
    elif match := re.fullmatch(r"distance (\d+) (\d+)", text):
        yield Node(f"distance eigrp {match[1]} {match[2]}", node.line)
    elif re.fullmatch(r"(?:no )?(?:log-adjacency-changes|graceful-restart|flush-routes|isolate|timers .*|metric version .*|"
                      r"metric maximum-hops .*|log-neighbor-warnings.*|address-family ipv6.*)", text):  # fmt: skip
        return
    else:
        yield node
