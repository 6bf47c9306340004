"""Digests of what switches hold: equal when the same entries are there, in whatever order or blocks they are kept.

A digest is the sum, modulo 2**256, of a 256-bit BLAKE2b of each entry as OpenFlow 1.3 bytes (the message that adds
it). So a block's is made once however many switches hold it, and anyone who can write OpenFlow can check it.
Must not know: revisions, why entries exist.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import blake2b
from itertools import chain

from fabric.openflow.codec import encode
from fabric.openflow.constants import GroupModCommand, MeterModCommand
from fabric.openflow.flow import pack_rule
from fabric.openflow.messages import GroupMod, MeterMod
from fabric.ruleset import Block, Ruleset, SwitchState

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
    """Digests of rulesets that share blocks: each block's is worked out once. Use one for all states of a plan."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[Block, int]] = {}

    def of(self, ruleset: Ruleset, switches: Iterable[str] | None = None) -> dict[str, str]:
        """The digest of each switch (default: all of the ruleset's)."""
        totals = dict.fromkeys(ruleset.switches if switches is None else switches, 0)
        for block, where in ruleset.placed():
            number = self._block(block)
            for name in where:
                if name in totals:
                    totals[name] += number
        return {name: f"{total % _MODULUS:064x}" for name, total in totals.items()}

    def _block(self, block: Block) -> int:
        known = self._known.get(id(block))
        if known is None:
            known = self._known[id(block)] = block, _sum(block)
        return known[1]
