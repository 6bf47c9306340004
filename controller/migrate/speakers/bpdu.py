"""A watch on BPDUs at borders: who is root of each VLAN there, and who says that the topology changes.

Lives here: what was heard, by border and VLAN. Must not know: ports, time. It sends nothing: no BPDU ever leaves.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from clos.controller.migrate.plan.model import BpduWatch
from clos.fabric.protocols.pvst.frame import decode_frame
from clos.fabric.protocols.pvst.packet import TCN, BadBpdu, Bpdu

IEEE_VLAN = 1
"""Of the tree that untagged BPDUs of IEEE's form speak for, next to PVST+."""
STORMS = ((10, 60_000), (4, 180_000))
"""So many topology changes within so many milliseconds are called a storm. The second is for classic trees: their root
tells of one change for 35 s, whatever changes meanwhile."""
KEPT_MS = max(ms for _, ms in STORMS)
ENDLESS_MS = 105_000
"""A root tells of a change for max age and forward delay (35 s, 802.1D-2004 §17.14); one that does so three times as
long without a pause tells of one change after another."""
MAX_AGE_MS = 20_000
"""For so long a root is believed in that is not heard of (802.1D-2004 §17.14), and so long one is listened for."""


@dataclass(slots=True)
class _Tree:
    """What was heard last of one VLAN at one border."""

    heard: int
    bpdu: Bpdu | None = None
    age_ms: int = MAX_AGE_MS
    changing: bool = False
    since: int = 0
    """When ``changing`` began."""
    untagged: bool = False
    changes: list[int] = field(default_factory=list)
    changed_by: str = ""
    total: int = 0


class BpduLog:
    """``watches``: where BPDUs are expected, and which root they must name."""

    def __init__(self) -> None:
        self.roots: dict[tuple[str, int], str] = {}
        self._since: dict[tuple[str, int], int] = {}
        self._trees: dict[tuple[str, int], _Tree] = {}
        self.refused = 0

    def configure(self, watches: tuple[BpduWatch, ...], now: int) -> None:
        self.roots = {(watch.border, vlan): root for watch in watches for vlan, root in watch.roots.items()}
        self._since = {key: self._since.get(key, now) for key in self.roots}

    def heard(self, border: str, data: bytes, now: int) -> None:
        """Take a frame to one of the BPDUs' addresses."""
        try:
            frame = decode_frame(data)
        except BadBpdu:
            self.refused += 1
            return
        vlan = frame.pvid or frame.tag or IEEE_VLAN
        tree = self._trees.setdefault((border, vlan), _Tree(now))
        tree.heard = now
        bpdu = frame.bpdu
        changing = bpdu.kind == TCN or bpdu.topology_change
        if changing and (bpdu.kind == TCN or not tree.changing):
            tree.total += 1
            tree.changes = [at for at in tree.changes if now - at < KEPT_MS] + [now]
            tree.changed_by = _sender(bpdu) if bpdu.kind != TCN else f"a switch at {_mac(frame.source)}"
        if bpdu.kind != TCN:
            tree.since = tree.since if tree.changing else now
            tree.changing, tree.untagged = changing, frame.tag is None
            tree.bpdu, tree.age_ms = bpdu, int(bpdu.times.max_age * 1000)

    def report(self, now: int) -> Iterator[dict[str, Any]]:
        """By border and VLAN; ``root`` None: no BPDU was heard within its max age."""
        for border, vlan in sorted(self._trees.keys() | self.roots.keys()):
            tree, expected = self._trees.get((border, vlan)), self.roots.get((border, vlan))
            alive = tree is not None and tree.bpdu is not None and now - tree.heard <= tree.age_ms
            vector = tree.bpdu.vector if alive and tree is not None and tree.bpdu is not None else None
            many = any(sum(now - at < ms for at in (tree.changes if tree else ())) >= most for most, ms in STORMS)
            endless = alive and tree is not None and tree.changing and now - tree.since > ENDLESS_MS
            yield {
                "border": border, "vlan": vlan, "root": _bridge(vector.root) if vector else None, "expected": expected,
                "cost": vector.cost if vector else None, "sender": _bridge(vector.bridge) if vector else None,
                "port": vector.port if vector else None,
                "seconds": (now - tree.heard) // 1000 if tree else None,
                "changes": tree.total if tree else 0, "changed_by": tree.changed_by if tree else "",
                "storm": many or endless, "untagged": bool(alive and tree and tree.untagged),
            }  # fmt: skip

    def wrong(self, now: int) -> Iterator[str]:
        """What people should know, in sentences."""
        for row in self.report(now):
            where = f"VLAN {row['vlan']} at {row['border']}"
            if row["expected"] and row["root"] and row["root"] != row["expected"]:
                yield f"{where}: its root is {row['root']}, expected {row['expected']}"
            if row["expected"] and not row["root"] and now - self._since[row["border"], row["vlan"]] > MAX_AGE_MS:
                yield f"{where}: no BPDU is heard, {row['expected']} should be root"
            if row["storm"]:
                yield f"{where}: its topology changes again and again, as {row['changed_by']} tells"
            if row["expected"] and row["untagged"]:
                yield f"{where}: it comes untagged, for it is the native VLAN there; the fabric takes tagged ones"


def _sender(bpdu: Bpdu) -> str:
    return f"{_bridge(bpdu.vector.bridge)} port {bpdu.vector.port & 0xFFF}"


def _bridge(identifier: int) -> str:
    """``24586 00:1b:54:12:00:00``: the priority with the VLAN in it, as IOS prints it."""
    return f"{identifier >> 48} {_mac(identifier & 0xFFFF_FFFF_FFFF)}"


def _mac(mac: int) -> str:
    return mac.to_bytes(6).hex(":")
