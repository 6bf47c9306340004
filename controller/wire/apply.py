"""Carrying out a plan over sessions: batch by batch, every switch of a batch at once, each batch confirmed by all.

Lives here: what waits for what, and when to stop. Must not know: os-ken, bytes, how a plan was made.

A switch takes its part of a batch as one bundle (controller.wire.bundles): between two packets, all of it or nothing.

A batch that any switch refuses or does not confirm is the last one sent. The outcome says how far the plan came, and
``controller.plan.invert(installed, plan, outcome.begun)`` is the way back, to be carried out with ``rescue=True``.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from clos.controller.plan import ADD, MODIFY, Entry, Plan, draining
from clos.controller.wire.bundles import Bundled
from clos.controller.wire.encoding import EncodedPush, encode_push, pack
from clos.controller.wire.errors import Lost, Refused, SwitchError
from clos.controller.wire.session import Refusal, Session
from clos.fabric.openflow.errors import ErrorType, GroupModFailed, MeterModFailed

DRAIN = 0.02
"""Seconds between the last switch's change of course and the removal of where the old course led.

What was sent the old way is still under way, and a switch's barrier does not speak for its cache: Open vSwitch goes
on by a decision it remembers until it has looked at it again, which takes some milliseconds.
"""


class Progress(NamedTuple):
    """One more switch has confirmed its part of a batch: ``confirmed`` of ``switches`` have, in batch ``batch``."""

    batch: str
    number: int
    batches: int
    confirmed: int
    switches: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """How far a plan came.

    ``done``: names of the batches every switch confirmed; ``begun``: how many batches were sent at least in part;
    ``errors``: at most one per switch, sorted by switch; ``entries``: messages processed by the switches.
    ``unbundled``: switches that turned out to know no bundles and were sent plain messages, sorted.
    ``confirmed``: switches that have done all that was sent to them.
    """

    done: tuple[str, ...] = ()
    begun: int = 0
    errors: tuple[SwitchError, ...] = ()
    entries: int = 0
    seconds: float = 0.0
    unbundled: tuple[str, ...] = ()
    confirmed: frozenset[str] = frozenset()

    @property
    def ok(self) -> bool:
        return not self.errors

    def __str__(self) -> str:
        if self.ok:
            return f"{self.entries} entries confirmed in {self.seconds:.2f} s"
        return f"stopped in batch {self.begun}: {'; '.join(map(str, self.errors))}"


class EncodedBatch(NamedTuple):
    """A batch packed: what each switch receives. Switches share the cargo of a push they have in common.

    ``drain``: frames may be under way to what it removes, and are to arrive first.
    """

    name: str
    cargos: dict[str, list[EncodedPush]]
    drain: bool = False


def encode_plan(plan: Plan, only: Iterable[str] | None = None) -> list[EncodedBatch]:
    """Pack a plan; with ``only``, what it holds for those switches. Pure, and for any thread."""
    chosen = None if only is None else frozenset(only)
    shipments = []
    for batch in plan.batches:
        cargos: dict[str, list[EncodedPush]] = {}
        for push in batch.pushes:
            switches = push.switches if chosen is None else [name for name in push.switches if name in chosen]
            if switches:
                cargo = encode_push(push)
                for name in switches:
                    cargos.setdefault(name, []).append(cargo)
        shipments.append(EncodedBatch(batch.name, cargos, batch.name in draining(plan)))
    return shipments


async def apply(
    sessions: Mapping[str, Session],
    shipments: list[EncodedBatch],
    progress: Callable[[Progress], object] | None = None,
    rescue: bool = False,
    bundle: bool = True,
    fresh: Collection[str] = (),
) -> Outcome:
    """Send the shipments. ``progress`` is called on the loop's thread and must not block.

    ``bundle``: each switch takes its part of a batch all at once or not at all; one that knows no bundles takes it
    message by message, and the outcome names it. Switches that are ``fresh`` hold nothing yet: several bundles do.
    A switch that has no session fails the plan before anything is sent. ``rescue``: switches that cannot follow are
    left out and the others go on; groups and meters are added or modified as needed, so that a plan brings a switch to
    its end whatever part of it the switch has seen.
    """
    begun, bundling = time.monotonic(), [session for session in sessions.values() if session.bundles]
    errors = _not_connected(sessions, shipments)
    if errors and not rescue:
        return Outcome(errors=tuple(errors.values()))
    done: list[str] = []
    entries = number = 0
    for number, shipment in enumerate(shipments, 1):
        if shipment.drain and done:
            await asyncio.sleep(DRAIN)
        shares = {switch: share for switch, share in shipment.cargos.items() if switch not in errors}
        counted = _Confirmations(Progress(shipment.name, number, len(shipments), 0, len(shipment.cargos)), progress)
        bundled = Bundled() if bundle else None
        parts = [_part(sessions[s], share, counted, rescue, bundled, s in fresh) for s, share in shares.items()]
        results = await asyncio.gather(*parts)
        entries += sum(sent for sent, _ in results)
        errors.update({error.switch: error for _, error in results if error is not None})
        if not errors:
            done.append(shipment.name)
        elif not rescue:
            break
    failed = tuple(errors[switch] for switch in sorted(errors))
    plain = tuple(sorted(session.switch for session in bundling if not session.bundles))
    confirmed = frozenset(_switches(shipments[:number]) - errors.keys())
    return Outcome(tuple(done), number, failed, entries, time.monotonic() - begun, plain, confirmed)


def _not_connected(sessions: Mapping[str, Session], shipments: list[EncodedBatch]) -> dict[str, SwitchError]:
    """An error for every switch that has no session."""
    return {name: Lost(name, "not connected") for name in sorted(_switches(shipments)) if name not in sessions}


def _switches(shipments: list[EncodedBatch]) -> set[str]:
    return {name for shipment in shipments for name in shipment.cargos}


class _Confirmations:
    """Counts the confirmations of one batch and reports each."""

    def __init__(self, progress: Progress, call: Callable[[Progress], object] | None) -> None:
        self._progress, self._call = progress, call

    def add(self) -> None:
        self._progress = self._progress._replace(confirmed=self._progress.confirmed + 1)
        if self._call is not None:
            self._call(self._progress)


async def _part(
    session: Session,
    cargos: list[EncodedPush],
    confirmations: _Confirmations,
    rescue: bool,
    bundled: Bundled | None,
    fresh: bool,
) -> tuple[int, SwitchError | None]:
    """One switch's part of a batch: the messages it processed, and what went wrong."""
    try:
        sent, refusals = await (session.push(cargos) if bundled is None else bundled.send(session, cargos, fresh))
        if refusals and rescue:
            sent, refusals = await session.push(cargos, to_the_end=True)
            refusals = await _retry_as_modify_or_add(session, refusals)
    except SwitchError as error:
        return 0, error
    if refusals:
        return sent, Refused(session.switch, refusals[0].type, refusals[0].code, refusals[0].entry)
    confirmations.add()
    return sent, None


_INSTEAD: dict[tuple[int, int], str] = {
    (ErrorType.GROUP_MOD_FAILED, GroupModFailed.GROUP_EXISTS): MODIFY,
    (ErrorType.GROUP_MOD_FAILED, GroupModFailed.UNKNOWN_GROUP): ADD,
    (ErrorType.METER_MOD_FAILED, MeterModFailed.METER_EXISTS): MODIFY,
    (ErrorType.METER_MOD_FAILED, MeterModFailed.UNKNOWN_METER): ADD,
}
"""What to do instead of what a switch refused, where the entry only was, or was not, there already."""


async def _retry_as_modify_or_add(session: Session, refusals: list[Refusal]) -> list[Refusal]:
    """Do the other thing where _INSTEAD has one, in order; gives the refusals that stand."""
    stand = [refusal for refusal in refusals if (refusal.type, refusal.code) not in _INSTEAD]
    other: list[tuple[str, Entry]] = [
        (_INSTEAD[refusal.type, refusal.code], refusal.entry) for refusal in refusals if refusal not in stand
    ]
    if other:
        _, again = await session.push([pack(other)], to_the_end=True)
        stand += again
    return stand
