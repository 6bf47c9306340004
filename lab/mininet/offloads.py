"""Network cards' services (checksums, segmentation, VLAN tags) switched off, as by ``ethtool -K``, at many interfaces.

Lives here: the ioctl; a process for each interface would take seconds.
Must not know: which interfaces those are.
"""

from __future__ import annotations

import array
import fcntl
import socket
import struct
from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path

from clos.lab.mininet.namespaces import inside

SIOCETHTOOL = 0x8946
SWITCHES = {"tx": 0x17, "rx": 0x15, "sg": 0x19, "tso": 0x1F, "gso": 0x24, "gro": 0x2C}
"""ETHTOOL_STXCSUM and so on (linux/ethtool.h): commands that take 0 or 1."""
GET_FLAGS, SET_FLAGS = 0x25, 0x26
TAGS = 1 << 7 | 1 << 8
"""ETH_FLAG_TXVLAN, ETH_FLAG_RXVLAN."""


def switch_off(interfaces: Mapping[Path, Iterable[str]]) -> None:
    """All these services, by the file of the interfaces' network namespace; what a card does not have is no error."""
    for namespace, names in interfaces.items():
        inside(namespace, partial(_all_off, tuple(names)))


def _all_off(names: Iterable[str]) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        for name in names:
            _off(any_socket, name)


def _off(any_socket: socket.socket, name: str) -> None:
    for command in SWITCHES.values():
        with suppress(OSError):
            _call(any_socket, name, command, 0)
    with suppress(OSError):
        _call(any_socket, name, SET_FLAGS, _call(any_socket, name, GET_FLAGS, 0) & ~TAGS)


def _call(any_socket: socket.socket, name: str, command: int, value: int) -> int:
    """``struct ethtool_value`` there and back."""
    data = array.array("I", (command, value))
    fcntl.ioctl(any_socket, SIOCETHTOOL, struct.pack("16sP", name.encode(), data.buffer_info()[0]))
    return data[1]
