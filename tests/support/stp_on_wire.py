"""Our spanning-tree machines as bridges on real interfaces, in real time; forwards nothing but BPDUs of their own.

    python -m tests.support.stp_on_wire

A line of JSON in: the bridges. Another line in: a line of JSON out with what each port has come to, and the end.
Lives here: raw sockets around ``fabric.protocols.pvst``, for tests in the lab.
"""

from __future__ import annotations

import json
import selectors
import socket
import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from clos.fabric.protocols.pvst.frame import decode_frame, encode_frame
from clos.fabric.protocols.pvst.packet import BadBpdu
from clos.fabric.protocols.pvst.port import PortConfig
from clos.fabric.protocols.pvst.switch import PvstSwitch, SendFrame, SwitchEffect, SwitchPort, VlanTurn
from tests.support.kernel_bridges import VLAN
from tests.support.stp_network import SHORT_TIMES

OUTGOING = 4
ETH_P_ALL = 3


class Bridge:
    """One of ours."""

    def __init__(self, order: dict[str, Any]) -> None:
        self.name, self.names = order["name"], [name for name, _, _ in order["ports"]]
        configs = [PortConfig(n, cost, priority) for n, (_, cost, priority) in enumerate(order["ports"], 1)]
        ports = [SwitchPort(one.number, {VLAN: one}, trunk=False, native=VLAN) for one in configs]
        self.switch = PvstSwitch(order["mac"], {VLAN: order["priority"]}, ports, times=SHORT_TIMES)
        self.sockets = {number: _socket(name) for number, name in enumerate(self.names, 1)}
        self.came: dict[str, tuple[str, str]] = {}

    def do(self, effects: Iterable[SwitchEffect]) -> None:
        for effect in effects:
            if isinstance(effect, SendFrame):
                with suppress(OSError):
                    self.sockets[effect.port].send(encode_frame(effect.frame))
            elif isinstance(effect, VlanTurn):
                self.came[self.names[effect.turn.port - 1]] = (effect.turn.role, effect.turn.state)

    def hear(self, number: int) -> None:
        data, address = self.sockets[number].recvfrom(2048)
        if address[2] != OUTGOING:
            with suppress(BadBpdu):
                self.do(self.switch.receive(number, decode_frame(data), time.monotonic()))


def _socket(name: str) -> socket.socket:
    found = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    found.bind((name, ETH_P_ALL))
    return found


def main() -> None:
    bridges = [Bridge(order) for order in json.loads(sys.stdin.readline())]
    selector = selectors.DefaultSelector()
    selector.register(sys.stdin, selectors.EVENT_READ, None)
    for bridge in bridges:
        for number, each in bridge.sockets.items():
            selector.register(each, selectors.EVENT_READ, (bridge, number))
            bridge.do(bridge.switch.link_up(number, time.monotonic()))
    while True:
        due = min((bridge.switch.due() for bridge in bridges), default=0.0)
        for key, _ in selector.select(min(1.0, max(0.0, due - time.monotonic()))):
            if key.data is None:
                print(json.dumps({bridge.name: bridge.came for bridge in bridges}), flush=True)
                return
            key.data[0].hear(key.data[1])
        for bridge in bridges:
            bridge.do(bridge.switch.tick(time.monotonic()))


if __name__ == "__main__":
    main()
