"""What a flow does, as it is read word by word: instructions, in several parts where a table is called in between.

Lives here: putting actions together so that OpenFlow 1.3 can say them. Must not know: how words are spelt.
Source: ovs-actions(7): resubmit comes back to the actions that follow it; registers keep what a called table wrote.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from clos.controller.dump.registers import ExitInstructions, RegisterBits, WideInstructions
from clos.controller.dump.words import NotModelled
from clos.fabric.dataplane.action import Action, PopVlan, PushVlan
from clos.fabric.dataplane.rule import Instructions


class Clause(NamedTuple):
    """One dimension of a conjunctive match: the ``k``-th of ``n`` of ``conj_id`` (ovs-fields(7), Conjunctive Match)."""

    conj_id: int
    k: int
    n: int


class Todo(NamedTuple):
    """``parts``: the first, and what follows the call in which each but the last ends. ``called``: the last part leads
    to a table by a call. ``clauses``: the flow only takes part in a conjunctive match."""

    parts: tuple[Instructions, ...]
    called: bool = False
    clauses: tuple[Clause, ...] = ()


class Doing:
    """Instructions in the making. ``tagged``: whether packets have a tag by now, None where nobody knows. ``ended``:
    nothing follows here, ``halts``: nor anywhere; ``forked``: what follows is done to another copy."""

    def __init__(self, tagged: bool | None) -> None:
        self.tagged = tagged
        self.lost_tag = tagged is not None
        """Whether the match has said what it can of tags."""
        self.registers = RegisterBits()
        self.clauses: list[Clause] = []
        self.ended = self.forked = self.halts = False
        self._parts: list[Instructions] = []
        self._fresh()

    def _fresh(self) -> None:
        self.meter: int | None = None
        self.goto: int | None = None
        self.clear = False
        self._apply: list[Action] = []
        self.write: tuple[Action, ...] = ()
        self._wrote: RegisterBits | None = None
        self._called = False

    def act(self, *actions: Action) -> None:
        """These actions follow."""
        self.next()
        for action in actions:
            self._apply.append(action)
            if isinstance(action, PushVlan):
                self.tagged = True
            elif isinstance(action, PopVlan):
                self.lost_tag = True
                self.tagged = None if self.tagged else self.tagged

    def end(self, action: Action) -> None:
        """The packet goes no farther than this."""
        self.act(action)
        self.ended = True

    def wrote(self, found: RegisterBits) -> None:
        """Registers are written."""
        self.next()
        self._wrote = found if self._wrote is None else self._wrote.then(found)
        self.registers = self.registers.then(found)

    def call(self, table: int) -> None:
        """A table's rules are carried out, then what follows."""
        self.next()
        self.goto, self._called = table, True

    def next(self) -> None:
        """Something follows; what was called has come back."""
        if self._called:
            self._close()
            self.registers = RegisterBits()
            self.tagged, self.lost_tag = None, True

    def _close(self) -> None:
        written = None if self._wrote is None else (self._wrote.value, self._wrote.mask)
        make: Callable[..., Instructions] = WideInstructions if written and written[1] >> 64 else Instructions
        make = ExitInstructions if self.halts else make
        self._parts.append(make(self.meter, tuple(self._apply), self.clear, self.write, written, self.goto))
        self._fresh()

    @staticmethod
    def instead(action: Action) -> Todo:
        """This in place of everything."""
        return Todo((Instructions(apply=(action,)),))

    def done(self) -> Todo:
        called = self._called
        self._close()
        if len(self._parts) > 1 and any(part.write or part.clear for part in self._parts):
            raise NotModelled("write_actions or clear_actions beside a resubmit that comes back")
        return Todo(tuple(self._parts), called, tuple(self.clauses))
