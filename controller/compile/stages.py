"""The leaf pipeline as a table of stages: what each flow table may match, do and go to.

Table numbers are fixed for ever: a new feature gets a new stage, it never renumbers one. A rule outside
its stage's row cannot be built. Spines have the one stage SPINE, also table 0.

Lives here: the rows and the metadata layout. Must not know: intents, topologies.
"""

from __future__ import annotations

from typing import NamedTuple

from clos.fabric.dataplane.action import (
    Action,
    DecNwTtl,
    Group,
    Move,
    Output,
    PopVlan,
    PushVlan,
    SetField,
)
from clos.fabric.dataplane.match import Match
from clos.fabric.dataplane.rule import Instructions, Rule


class CompileError(Exception):
    """A fault of the compiler or a limit of the pipeline: never the engineer's intent. The text names the rule."""


class Bits(NamedTuple):
    """A field of the 64-bit metadata register; ``limit`` values fit, and 0 means "none"."""

    shift: int
    mask: int
    limit: int

    def term(self, value: int) -> tuple[str, int, int]:
        return "metadata", value << self.shift, self.mask

    def write(self, value: int) -> tuple[int, int]:
        """As a Write-Metadata instruction takes it."""
        return value << self.shift, self.mask


def _bits(shift: int, width: int) -> Bits:
    return Bits(shift, (1 << width) - 1 << shift, 1 << width)


TARGET = _bits(0, 16)  # class of the destination endpoint, written by bridge and route
SOURCE = _bits(16, 16)  # class of the source endpoint, written by admit
SEGMENT = _bits(32, 18)  # the network the frame came from, written by port
VRF = _bits(50, 13)  # its tenant, written by port
PAIR = _bits(63, 1)  # the frame was sent to the pair's anycast tag, written by port


class Stage(NamedTuple):
    """One row: ``writes`` is the mask of metadata bits the stage may write, ``goto`` the tables it may name."""

    table: int
    name: str
    matches: frozenset[str]
    apply: frozenset[type]
    write: frozenset[type]
    writes: int = 0
    goto: frozenset[int] = frozenset()
    meters: bool = False

    def rule(self, priority: int, match: Match, instructions: Instructions, cookie: int) -> Rule:
        """A rule of this stage. Raises CompileError when it leaves the stage's row."""
        meter, apply, _, write, metadata, goto = instructions
        shape = (
            self.table,
            *[term[0] for term in match],
            *map(type, apply),
            None,
            *map(type, write),
            metadata and metadata[1],
            goto,
            meter is None,
        )
        if shape not in _seen:
            self._check(match, instructions)
            _seen.add(shape)
        return Rule(self.table, priority, match, instructions, cookie)

    def _check(self, match: Match, instructions: Instructions) -> None:
        """Raise unless every part of the rule is in the row; sound rules' shapes are remembered by ``rule``."""
        metadata = instructions.metadata
        wrong = (
            [f"matches {term[0]}" for term in match if term[0] not in self.matches]
            + [f"applies {type(a).__name__}" for a in instructions.apply if type(a) not in self.apply]
            + [f"writes {type(a).__name__}" for a in instructions.write if type(a) not in self.write]
            + ([f"writes metadata {metadata[1]:#x}"] if metadata and metadata[1] & ~self.writes else [])
            + ([f"goes to table {instructions.goto}"] if instructions.goto not in (None, *self.goto) else [])
            + (["uses a meter"] if instructions.meter is not None and not self.meters else [])
        )
        if wrong:
            raise CompileError(f"stage {self.table} {self.name}: {match} -> {instructions} {', '.join(wrong)}")
        Match.checked(match)


_seen: set[tuple[object, ...]] = set()


def _stage(
    table: int,
    name: str,
    matches: str,
    apply: tuple[type[Action], ...] = (),
    write: tuple[type[Action], ...] = (),
    writes: int = 0,
    goto: tuple[int, ...] = (),
    meters: bool = False,
) -> Stage:
    fields, on_apply, on_write = frozenset(matches.split()), frozenset(apply), frozenset(write)
    return Stage(table, name, fields, on_apply, on_write, writes, frozenset(goto), meters)


_FORWARD = (PushVlan, SetField, Output, Group)

PORT = _stage(0, "port", "in_port vlan_vid eth_dst", (PopVlan,), (PushVlan, SetField, Group, Output),
              SEGMENT.mask | VRF.mask | PAIR.mask, (1, 7), meters=True)  # fmt: skip
ADMIT = _stage(1, "admit",
               "in_port metadata eth_dst eth_src eth_type vlan_vid ip_proto ipv4_src ipv4_dst udp_dst icmpv4_type "
               "arp_op arp_spa arp_tpa arp_sha",
               (), (Output,), SOURCE.mask, (2, 3), meters=True)  # fmt: skip
ARP = _stage(2, "arp", "in_port metadata eth_type arp_op arp_tpa", (Move, SetField), (Output,))
BRIDGE = _stage(
    3, "bridge", "in_port metadata eth_dst eth_type ipv4_dst", (PushVlan, SetField), _FORWARD, TARGET.mask, (4, 5, 6)
)
ROUTE = _stage(4, "route", "in_port metadata eth_type ipv4_dst ip_proto icmpv4_type",
               (DecNwTtl, SetField, PushVlan, Move), _FORWARD, TARGET.mask, (5,))  # fmt: skip
POLICY = _stage(5, "policy", "metadata eth_type vlan_vid ip_proto tcp_src tcp_dst udp_src udp_dst sctp_src sctp_dst",
                (PushVlan, PopVlan, SetField), _FORWARD, goto=(6,), meters=True)  # fmt: skip
METER = _stage(6, "meter", "metadata", meters=True)
DELIVER = _stage(7, "deliver", "metadata eth_dst vlan_vid", (), (PopVlan, *_FORWARD))

STAGES = (PORT, ADMIT, ARP, BRIDGE, ROUTE, POLICY, METER, DELIVER)
SPINE = _stage(0, "spine", "vlan_vid eth_dst", (), (Output, Group), meters=True)

EXECUTE = Instructions()
"""No instruction at all: the pipeline ends and the action set is executed."""
REFUSE = Instructions(clear=True)
"""The packet ends here, and so does what earlier stages meant to do with it."""
