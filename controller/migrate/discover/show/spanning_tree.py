"""``show spanning-tree`` and its detail: one tree per VLAN or MST instance, IEEE 802.1D-2004's words.

Lives here: PVST+, rapid PVST+, MST and plain 802.1D layouts, ports held by a guard (``BKN*``) among them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from clos.controller.migrate.discover.lines import LineReader, Output, row
from clos.controller.migrate.discover.names import interface_name, mac_address
from clos.controller.migrate.model import StpPort, StpTree

ROLES = {
    "root": "root", "desg": "designated", "altn": "alternate", "back": "backup", "mstr": "master", "shr": "designated",
    "dis": "disabled", "disb": "disabled", "designated": "designated", "alternate": "alternate", "backup": "backup",
    "master": "master", "disabled": "disabled",
}  # fmt: skip
STATES = {
    "fwd": "forwarding", "blk": "blocking", "lrn": "learning", "lis": "listening", "bkn": "broken", "dis": "disabled",
    "dwn": "disabled", "forwarding": "forwarding", "blocking": "blocking", "learning": "learning",
    "listening": "listening", "broken": "broken", "disabled": "disabled", "down": "disabled", "discarding": "blocking",
}  # fmt: skip
_MAC = r"([0-9a-fA-F]{4}\.[0-9a-fA-F]{4}\.[0-9a-fA-F]{4})"
_NAME = r"(?:VLAN|MST|Bridge group )0*(\d+)"
_EMPTY = StpTree(0, "ieee", 0, 0, 0, 0)


class _Trees(LineReader):
    """What both layouts share: the tree that is being read is the last one."""

    def __init__(self, output: Output) -> None:
        super().__init__(output)
        self.trees: list[StpTree] = []

    def begin(self, number: str, protocol: str = "ieee") -> None:
        self.trees.append(replace(_EMPTY, vlan=int(number), protocol=protocol))

    def change(self, **fields: Any) -> object:
        if not self.trees:
            return NotImplemented
        self.trees[-1] = replace(self.trees[-1], **fields)
        return None

    def add(self, port: StpPort) -> object:
        return self.change(ports=(*self.trees[-1].ports, port)) if self.trees else NotImplemented

    def values(self) -> Mapping[str, Any]:
        return {"trees": tuple(self.trees)}

    def size(self) -> int:
        return sum(len(tree.ports) for tree in self.trees)

    def count(self, lines: list[str]) -> None:
        super().count(lines)
        for tree in self.trees:
            self.check(tree)

    def check(self, tree: StpTree) -> None:
        """A tree has a root and a bridge, and the root port is one of its ports."""
        if not tree.root_mac or not tree.bridge_mac:
            self.refuse(f"tree {tree.vlan}: no root or bridge identifier was read", 0)


class SpanningTree(_Trees):
    """``show spanning-tree [vlan N | mst]``."""

    witness = re.compile(r"\s(?:FWD|BLK|LRN|LIS|BKN|DIS|DWN)(?:\*\s*|\s+)\d+\s+\d+\.\d+(?:\s|$)")
    owner = ""
    wrapped: str | None = None

    def vlan(self, match: re.Match[str]) -> None:
        self.begin(match[1], "mstp" if match[0].startswith("MST") else "ieee")

    def mst(self, match: re.Match[str]) -> None:
        self.begin(match[1], "mstp")

    def protocol(self, match: re.Match[str]) -> object:
        return self.change(protocol=match[1].lower())

    def root(self, match: re.Match[str]) -> object:
        self.owner = "root"
        return self.change(root_priority=int(match[1]))

    def bridge(self, match: re.Match[str]) -> object:
        self.owner = "bridge"
        return self.change(bridge_priority=int(match[1]))

    def address(self, match: re.Match[str]) -> object:
        if not self.owner:
            return NotImplemented
        return self.change(**{f"{self.owner}_mac": mac_address(match[1])})

    def cost(self, match: re.Match[str]) -> object:
        return self.change(root_cost=int(match[1]))

    def root_port(self, match: re.Match[str]) -> object:
        return self.change(root_port=interface_name(match[1]))

    def mst_bridge(self, match: re.Match[str]) -> object:
        return self.change(bridge_mac=mac_address(match[1]), bridge_priority=int(match[2]))

    def mst_root(self, match: re.Match[str]) -> object:
        return self.change(root_mac=mac_address(match[1]), root_priority=int(match[2]))

    def mst_self(self, match: re.Match[str]) -> object:
        if not self.trees:
            return NotImplemented
        tree = self.trees[-1]
        return self.change(root_mac=tree.bridge_mac, root_priority=tree.bridge_priority)

    def mst_port(self, match: re.Match[str]) -> object:
        return self.change(root_port=interface_name(match[1]), root_cost=int(match[2]))

    def name(self, match: re.Match[str]) -> object:
        """A long name stands on a line of its own, the rest of its row below."""
        if not self.trees:
            return NotImplemented
        self.wrapped = match[1]
        return None

    def port(self, match: re.Match[str]) -> object:
        name = match["name"] or self.wrapped
        if name is None:
            return NotImplemented
        self.wrapped = None
        kind = match["type"] or ""
        held = re.search(r"\*(\w+)", kind)
        return self.add(
            StpPort(
                interface_name(name),
                ROLES[match["role"].lower()],
                STATES[match["state"].lower()],
                int(match["cost"]),
                int(match["priority"]),
                int(match["number"]),
                re.sub(r"\s*\*\w+", "", kind).strip(),
                "edge" in kind.lower(),
                held[1] if held else None,
            )
        )

    rows = (
        row(rf"\s*{_NAME}", vlan),
        row(r"#+\s*MST0*(\d+)\s+vlans mapped:.*", mst),
        row(r"\s*Spanning tree enabled protocol (\w+)", protocol),
        row(r"\s*Root ID\s+Priority\s+(\d+)", root),
        row(r"\s*Bridge ID\s+Priority\s+(\d+)(?:\s+\(priority \d+ sys-id-ext \d+\))?", bridge),
        row(rf"\s*Address\s+{_MAC}", address),
        row(r"\s*Cost\s+(\d+)", cost),
        row(r"\s*Port\s+\d+\s+\((\S+)\)", root_port),
        row(r"\s*This bridge is the root"),
        row(r"\s*(?:Hello|hello) [Tt]ime\s+\d+\s+sec.*"),
        row(r"\s*Aging Time\s+\d+.*"),
        row(rf"\s*Bridge\s+address\s+{_MAC}\s+priority\s+(\d+)\s.*", mst_bridge),
        row(rf"\s*Root\s+address\s+{_MAC}\s+priority\s+(\d+)\s.*", mst_root),
        row(r"\s*Root\s+this switch for (?:the CIST|MST\d+)", mst_self),
        row(rf"\s*Regional Root\s+address\s+{_MAC}\s.*"),
        row(r"\s*Regional Root\s+this switch"),
        row(r"\s+port\s+(\S+)\s+(?:path )?cost\s+(\d+).*", mst_port),
        row(r"\s+internal cost\s+\d+.*"),
        row(r"\s*(?:Operational|Configured)\s+(?:hello time|max age).*"),
        row(r"\s+[\d,\s-]+"),
        row(r"\s*Interface\s+(?:Role|Designated|Port ID).*|\s*Name\s+Port ID.*"),
        row(r"[\s-]+"),
        row(r"(?P<name>[A-Za-z][\w/.:-]*)?\s+(?P<role>Root|Desg|Altn|Back|Mstr|Shr|Dis|Disb)\s+"
            r"(?P<state>FWD|BLK|LRN|LIS|BKN|DIS|DWN)(?:\*\s*|\s+)(?P<cost>\d+)\s+(?P<priority>\d+)\.(?P<number>\d+)"
            r"(?:\s+(?P<type>\S.*?))?", port),
        row(r"([A-Za-z][A-Za-z-]*\d[\w/.:]*)", name),
    )  # fmt: skip

    def check(self, tree: StpTree) -> None:
        super().check(tree)
        names = {port.name for port in tree.ports}
        if tree.ports and tree.root_port is not None and tree.root_port not in names:
            self.refuse(f"tree {tree.vlan}: root port {tree.root_port} is not among the ports that were read", 0)


class SpanningTreeDetail(_Trees):
    """``show spanning-tree detail``, also of one VLAN, interface or ``active``."""

    witness = re.compile(r"^\s*Port \d+ \([^)]+\) of ")

    def tree(self, match: re.Match[str]) -> None:
        self.begin(match[1], match[2].lower())

    def bridge(self, match: re.Match[str]) -> object:
        """The bridge priority is printed without the system id extension here, all others with it."""
        return self.change(bridge_priority=int(match[1]) + int(match[2] or 0), bridge_mac=mac_address(match[3]))

    def root(self, match: re.Match[str]) -> object:
        return self.change(root_priority=int(match[1]), root_mac=mac_address(match[2]))

    def ourselves(self, match: re.Match[str]) -> object:
        if not self.trees:
            return NotImplemented
        tree = self.trees[-1]
        return self.change(root_priority=tree.bridge_priority, root_mac=tree.bridge_mac)

    def root_port(self, match: re.Match[str]) -> object:
        return self.change(root_port=interface_name(match[1]), root_cost=int(match[2]))

    def port(self, match: re.Match[str]) -> object:
        words = match["words"].lower().split()
        role = next((ROLES[word] for word in words if word in ROLES), "disabled")
        state = next((STATES[word] for word in reversed(words) if word in STATES), None)
        if state is None or any(word not in ROLES and word not in STATES for word in words):
            raise ValueError(f"no role and state: {match['words']}")
        why = match["why"]
        return self.add(
            StpPort(interface_name(match["name"]), role, state, 0, 0, int(match["number"]), inconsistent=why or None)
        )

    def modify(self, **fields: Any) -> object:
        if not self.trees or not self.trees[-1].ports:
            return NotImplemented
        *others, last = self.trees[-1].ports
        return self.change(ports=(*others, last._replace(**fields)))

    def path(self, match: re.Match[str]) -> object:
        return self.modify(cost=int(match[1]), priority=int(match[2]), number=int(match[3]))

    def link(self, match: re.Match[str]) -> object:
        return self.modify(link_type=match[1])

    def edge(self, match: re.Match[str]) -> object:
        return self.modify(edge=True)

    rows = (
        row(rf"\s*{_NAME} is executing the (\w+) compatible Spanning Tree protocol.*", tree),
        row(rf"\s*Bridge Identifier has priority (\d+)(?:, sysid (\d+))?, address {_MAC}", bridge),
        row(rf"\s*Current root has priority (\d+), address {_MAC}", root),
        row(r"\s*We are the root of the spanning tree", ourselves),
        row(r"\s*Root port is \d+ \((\S+)\), cost of root path is (\d+)", root_port),
        row(r"\s*Port (?P<number>\d+) \((?P<name>[^\s,)]+)(?:, vPC[^)]*)?\) of (?:VLAN|MST|Bridge group )\d+ is (?P<words>[\w ]+?)\s*"
            r"(?:\((?P<why>[^)]*)\))?", port),
        row(r"\s*Port path cost (\d+), Port priority (\d+), Port Identifier \d+\.(\d+)\.", path),
        row(r"\s*Link type is ([\w-]+).*", link),
        row(r"\s*The port is in the portfast (?:edge |trunk )?mode.*", edge),
        row(r"\s*(Configured hello time|Topology change flag|Number of topology changes|from |Times:|hello \d|Timers:|"
            r"Designated |Number of transitions|BPDU: |Loop guard is|Root guard is|Bpdu guard is|Bpdu filter is|"
            r"PVST Simulation is|Portfast is|The port (?:type )?is |Bridge Assurance|Regional root|Port Identifier|"
            r"Port info|Internal |Received bpdus|Sent bpdus|Dispute).*"),
    )  # fmt: skip


class StpSummary(LineReader):
    """``show spanning-tree summary``: the mode, which trees it is the root of, and ports by state."""

    def __init__(self, output: Output) -> None:
        super().__init__(output)
        self.found: dict[str, Any] = {}
        self.counts: list[tuple[str, tuple[int, ...]]] = []
        self.total: tuple[str, tuple[int, ...]] | None = None

    def mode(self, match: re.Match[str]) -> None:
        self.found["stp_mode"] = match[1]

    def of(self, match: re.Match[str]) -> None:
        names = (part for part in re.split(r",\s*", match[1].rstrip(". ")) if part and part.lower() != "none")
        self.found["stp_root_for"] = (*self.found.get("stp_root_for", ()), *names)

    def tree(self, match: re.Match[str]) -> None:
        self.counts.append((match[1], tuple(map(int, match[2].split()))))

    def sums(self, match: re.Match[str]) -> None:
        self.total = (match[1], tuple(map(int, match[2].split())))

    rows = (
        row(r"Switch is in (\S+) mode.*", mode),
        row(r"Root bridge for: (.*?)", of),
        row(r"\s+((?:VLAN|MST)\d[\d, VLANMST-]*)", of),
        row(r"(VLAN\d+|MST\d+)((?:\s+\d+){5})", tree),
        row(r"(\d+ (?:vlan|mst)s?|\s*Total)((?:\s+\d+){5})", sums),
        row(r"[A-Za-z][\w \[\]-]*? (?:Default |method used )?\s*is\s+\S.*"),
        row(r"Name\s+Blocking.*"),
        row(r"[\s-]+"),
    )

    def count(self, lines: list[str]) -> None:
        if self.total is not None:
            sums = tuple(map(sum, zip(*(states for _, states in self.counts), strict=True))) or (0,) * 5
            if sums != self.total[1]:
                self.refuse(f"the rows that were read have {sums} ports by state, their sum line {self.total[1]}", 0)

    def values(self) -> Mapping[str, Any]:
        return {**self.found, "stp_counts": tuple(self.counts)}
