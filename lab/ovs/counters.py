"""Open vSwitch's counters, by OpenFlow: how many packets each rule and each bucket of a bridge has met.

Lives here: a short session with a bridge's own management socket (``BRIDGE.mgmt``, ovs-vswitchd(8)).
Must not know: why anybody counts.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeVar

from clos.controller.probe.coverage import Bucket
from clos.controller.probe.simulated import Counted
from clos.fabric.openflow import decode, encode
from clos.fabric.openflow.frame import Framer
from clos.fabric.openflow.messages import Hello
from clos.fabric.openflow.multipart import (
    FlowStats,
    FlowStatsReply,
    FlowStatsRequest,
    GroupStatsReply,
    GroupStatsRequest,
    Multipart,
)
from clos.lab.ovs.appctl import PATIENCE, AppCtl
from clos.lab.ovs.processes import LabError

T = TypeVar("T", bound=Multipart)


def counted(directory: Path, bridges: Iterable[str]) -> dict[str, Counted]:
    """What these bridges have counted until now. ``directory``: Open vSwitch's run directory. Raises LabError.

    The datapath keeps counts to itself for a while; it is made to report them first.
    """
    with AppCtl(directory / "switch.ctl") as control:
        control.call("revalidator/purge")
    return {bridge: _of(directory / f"{bridge}.mgmt") for bridge in bridges}


def since(after: dict[str, Counted], before: dict[str, Counted]) -> dict[str, Counted]:
    """What was counted between two readings."""
    return {
        name: Counted(
            {key: number - before[name].rules.get(key, 0) for key, number in now.rules.items()},
            {bucket: number - before[name].buckets.get(bucket, 0) for bucket, number in now.buckets.items()},
        )
        for name, now in after.items()
    }


def _of(path: Path) -> Counted:
    flows = [entry for reply in _ask(path, FlowStatsRequest(), FlowStatsReply) for entry in reply.entries]
    groups = [entry for reply in _ask(path, GroupStatsRequest(), GroupStatsReply) for entry in reply.entries]
    return Counted(
        {entry.rule.key: entry.packet_count for entry in flows if isinstance(entry, FlowStats)},
        {Bucket(g.group, i): counter.packets for g in groups for i, counter in enumerate(g.buckets)},
    )


def _ask(path: Path, request: Multipart, kind: type[T]) -> Iterator[T]:
    """All pages of the answer to one request."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(PATIENCE)
        try:
            connection.connect(str(path))
            connection.sendall(encode(Hello(), 0) + encode(request, 1))
            yield from _pages(connection, kind)
        except OSError as error:
            raise LabError(f"{path.name}: no answer from the switch: {error}") from None


def _pages(connection: socket.socket, kind: type[T]) -> Iterator[T]:
    framer = Framer()
    while True:
        data = connection.recv(1 << 16)
        if not data:
            raise OSError("connection closed")
        for frame in framer.feed(data):
            message, xid = decode(frame)
            if xid == 1 and isinstance(message, kind):
                yield message
                if not message.more:
                    return
