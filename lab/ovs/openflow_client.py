"""OpenFlow straight to one bridge, by the socket every bridge has: no controller, no session to wait for.

Lives here: giving a bridge what it shall hold, and hearing what it sends to controllers. For one thread.
Must not know: what rules mean. Source: ovs-ofctl(8), "unix:file"; OpenFlow 1.3.5 §6.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path

from clos.fabric.dataplane.match import ANY
from clos.fabric.dataplane.rule import ALL, DROP, GroupEntry, Meter, Rule
from clos.fabric.dataplane.ruleset import SwitchState
from clos.fabric.openflow import Framer, decode, encode, pack_rule
from clos.fabric.openflow.constants import FlowModCommand, GroupModCommand, MeterModCommand
from clos.fabric.openflow.messages import (
    BarrierReply,
    BarrierRequest,
    EchoReply,
    EchoRequest,
    Error,
    GroupMod,
    Hello,
    Message,
    MeterMod,
    PacketIn,
    SetConfig,
)
from clos.lab.ovs.processes import LabError

PATIENCE = 10.0
"""Seconds a barrier may take."""
EVERY_TABLE, EVERY_GROUP, EVERY_METER = 0xFF, 0xFFFF_FFFC, 0xFFFF_FFFF
WHOLE = 0xFFFF
"""Bytes of a packet to be sent to the controller: all of it."""
FRAGMENTS_NORMAL, FRAGMENTS_MATCH = 0, 3
"""How ports of IP fragments match: as 0 in all of them (Open vSwitch's default), or in later ones only
(Nicira's OFPC_FRAG_NX_MATCH; ovs-ofctl(8), "set-frags")."""


class OpenFlowClient:
    """``OpenFlowClient(directory / "leaf1.mgmt").hold(state)``: from then on the bridge holds just that."""

    def __init__(self, path: Path) -> None:
        self.name = path.name.removesuffix(".mgmt")
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(PATIENCE)
        self._socket.connect(str(path))
        self._framer = Framer()
        self._xids = count(1)
        self._heard: list[bytes] = []
        self._socket.sendall(encode(Hello()))
        self.fragments(FRAGMENTS_MATCH)

    def fragments(self, way: int) -> None:
        """How ports of IP fragments match: FRAGMENTS_NORMAL, or FRAGMENTS_MATCH, as the evaluator reads them."""
        self._socket.sendall(encode(SetConfig(way, WHOLE)))
        self._settled({})

    def close(self) -> None:
        self._socket.close()

    def hold(self, state: SwitchState) -> None:
        """Remove what the bridge holds, then add the state. Raises LabError naming an entry that it refuses."""
        sent: dict[int, str] = {}
        data = bytearray()
        for what, message in (*_CLEAR, *_entries(state)):
            xid = next(self._xids)
            sent[xid] = what
            data += message[:4] + xid.to_bytes(4, "big") + message[8:]
        self._socket.sendall(data)
        self._settled(sent)

    def heard(self) -> list[bytes]:
        """Packets that came for the controller since the last call, as bytes. Does not wait."""
        self._socket.setblocking(False)
        try:
            while True:
                self._take(self._received())
        except BlockingIOError:
            pass
        finally:
            self._socket.settimeout(PATIENCE)
        found, self._heard = self._heard, []
        return found

    def _settled(self, sent: dict[int, str]) -> None:
        """Wait until everything sent so far is done."""
        barrier = next(self._xids)
        self._socket.sendall(encode(BarrierRequest(), barrier))
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            for message, xid in self._take(self._received()):
                if isinstance(message, Error):
                    raise LabError(f"{self.name} refuses {sent.get(xid, 'a message')}: {message}")
                if isinstance(message, BarrierReply) and xid == barrier:
                    return
        raise LabError(f"{self.name} does not answer")

    def _received(self) -> bytes:
        data = self._socket.recv(1 << 16)
        if not data:
            raise LabError(f"{self.name} closed its connection")
        return data

    def _take(self, data: bytes) -> list[tuple[Message, int]]:
        """Messages that are whole by now; packets are kept, echoes answered."""
        found = [decode(frame) for frame in self._framer.feed(data)]
        for message, xid in found:
            if isinstance(message, PacketIn):
                self._heard.append(message.data)
            elif isinstance(message, EchoRequest):
                self._socket.sendall(encode(EchoReply(message.data), xid))
        return found


_CLEAR = (
    ("deleting rules", pack_rule(Rule(EVERY_TABLE, 0, ANY, DROP), FlowModCommand.DELETE)),
    ("deleting groups", encode(GroupMod(GroupModCommand.DELETE, GroupEntry(EVERY_GROUP, ALL, ())))),
    ("deleting meters", encode(MeterMod(MeterModCommand.DELETE, Meter(EVERY_METER, ())))),
)


def _entries(state: SwitchState) -> Iterator[tuple[str, bytes]]:
    """What a state is made of, each after what it names: groups that others chain to have smaller numbers."""
    for meter in state.meters:
        yield str(meter), encode(MeterMod(MeterModCommand.ADD, meter))
    for entry in state.groups:
        yield str(entry), encode(GroupMod(GroupModCommand.ADD, entry))
    for rule in state.rules:
        yield str(rule), pack_rule(rule)
