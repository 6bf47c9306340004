"""``router eigrp``: classic processes (one for each VRF) and named mode, both as ``EigrpProcess`` values."""

from __future__ import annotations

import re
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network
from typing import Any

from clos.controller.migrate.discover.config.section import Reader, rule
from clos.controller.migrate.discover.config.statements import EIGRP
from clos.controller.migrate.discover.config.tree import Node
from clos.controller.migrate.discover.names import interface_name
from clos.controller.migrate.model import EigrpInterface, EigrpProcess, Redistribution, Source

_METRIC = r"(\d+) (\d+) (\d+) (\d+) (\d+)"
_STUB = frozenset({"connected", "summary", "static", "redistributed", "receive-only"})


def classful(address: str, wildcard: str | None) -> IPv4Network:
    """``network 10.0.0.0 [0.0.255.255]``; without a wildcard mask the class decides. Raises ValueError."""
    if wildcard is None:
        first = int(IPv4Address(address)) >> 24
        return IPv4Network(f"{address}/{8 if first < 128 else 16 if first < 192 else 24}", strict=False)
    bits = int(IPv4Address(wildcard))
    if bits & (bits + 1):
        inverted = bits ^ 0xFFFFFFFF
        if inverted & (inverted + 1):
            raise ValueError(f"{wildcard} is no contiguous mask")
        bits = inverted  # a mask where a wildcard mask belongs: IOS takes both
    return IPv4Network((int(IPv4Address(address)) & ~bits & 0xFFFFFFFF, 32 - bits.bit_length()))


class ProcessReader(Reader):
    """The statements of one process in one VRF, and of its ``topology base``."""

    ignored = EIGRP

    def __init__(self, source: Source, process: EigrpProcess) -> None:
        super().__init__(source)
        self.process = process
        self.others: list[EigrpProcess] = []
        self.interfaces: dict[str, EigrpInterface] = {}

    def set(self, **fields: Any) -> None:
        self.process = replace(self.process, **fields)

    def network(self, match: re.Match[str], node: Node) -> None:
        self.set(networks=(*self.process.networks, classful(match[1], match[2])))

    def passive(self, match: re.Match[str], node: Node) -> None:
        if match[2] == "default":
            self.set(passive_default=not match[1])
            return
        field = "active" if match[1] else "passive"
        self.set(**{field: getattr(self.process, field) | {interface_name(match[2])}})

    def redistribute(self, match: re.Match[str], node: Node) -> None:
        metric = re.search(rf"\bmetric {_METRIC}", match[2] or "")
        named = re.search(r"\broute-map (\S+)", match[2] or "")
        figures = tuple(map(int, metric.groups())) if metric else None
        one = Redistribution(match[1], figures, named[1] if named else None)  # type: ignore[arg-type]
        self.set(redistribute=(*self.process.redistribute, one))

    def distribute(self, match: re.Match[str], node: Node) -> None:
        name = f"{(match[1] or '').strip()} {match[2]}".strip()
        one = name, match[3], interface_name(match[4]) if match[4] else None
        self.set(distribute_lists=(*self.process.distribute_lists, one))

    def stub(self, match: re.Match[str], node: Node) -> None:
        words = frozenset((match[1] or "").split())
        if not words <= _STUB | {"leak-map"}:
            raise ValueError("unknown words")
        self.set(stub=words or frozenset({"connected", "summary"}))

    def family(self, match: re.Match[str], node: Node) -> None:
        """``address-family ipv4 vrf V [autonomous-system N]`` of a classic process."""
        number = next((c.text.split()[1] for c in node.children if c.text.startswith("autonomous-system ")), match[2])
        process = EigrpProcess(int(number or self.process.asn), match[1])
        inner = ProcessReader(self.source, process)
        inner.read(child for child in node.children if not child.text.startswith("autonomous-system "))
        self.others.append(inner.process)
        self.unparsed += inner.unparsed
        self.interfaces.update(inner.interfaces)

    def on_interface(self, match: re.Match[str], node: Node) -> None:
        """``af-interface NAME | default`` of named mode."""
        inner = AfInterfaceReader(self.source)
        inner.read(node.children)
        self.unparsed += inner.unparsed
        name = match[1] if match[1] == "default" else interface_name(match[1])
        self.interfaces[name] = inner.settings
        if inner.settings.passive is not None:
            if name == "default":
                self.set(passive_default=inner.settings.passive)
            else:
                field = "passive" if inner.settings.passive else "active"
                self.set(**{field: getattr(self.process, field) | {name}})

    def topology(self, match: re.Match[str], node: Node) -> None:
        self.read(node.children)

    def elsewhere(self, match: re.Match[str], node: Node) -> None:
        """IPv6 and services are not migrated; they are known, and left out with all that is in them."""

    rules = (
        rule(r"network ([\d.]+)(?: ([\d.]+))?", network),
        rule(r"(no )?passive-interface (\S+)", passive),
        rule(r"redistribute ((?:connected|static|rip|odr|maximum-prefix)|(?:ospf|bgp|eigrp|isis)(?: \S+)?)"
             r"((?: (?:metric|route-map|match|level|internal|external|include-connected|nssa-external|vrf|\S+)\b.*)?)",
             redistribute),
        rule(rf"default-metric {_METRIC}", lambda self, m, n: self.set(default_metric=tuple(map(int, m.groups())))),
        rule(r"metric weights \d+ ((?:\d+ ?)+)", lambda self, m, n: self.set(k_values=tuple(map(int, m[1].split())))),
        rule(r"metric rib-scale (\d+)", lambda self, m, n: self.set(rib_scale=int(m[1]))),
        rule(r"variance (\d+)", lambda self, m, n: self.set(variance=int(m[1]))),
        rule(r"maximum-paths (\d+)", lambda self, m, n: self.set(maximum_paths=int(m[1]))),
        rule(r"distance eigrp (\d+) (\d+)", lambda self, m, n: self.set(distance=(int(m[1]), int(m[2])))),
        rule(r"eigrp router-id ([\d.]+)", lambda self, m, n: self.set(router_id=IPv4Address(m[1]))),
        rule(r"eigrp stub((?: \S+)*)", stub),
        rule(r"distribute-list (prefix |route-map |gateway )?(\S+) (in|out)(?: ([A-Z]\S+))?", distribute),
        rule(r"(no )?auto-summary", lambda self, m, n: self.set(auto_summary=not m[1])),
        rule(r"neighbor ([\d.]+) (\S+)", lambda self, m, n: self.set(
            neighbors=(*self.process.neighbors, (IPv4Address(m[1]), interface_name(m[2]))))),
        rule(r"address-family ipv4(?: unicast)? vrf (\S+)(?: autonomous-system (\d+))?", family),
        rule(r"address-family ipv6.*|service-family.*|address-family ipv4 multicast.*", elsewhere),
        rule(r"af-interface (\S+)", on_interface),
        rule(r"topology base", topology),
    )  # fmt: skip


class AfInterfaceReader(Reader):
    """``af-interface`` of named mode."""

    ignored = EIGRP

    def __init__(self, source: Source) -> None:
        super().__init__(source)
        self.settings = EigrpInterface()

    def set(self, **fields: Any) -> None:
        self.settings = replace(self.settings, **fields)

    def summary(self, match: re.Match[str], node: Node) -> None:
        text = match[1] if "/" in match[1] else f"{match[1]}/{match[2]}"
        self.set(summaries=(*self.settings.summaries, IPv4Network(text)))

    rules = (
        rule(r"(no )?passive-interface", lambda self, m, n: self.set(passive=not m[1])),
        rule(r"hello-interval (\d+)", lambda self, m, n: self.set(hello_s=int(m[1]))),
        rule(r"hold-time (\d+)", lambda self, m, n: self.set(hold_s=int(m[1]))),
        rule(r"bandwidth-percent (\d+)", lambda self, m, n: self.set(bandwidth_percent=int(m[1]))),
        rule(r"(no )?split-horizon", lambda self, m, n: self.set(split_horizon=not m[1])),
        rule(r"summary-address ([\d./]+)(?: ([\d.]+))?(?: leak-map \S+)?", summary),
        rule(r"authentication mode (md5)", lambda self, m, n: self.set(authentication=self.settings.authentication or "md5")),
        rule(r"authentication mode hmac-sha-256 .*", lambda self, m, n: self.set(authentication="hmac-sha-256 <removed>")),
        rule(r"authentication key-chain (\S+)", lambda self, m, n: self.set(authentication=f"md5 key-chain {m[1]}")),
    )  # fmt: skip


class NamedReader(Reader):
    """``router eigrp NAME``: an address family for each VRF."""

    ignored = EIGRP

    def __init__(self, source: Source, name: str) -> None:
        super().__init__(source)
        self.name = name
        self.processes: list[tuple[EigrpProcess, dict[str, EigrpInterface]]] = []

    def family(self, match: re.Match[str], node: Node) -> None:
        inner = ProcessReader(self.source, EigrpProcess(int(match[2]), match[1], self.name, wide_metrics=True))
        inner.read(node.children)
        self.processes.append((inner.process, inner.interfaces))
        self.unparsed += inner.unparsed

    rules = (
        rule(r"address-family ipv4(?: unicast)?(?: vrf (\S+))? autonomous-system (\d+)", family),
        rule(r"address-family ipv6.*|service-family.*|address-family ipv4 multicast.*", ProcessReader.elsewhere),
    )
