"""Digests of what switches hold: equal when the same entries are there, in whatever order or blocks they are kept.

A digest is the sum, modulo 2**256, of a 256-bit BLAKE2b of each entry as OpenFlow 1.3 bytes (the message that adds
it). So a block's is made once however many switches hold it, and anyone who can write OpenFlow can check it.
Must not know: revisions, why entries exist.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from hashlib import blake2b
from itertools import chain

from clos.fabric.dataplane.ruleset import Block, Placed, Ruleset, SwitchState
from clos.fabric.openflow.codec import encode
from clos.fabric.openflow.constants import GroupModCommand, MeterModCommand
from clos.fabric.openflow.flow import pack_rule
from clos.fabric.openflow.messages import GroupMod, MeterMod

_MODULUS = 1 << 256


def _number(data: bytes) -> int:
    return int.from_bytes(blake2b(data, digest_size=32).digest())


def _sum(entries: Block | SwitchState) -> int:
    packed = chain(
        map(pack_rule, entries.rules),
        (encode(GroupMod(GroupModCommand.ADD, group)) for group in entries.groups),
        (encode(MeterMod(MeterModCommand.ADD, meter)) for meter in entries.meters),
    )
    return sum(map(_number, packed)) % _MODULUS


def state_digest(state: SwitchState) -> str:
    """The digest of one switch's entries, as 64 hexadecimal digits."""
    return f"{_sum(state):064x}"


def fabric_digest(digests: Mapping[str, str]) -> str:
    """One digest for the digests of all switches by name."""
    lines = "".join(f"{name} {digests[name]}\n" for name in sorted(digests))
    return blake2b(lines.encode(), digest_size=32).hexdigest()


class Digests:
    """Digests of rulesets that share parts and blocks: only what differs from the ruleset kept is worked out."""

    def __init__(self) -> None:
        self._kept, self._totals = Ruleset((), {}), dict[str, int]()
        self._blocks: dict[int, tuple[Block, int]] = {}
        self._others: dict[int, tuple[Block, int]] = {}

    def of(self, ruleset: Ruleset) -> dict[str, str]:
        """The digest of each switch."""
        totals = self._sums(ruleset)
        return {name: f"{totals.get(name, 0) % _MODULUS:064x}" for name in ruleset.switches}

    def keep(self, ruleset: Ruleset) -> None:
        """Those asked for next are like this ruleset; forget everything that is not in it."""
        self._totals = self._sums(ruleset)
        stay = {id(block): (block, self._number(block)) for block, _ in _only(ruleset, self._kept)}
        for block, _ in _only(self._kept, ruleset):
            self._blocks.pop(id(block), None)
        self._blocks |= stay
        self._others.clear()
        self._kept = ruleset

    def _sums(self, ruleset: Ruleset) -> dict[str, int]:
        """The sum on each switch, and perhaps of switches that are not in the ruleset."""
        totals = dict(self._totals)
        for sign, placed in ((-1, _only(self._kept, ruleset)), (1, _only(ruleset, self._kept))):
            for block, switches in placed:
                number = sign * self._number(block)
                for name in switches:
                    totals[name] = totals.get(name, 0) + number
        return totals

    def _number(self, block: Block) -> int:
        known = self._blocks.get(id(block)) or self._others.get(id(block))
        if known is None:
            known = self._others[id(block)] = block, _sum(block)
        return known[1]


def _only(one: Ruleset, other: Ruleset) -> Iterator[Placed]:
    """What is placed in one ruleset and, as the same object, not in the other."""
    for name, part in one.parts.items():
        there = other.parts.get(name, {})
        if there is not part:
            yield from (placed for key, placed in part.items() if there.get(key) is not placed)
