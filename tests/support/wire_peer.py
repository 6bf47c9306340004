"""A real TCP peer for the controller's tests: small OpenFlow 1.3 switches that hold what they are told and say so.

Knows fabric.openflow only, not the code under test, and no OpenFlow semantics beyond "keep it, delete it, report it".
"""

from __future__ import annotations

import asyncio
import socket
import threading
from typing import ClassVar

from clos.fabric.dataplane.ruleset import Block, state_of
from clos.fabric.openflow import DecodeError, Framer, decode, encode, encode_pages
from clos.fabric.openflow import messages as m
from clos.fabric.openflow import multipart as mp
from clos.fabric.openflow.constants import (
    ONF,
    BundleControlType,
    FlowModCommand,
    GroupModCommand,
    MeterModCommand,
)
from clos.fabric.openflow.errors import ErrorType, GroupModFailed, MeterModFailed, OnfFailed

HELLO = encode(m.Hello())


class Peer(asyncio.Protocol):
    """One switch. ``refuse(message) -> (type, code) | None`` makes it refuse; ``deaf`` stops it from reading."""

    def __init__(self, dpid, ports=4):
        self.dpid = dpid
        self.ports = tuple(m.Port(n, mac=n, name=f"p{n}", state=4) for n in range(1, ports + 1))
        self.rules, self.groups, self.meters = {}, {}, {}
        self.mods = 0
        self.heard = []
        self.bundle = []
        self.commits = 0
        self.refuse = lambda message: None
        self.silent_on = self.foreign = ()
        self.transport = None
        self.closed = threading.Event()

    def connection_made(self, transport):
        self.transport, self.framer = transport, Framer()
        self.closed.clear()
        self.transport.write(HELLO)

    def connection_lost(self, exc):
        self.closed.set()

    def data_received(self, data):
        out = []
        for frame in self.framer.feed(data):
            try:
                message, xid = decode(frame)
            except DecodeError as error:
                self.heard.append(error)
                continue
            self.answer(message, xid, frame, out)
        if out and not self.transport.is_closing():
            self.transport.write(b"".join(out))

    def answer(self, message, xid, frame, out):
        kind = type(message)
        if kind in self.silent_on:
            return
        if kind in self._MODS:
            error = self.change(message)
            if error:
                out.append(encode(m.Error(*error, data=frame[:64]), xid))
        elif kind is m.BundleAdd:
            self.bundle.append((message.message, xid, frame))
        elif kind is m.BundleControl:
            out.append(encode(self.control(message, out, xid), xid))
        elif kind in self._ANSWERS:
            reply = self._ANSWERS[kind](self, message)
            out.extend(encode_pages(reply, xid) if isinstance(reply, mp.Multipart) else [encode(reply, xid)])
        else:
            self.heard.append(message)

    def change(self, message):
        """Do what a mod says, by itself or in a bundle; the error it is refused with, if it is."""
        self.mods += 1
        return self.refuse(message) or self._MODS[type(message)](self, message)

    def control(self, asked, out, xid):
        """A bundle's messages are carried out at its commit; after a refusal everything is as before."""
        bundle, self.bundle = self.bundle, [] if asked.type != BundleControlType.CLOSE_REQUEST else self.bundle
        if asked.type == BundleControlType.COMMIT_REQUEST:
            before = dict(self.rules), dict(self.groups), dict(self.meters)
            for message, inner, _ in bundle:
                error = self.change(message)
                if error:
                    self.rules, self.groups, self.meters = before
                    out.append(encode(m.Error(*error, data=encode(message, inner)[:64]), inner))
                    return m.Error(ErrorType.EXPERIMENTER, OnfFailed.FAILED, b"", ONF)
            self.commits += 1
        return m.BundleControl(asked.bundle, BundleControlType(asked.type + 1), asked.flags)

    def flow_mod(self, message):
        if message.command == FlowModCommand.DELETE_STRICT:
            self.rules.pop(message.rule.key, None)
        elif message.command == FlowModCommand.ADD:
            self.rules[message.rule.key] = message.rule
        else:
            self.heard.append(message)

    def group_mod(self, message):
        group, known = message.entry.group, message.entry.group in self.groups
        if message.command == GroupModCommand.DELETE:
            self.groups.pop(group, None)
        elif known and message.command == GroupModCommand.ADD:
            return ErrorType.GROUP_MOD_FAILED, GroupModFailed.GROUP_EXISTS
        elif not known and message.command == GroupModCommand.MODIFY:
            return ErrorType.GROUP_MOD_FAILED, GroupModFailed.UNKNOWN_GROUP
        else:
            self.groups[group] = message.entry
        return None

    def meter_mod(self, message):
        meter, known = message.meter.meter, message.meter.meter in self.meters
        if message.command == MeterModCommand.DELETE:
            self.meters.pop(meter, None)
        elif known and message.command == MeterModCommand.ADD:
            return ErrorType.METER_MOD_FAILED, MeterModFailed.METER_EXISTS
        elif not known and message.command == MeterModCommand.MODIFY:
            return ErrorType.METER_MOD_FAILED, MeterModFailed.UNKNOWN_METER
        else:
            self.meters[meter] = message.meter
        return None

    def flow_stats(self, request):
        chosen = (r for r in self.rules.values() if (r.cookie ^ request.cookie) & request.cookie_mask == 0)
        return mp.FlowStatsReply((*self.foreign, *map(mp.FlowStats, chosen)))

    _MODS: ClassVar = {m.FlowMod: flow_mod, m.GroupMod: group_mod, m.MeterMod: meter_mod}
    _ANSWERS: ClassVar = {
        m.EchoRequest: lambda self, request: m.EchoReply(request.data),
        m.FeaturesRequest: lambda self, _: m.FeaturesReply(self.dpid, tables=8),
        m.BarrierRequest: lambda self, _: m.BarrierReply(),
        m.RoleRequest: lambda self, request: m.RoleReply(request.role, request.generation),
        mp.PortDescRequest: lambda self, _: mp.PortDescReply(self.ports),
        mp.DescRequest: lambda self, _: mp.DescReply("Clos", "test peer", "1", str(self.dpid)),
        mp.TableFeaturesRequest: lambda self, _: mp.TableFeaturesReply(
            tuple(mp.TableFeatures(n, max_entries=1000 + n) for n in range(8))
        ),
        mp.FlowStatsRequest: flow_stats,
        mp.GroupDescRequest: lambda self, _: mp.GroupDescReply(tuple(self.groups.values())),
        mp.MeterConfigRequest: lambda self, _: mp.MeterConfigReply(tuple(map(mp.MeterConfig, self.meters.values()))),
    }

    @property
    def state(self):
        return state_of([Block(self.rules.values(), self.groups.values(), self.meters.values())])


class Fleet:
    """Peers on one event loop in a thread of their own, connected to ``address``."""

    def __init__(self, address, dpids=(), peer=Peer, **options):
        self.address = address
        self.peers = {dpid: peer(dpid, **options) for dpid in dpids}
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)

    def __enter__(self):
        self.thread.start()
        for dpid in self.peers:
            self.connect(dpid)
        return self

    def __exit__(self, *_):
        self.call(self._end)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(5)
        self.loop.close()

    def _end(self):
        for peer in self.peers.values():
            if peer.transport:
                peer.transport.abort()

    def __getitem__(self, dpid):
        return self.peers[dpid]

    def connect(self, dpid, **options):
        peer = self.peers.setdefault(dpid, Peer(dpid)) if dpid not in self.peers else self.peers[dpid]
        work = self.loop.create_connection(lambda: peer, *self.address, **options)
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(10)

    def call(self, function, *args):
        """Have the fleet's thread call it, and wait."""

        async def run():
            return function(*args)

        return asyncio.run_coroutine_threadsafe(run(), self.loop).result(10)

    def send(self, dpid, message, xid=0):
        self.call(self.peers[dpid].transport.write, encode(message, xid))

    def drop(self, dpid):
        self.call(self.peers[dpid].transport.abort)


STRANGER = 0x77


def shake_hands(address, dpid=STRANGER):
    """A blocking socket that is through the handshake, and through the trial of a switch unless it is a stranger."""
    sock = socket.create_connection(address, 5)
    sock.sendall(HELLO)
    framer, done = Framer(), False
    while not done:
        for frame in framer.feed(sock.recv(65536)):
            message, xid = decode(frame)
            if isinstance(message, m.FeaturesRequest):
                sock.sendall(encode(m.FeaturesReply(dpid), xid))
            if isinstance(message, mp.PortDescRequest):
                sock.sendall(encode(mp.PortDescReply(()), xid))
                done = dpid == STRANGER
            if isinstance(message, m.BarrierRequest):
                sock.sendall(encode(m.BarrierReply(), xid))
                done = True
    return sock
