"""What switches say unasked, as values. Switches go by their names in the topology."""

from __future__ import annotations

from typing import NamedTuple


class Joined(NamedTuple):
    """A switch of the topology is connected and ready. What it holds is unknown until it is read back."""

    switch: str
    dpid: int


class Left(NamedTuple):
    """Its connection ended."""

    switch: str
    dpid: int


class Stranger(NamedTuple):
    """A switch that is in no topology connected; it is left alone."""

    dpid: int
    address: str


class Duplicate(NamedTuple):
    """Another connected as the same switch and was refused; the one that is there goes on. Both by address."""

    switch: str
    dpid: int
    kept: str
    refused: str


class Uncertified(NamedTuple):
    """One connected as the switch (empty: of no topology) and was refused: its certificate is not that switch's."""

    switch: str
    dpid: int
    address: str
    text: str


class Misbehaved(NamedTuple):
    """The switch did not keep to the protocol and was dropped; it is not let in for so many ``seconds``."""

    switch: str
    text: str
    seconds: float


class PortChanged(NamedTuple):
    """A port was added, changed or removed; ``up``: it is there, its link is up and it is not switched off."""

    switch: str
    port: int
    name: str
    up: bool


class PacketIn(NamedTuple):
    """A packet was sent to the controller. ``reason``: OFPR_* (OpenFlow 1.3.5 §7.4.1)."""

    switch: str
    in_port: int
    table: int
    cookie: int
    reason: int
    data: bytes


class Complaint(NamedTuple):
    """An OpenFlow error about nothing that a plan sent."""

    switch: str
    type: int
    code: int
    data: bytes


class Warned(NamedTuple):
    """Something about the switch that people should know: ``text`` begins with a name for it and a colon."""

    switch: str
    text: str


class Outranked(NamedTuple):
    """The switch has heard of a leader with a later generation than ours: we are not its master."""

    switch: str
    ours: int
    known: int


Event = (
    Joined
    | Left
    | Stranger
    | Duplicate
    | Uncertified
    | Misbehaved
    | PortChanged
    | PacketIn
    | Complaint
    | Warned
    | Outranked
)
