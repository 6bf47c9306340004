"""The switches of a running fabric: the sessions with them, and what is known of each.

Lives here: which switches are ours, and what the wire reports of them. Must not know: revisions in the store, changes.
"""

from __future__ import annotations

from clos.controller.daemon.activity import Activity
from clos.controller.daemon.changes.candidate import Running
from clos.controller.daemon.switches.inventory import SwitchInventory
from clos.controller.wire.controller import Controller
from clos.controller.wire.events import (
    Complaint,
    Duplicate,
    Event,
    Joined,
    Left,
    Misbehaved,
    Outranked,
    Uncertified,
    Warned,
)
from clos.fabric.openflow.errors import error_text
from clos.fabric.topology import Topology

LATE_SECONDS = 2.0
"""A switch that has given no sign of work for so long keeps others waiting."""


class Switches:
    """``wire``: the sessions. ``inventory``: what is known of each switch."""

    def __init__(self, wire: Controller) -> None:
        self.wire, self.inventory = wire, SwitchInventory()
        wire.subscribe(self._on_event)

    def expect(self, *topologies: Topology) -> None:
        """The switches of these topologies are ours; where two differ, the last one counts."""
        names: dict[int, str] = {}
        for topology in topologies:
            ours = {dpid: name for dpid, name in names.items() if name not in topology.switches}
            names = ours | {switch.dpid: switch.name for switch in topology.switches.values()}
        self.inventory.expect(names.values())
        self.wire.expect(names)

    def with_seen(self, running: Running) -> Running:
        """What the fabric holds, with what was seen on switches that are not in sync."""
        boxes = {name: status.dpid for name, status in self.inventory.standings().items() if status.known}
        return running._replace(seen=self.inventory.seen(), boxes=boxes)

    def in_service(self) -> dict[str, bool]:
        """By connected switch, whether it holds what it should."""
        return {name: s.in_line for name, s in self.inventory.standings().items() if s.connected}

    def all_known(self) -> bool:
        """Whether every switch has been read back."""
        return all(status.known for status in self.inventory.standings().values())

    def await_rejoining(self, activity: Activity, timeout: float) -> None:
        """Just after this controller began to lead, wait for the switches that were connected to it before."""
        if activity.rejoining:
            self.wire.wait_for(activity.rejoining, timeout)
            activity.rejoining = frozenset()

    def late(self) -> str:
        """The switches that keep a change waiting, in words; empty where none does."""
        late = sorted((name, seconds) for name, seconds in self.wire.awaited().items() if seconds > LATE_SECONDS)
        return "".join(f", and has waited {seconds:.0f} s for {name}" for name, seconds in late[:3])

    def _on_event(self, event: Event) -> None:
        """Note what the wire reports; runs on its thread."""
        match event:
            case Joined(switch, dpid):
                self.inventory.joined(switch, dpid)
            case Left(switch):
                self.inventory.left(switch)
            case Duplicate(switch, dpid, kept, refused):
                text = f"{refused} connects with its datapath id {dpid:#x} and is refused; {kept} has it and answers"
                self.inventory.conflict(switch, f"{text}: give one of the two another datapath id")
            case Uncertified(switch, dpid, address, text):
                host = address.rpartition(":")[0]  # each try comes from another port, and is one fault all the same
                self.inventory.fault(switch, f"refused {host}: {text}")
            case Misbehaved(switch, text, seconds):
                self.inventory.fault(switch, f"dropped: {text}")
                if seconds:
                    self.inventory.kept_out(switch, f"in quarantine for {seconds:.0f} s: {text}")
                else:
                    self.inventory.kept_out(switch, f"not connected: {text}")
            case Complaint(switch, kind, code):
                self.inventory.fault(switch, f"reported an error: {error_text(kind, code)}")
            case Outranked(switch, ours, known):
                text = f"has a leader of a later term ({known}) than ours ({ours}): this controller only reads there"
                self.inventory.fault(switch, f"{text}; if none leads, etcd was put back to an older state")
            case Warned(switch, text):
                self.inventory.fault(switch, text, lasting=True)
            case _:
                pass
