"""A switch's part of a batch as one bundle, so that no packet meets a part of it.

Lives here: what joins a bundle, and what happens where a switch has none. Must not know: batches, plans, os-ken.

Meters stay outside: Open vSwitch takes none in a bundle. They share no batch with rules, and one that no rule refers
to yet, or any more, does nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from itertools import count, groupby

from clos.controller.wire.encoding import EncodedPush, wrap
from clos.controller.wire.errors import Refused, Unexplained
from clos.controller.wire.session import Refusal, Session
from clos.fabric.openflow.constants import BundleFlag
from clos.fabric.openflow.errors import BadRequest, ErrorType, OnfFailed, error_text

LOG = logging.getLogger(__name__)

FLAGS = BundleFlag.ATOMIC | BundleFlag.ORDERED
_LACKING = {
    *((ErrorType.BAD_REQUEST, c) for c in (BadRequest.BAD_EXPERIMENTER, BadRequest.BAD_EXP_TYPE, BadRequest.BAD_TYPE)),
    *((ErrorType.EXPERIMENTER, c) for c in (OnfFailed.UNKNOWN, OnfFailed.BAD_TYPE, OnfFailed.BAD_FLAGS)),
    *((ErrorType.EXPERIMENTER, c) for c in (OnfFailed.OUT_OF_BUNDLES, OnfFailed.MSG_UNSUP, OnfFailed.MSG_TOO_MANY)),
}
"""Refusals that say nothing about an entry: the switch has no bundles, or none that could hold this one."""

BUNDLE_MESSAGES = 4096
"""The most in one bundle where a change need not be one: hardware commits so many within 82 s."""

_numbers = count(1)

NO_BUNDLES = "no-bundles: it takes changes message by message, so a packet may meet a part of a change"
"""The warning about a switch that knows none."""


class Bundled:
    """Cargos wrapped for one bundle, each once however many switches receive it."""

    def __init__(self) -> None:
        self._number = next(_numbers) & 0xFFFFFFFF  # its own, as one before may have been left open
        self._wrapped: dict[int, EncodedPush | None] = {}

    async def send(self, session: Session, cargos: list[EncodedPush], fresh: bool = False) -> tuple[int, list[Refusal]]:
        """How many messages the switch has processed, and those it refused; raises as ``Session.push``.

        A switch that refuses the bundle itself gets plain messages, now and as long as it stays connected. ``fresh``:
        it holds nothing, so bundles of a bounded size do. No packet meets a part of a first programming: a plan fills
        table 0 last (controller.plan.order), and until then every packet misses there.
        """
        if not session.bundles:
            return await session.push(cargos)
        sent = 0
        for joins, run in groupby(cargos, lambda cargo: self._wrap(cargo) is not None):
            for part in _cut(run) if fresh else [list(run)]:
                plain = not joins or sum(len(cargo.ends) for cargo in part) < 2  # one message is atomic by itself
                some, refusals = await (session.push(part) if plain else self._commit(session, part))
                sent += some
                if refusals:
                    return sent, refusals
        return sent, []

    async def _commit(self, session: Session, cargos: list[EncodedPush]) -> tuple[int, list[Refusal]]:
        try:
            sent, refusals = await session.commit(filter(None, map(self._wrap, cargos)), self._number, FLAGS)
            lacking = next(((one.type, one.code) for one in refusals if (one.type, one.code) in _LACKING), None)
        except Unexplained:
            raise
        except Refused as error:
            lacking = error.type, error.code
            if lacking not in _LACKING:
                raise
        if lacking is None:
            return sent, refusals
        session.bundles = False
        LOG.warning("%s: %s (it answered %s)", session.switch, NO_BUNDLES, error_text(*lacking))
        return await session.push(cargos)

    def _wrap(self, cargo: EncodedPush) -> EncodedPush | None:
        if id(cargo) not in self._wrapped:
            self._wrapped[id(cargo)] = wrap(cargo, self._number, FLAGS)
        return self._wrapped[id(cargo)]


def _cut(cargos: Iterable[EncodedPush]) -> Iterator[list[EncodedPush]]:
    """The cargos in parts of at most BUNDLE_MESSAGES, or of one cargo."""
    part: list[EncodedPush] = []
    for cargo in cargos:
        if part and sum(len(one.ends) for one in part) + len(cargo.ends) > BUNDLE_MESSAGES:
            yield part
            part = []
        part.append(cargo)
    if part:
        yield part
