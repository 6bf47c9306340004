"""Digests of what switches hold: equal when the same entries are there, in whatever order or blocks they are kept.

A digest is the sum, modulo 2**256, of a 256-bit BLAKE2b of each entry as OpenFlow 1.3 bytes (the message that adds
it). So a block's is made once however many switches hold it, and anyone who can write OpenFlow can check it.
Must not know: revisions, why entries exist.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from hashlib import blake2b
from itertools import chain

from fabric.openflow.codec import encode
from fabric.openflow.constants import GroupModCommand, MeterModCommand
from fabric.openflow.flow import pack_rule
from fabric.openflow.messages import GroupMod, MeterMod
from fabric.ruleset import Block, Part, Ruleset, SwitchState

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
    """Digests of rulesets that share parts and blocks: what they share is worked out once."""

    def __init__(self) -> None:
        self._blocks: dict[int, tuple[Block, int]] = {}
        self._parts: dict[int, tuple[Part, dict[tuple[str, ...], int]]] = {}

    def of(self, ruleset: Ruleset) -> dict[str, str]:
        """The digest of each switch."""
        shared: Counter[tuple[str, ...]] = Counter()
        for part in ruleset.parts.values():
            shared.update(self._part(part))
        totals = dict.fromkeys(ruleset.switches, 0)
        for switches, number in shared.items():
            for name in switches:
                totals[name] += number
        return {name: f"{total % _MODULUS:064x}" for name, total in totals.items()}

    def keep(self, ruleset: Ruleset) -> None:
        """Forget everything that is not in this ruleset."""
        self.of(ruleset)
        parts = {id(part) for part in ruleset.parts.values()}
        blocks = {id(block) for block, _ in ruleset.placed()}
        self._parts = {key: row for key, row in self._parts.items() if key in parts}
        self._blocks = {key: row for key, row in self._blocks.items() if key in blocks}

    def _part(self, part: Part) -> dict[tuple[str, ...], int]:
        """The sums of its blocks' numbers by the switches that hold them."""
        known = self._parts.get(id(part))
        if known is None:
            sums: Counter[tuple[str, ...]] = Counter()
            for block, switches in part.values():
                sums[switches] += self._block(block)
            known = self._parts[id(part)] = part, dict(sums)
        return known[1]

    def _block(self, block: Block) -> int:
        known = self._blocks.get(id(block))
        if known is None:
            known = self._blocks[id(block)] = block, _sum(block)
        return known[1]
