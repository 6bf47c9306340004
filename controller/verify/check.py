"""Whether a crowd's packets end as they should: all of them, or those that something concerns.

Lives here: the way through tables, rule by rule, asking of each only what is not known yet. Must not know: who stands
in a crowd, how a switch is told of changes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from controller.verify.crowd import Crowd, Crowds, Done, Job, Pair, Rules, Stand
from controller.verify.expect import Choice, Want
from controller.verify.judge import Unmet
from controller.verify.level import Level, atom_of
from controller.verify.outcome import DROPPED, Filter, Gated, Outcome
from controller.verify.pipeline import Visit, written
from controller.verify.places import SOMEWHERE
from controller.verify.ready import Ready, State, cut
from controller.verify.space import ETH_DST, IP_DST, VID, Box, narrowed, outside
from controller.verify.switch import Model
from controller.verify.tables import Cell
from controller.verify.turn import Dirty


def check(crowds: Crowds, crowd: Crowd, pair: Pair) -> list[Unmet]:
    """The packets of a crowd that do not end as they should, for a sender of whom nothing is known but its wish."""
    crowd.stands[pair] = {}
    return _checked(crowds, crowd, pair, lambda check: check.table(crowd.start.table, crowd.start.state, True))


def glance(crowds: Crowds, crowd: Crowd, pair: Pair, reasons: Iterable[Rules | Dirty]) -> list[Unmet] | None:
    """The same where all was well before, of the packets that the reasons concern; None when that will not do."""
    parts: dict[tuple[int, int, int], int] = {}
    for reason in reasons:
        some = _rules(crowd, pair, reason) if isinstance(reason, Rules) else _wishes(crowds, crowd, pair, reason)
        if some is None:
            return None
        for key, atoms in some.items():
            parts[key] = parts.get(key, 0) | atoms
    stands = crowd.stands[pair]

    def look(check: _Check) -> Iterator[Unmet]:
        for (table, looks, slot), atoms in parts.items():
            yield from check.some(stands[table, looks], slot, atoms)

    return _checked(crowds, crowd, pair, look)


def _checked(crowds: Crowds, crowd: Crowd, pair: Pair, look: Callable[[_Check], Iterator[Unmet]]) -> list[Unmet]:
    before, crowds.fabric.reader = crowds.fabric.reader, crowd
    try:
        return list(look(_Check(crowds, crowd, pair, crowds.fabric.models[crowd.start.switch])))
    finally:
        crowds.fabric.reader = before


def _rules(crowd: Crowd, pair: Pair, reason: Rules) -> dict[tuple[int, int, int], int] | None:
    """The atoms of packets that changed rules concern, by stand and slot."""
    found: dict[tuple[int, int, int], int] = {}
    for key, stand in crowd.stands[pair].items():
        if stand.cell is reason.cell:
            levels = [level for level in stand.cell.candidates.levels if level.pivot is not None]
            slot = max(levels, key=lambda level: len(level.rules)).pivot if levels else None
            atoms = [atom_of(one, slot) for one in reason.changed]
            if slot is None or slot == VID or stand.state.frame.over or not all(atoms):
                return None
            for atom in atoms:
                found[*key, slot] = found.get((*key, slot), 0) | atom
    return found or None


def _wishes(crowds: Crowds, crowd: Crowd, pair: Pair, dirty: Dirty) -> dict[tuple[int, int, int], int] | None:
    """The atoms of packets that changed wishes concern, by stand and slot."""
    wish = pair[0]
    if dirty.everything or wish is None or pair[1] != wish:
        return None
    router = crowds.now.router
    many = crowds.now.many if any(each.broadcasts(wish) for each in crowds.expectations) else 0
    found: dict[tuple[int, int, int], int] = {}
    routed = False
    for key, stand in crowd.stands[pair].items():
        if wish.kind != "ip":
            found[*key, IP_DST] = dirty.ips
        elif stand.state.box[ETH_DST] == router:
            found[*key, IP_DST] = dirty.ips
            routed = True
        else:
            found[*key, ETH_DST] = dirty.macs | many
    return found if routed or wish.kind != "ip" else None


class _Check:
    """One crowd and one pair under way."""

    def __init__(self, crowds: Crowds, crowd: Crowd, pair: Pair, model: Model) -> None:
        self.crowds, self.crowd, self.pair, self.model = crowds, crowd, pair, model
        self.fabric, self.judge = crowds.fabric, crowds.judge
        self.wants, self.before = crowds.wants(pair)
        self.dones = crowds.dones(pair)
        self.spared = crowds.spared.setdefault(pair, {})

    def table(self, number: int, state: State, noted: bool = False) -> Iterator[Unmet]:
        """Packets at a table; ``noted``: from now on they stand there."""
        cell = self._cell(number, state)
        if noted:
            self.crowd.stands[self.pair][number, self.crowds.number(state)] = Stand(cell, number, state)
        left = [state.box]
        for level in cell.candidates.levels:
            rest: list[Box] = []
            for box in left:
                here = state._replace(box=box)
                if level.pivot is not None and _plain_pivot(level, here):
                    yield from self.level(level, number, here, noted)
                    rest += level.beside(box)
                else:
                    for part, rules in level.split(self.fabric.space, box, state.frame, rest):
                        met = [one for one in level.rules if one.rule in rules]
                        yield from self.hit(met, here._replace(box=part), noted)
            left = rest
        yield from self.missed(left)

    def some(self, stand: Stand, slot: int, atoms: int) -> Iterator[Unmet]:
        """The packets of a stand that have one of these atoms in a slot."""
        _, number, state = stand
        held = state.box[slot] & atoms
        left = [narrowed(state.box, slot, held)] if held else []
        for level in self._cell(number, state).candidates.levels:
            rest: list[Box] = []
            for box in left:
                if level.pivot == slot and _plain_pivot(level, state) and box == narrowed(state.box, slot, box[slot]):
                    yield from self.among(level, number, state, box, rest)
                    continue
                for part, rules in level.split(self.fabric.space, box, state.frame, rest):
                    met = [one for one in level.rules if one.rule in rules]
                    yield from self.hit(met, state._replace(box=part), False)
            left = rest
        yield from self.missed(left)

    def among(self, level: Level, number: int, state: State, box: Box, rest: list[Box]) -> Iterator[Unmet]:
        """The packets of a box that a level's rules take, found by its pivot; what they leave is added to ``rest``."""
        slot = level.pivot or 0
        taken = box[slot] & level.handled
        if box[slot] & ~taken:
            rest.append(narrowed(box, slot, box[slot] & ~taken))
        while taken:
            atom = taken & -taken
            taken ^= atom
            one = level.by_atom[atom.bit_length()]
            part = narrowed(box, slot, atom)
            rest += outside(part, tuple([pair for pair in one.limits if pair[0] != slot]))
            goto = one.rule.instructions.goto
            metadata = _written(state.metadata, one.rule.instructions.metadata)
            sieve = None if goto is None else self.sieve(goto, metadata, state.tunnel)
            if goto is None or sieve is not None:
                yield from self.rules([one], slot, number, self.crowds.number(state), state, sieve)
            elif (own := cut(self.fabric.space, one, part, state.frame)[0]) is not None:
                yield from self.hit([one], state._replace(box=own), False)

    def _cell(self, number: int, state: State) -> Cell:
        cell = self.model.table(number).cell(SOMEWHERE, state.metadata, state.tunnel)
        cell.users[self.crowd] = None
        return cell

    def missed(self, boxes: list[Box]) -> Iterator[Unmet]:
        """Packets that no rule takes. Whether they may be dropped is the same at every switch."""
        for box in boxes:
            if box not in self.spared:
                unmet = self.judge.unmet(box, DROPPED, self.wants(box), self.before)
                if not unmet:
                    self.spared[box] = None
                yield from unmet

    def level(self, level: Level, number: int, state: State, noted: bool) -> Iterator[Unmet]:
        """Rules that cannot overlap: those with the same way on are judged as one, but for what was judged before."""
        slot, looks = level.pivot or 0, self.crowds.number(state)
        for (written_metadata, goto), rules in level.kinds.items():
            metadata = _written(state.metadata, written_metadata)
            sieve = None if goto is None else self.sieve(goto, metadata, state.tunnel)
            if goto is not None and sieve is None:
                for one in rules:
                    part = cut(self.fabric.space, one, state.box, state.frame)[0]
                    if part is not None:
                        yield from self.hit([one], state._replace(box=part), noted)
                continue
            yield from self.rules(rules, slot, number, looks, state, sieve)

    def sieve(self, goto: int, metadata: int, tunnel: int) -> Filter | None:
        return self.model.filter(goto, SOMEWHERE, metadata, tunnel, self.fabric)

    def done(self, slot: int, number: int, looks: int, sieve: Filter | None) -> Done:
        """What was judged well of packets that look so at a table, for this pair and before this filter."""
        key = number, looks << 8 | slot, id(sieve)
        found = self.dones.get(key)
        if found is None:
            found = self.dones[key] = self.crowds.new(slot, sieve)
        found.crowds[self.crowd] = None
        return found

    def rules(
        self, rules: list[Ready], slot: int, number: int, looks: int, state: State, sieve: Filter | None
    ) -> Iterator[Unmet]:
        """Rules that end the pipeline, or lead to the filter: each is judged once for all packets that look alike."""
        crowds, model = self.crowds, self.model
        done = self.done(slot, number, looks, sieve)
        known = done.tokens
        for mark, one in crowds.tokens(model, rules):
            if mark in known:
                continue
            job = crowds.job(model, one, state, mark, looks)
            if sieve is not None and not job.changed.isdisjoint(sieve.slots):
                part = cut(self.fabric.space, one, state.box, state.frame)[0]
                if part is not None:
                    yield from self.performed([one], state._replace(box=part))
                continue
            unmet, wanted = self.job(job, sieve)
            atom = next((bits for held, bits in one.limits if held == slot), 0)
            if not unmet and crowds.lasts(self.pair, slot, atom):
                done.add(mark, atom, wanted)
                job.dones[done] = None
            else:
                job.crowds[self.crowd] = None
                yield from unmet

    def job(self, job: Job, sieve: Filter | None) -> tuple[list[Unmet], bool]:
        """What is not right about a job, and whether something must arrive."""
        found: list[Unmet] = []
        wanted = False
        for box, kept in job.parts:
            outcome = kept if sieve is None or kept == DROPPED else Gated(sieve, kept)
            wants = list(self.wants(box))
            wanted = wanted or any(_arrives(want) for _, want in wants)
            if not self._known(job, box, outcome, wants):
                found += self.judge.unmet(box, outcome, wants, self.before)
        return found, wanted

    def _known(self, job: Job, box: Box, outcome: Outcome | Gated, wants: list[Want]) -> bool:
        """Whether a job of one part was found right for the very same wish before, whatever the filter was."""
        if len(wants) > 1 or len(job.parts) > 1:
            return False
        part, want = wants[0]
        if not (isinstance(outcome, Gated) and isinstance(want, Choice) and part == box):
            return False
        if not self.judge.alike(outcome.filter, want.permits):
            return False
        if want.permits and id(want.yes) not in job.fine:
            if not self.judge.agrees(box, outcome.kept, want.yes):
                return False
            job.fine[id(want.yes)] = want.yes
        return True

    def hit(self, rules: list[Ready], state: State, noted: bool) -> Iterator[Unmet]:
        """Packets that one rule takes; or one of several, whichever the switch likes."""
        todo = rules[0].rule.instructions
        if len(rules) > 1:
            yield from self.performed(rules, state)
            return
        metadata = _written(state.metadata, todo.metadata)
        sieve = None if todo.goto is None else self.sieve(todo.goto, metadata, state.tunnel)
        if todo.goto is None or sieve is not None:
            yield from self.rules(rules, 0, rules[0].rule.table, self.crowds.number(state), state, sieve)
        elif todo.apply:
            yield from self.performed(rules, state)
        else:
            write = () if todo.clear else state.write
            for action in todo.write:
                write = written(write, action)
            there = State(state.box, state.frame, metadata, state.tunnel, write)
            yield from self.table(todo.goto, there, noted)

    def performed(self, rules: list[Ready], state: State) -> Iterator[Unmet]:
        """The same without any memory."""
        visit = Visit(self.model, SOMEWHERE, self.fabric)
        for one in rules:
            for box, outcome in self.fabric.settled(visit.perform(one.rule.instructions, state)):
                yield from self.judge.unmet(box, outcome, self.wants(box), self.before)


def _plain_pivot(level: Level, state: State) -> bool:
    """Whether packets still have what they came in with where the level's rules tell them apart, and in many ways."""
    slot = level.pivot
    if slot is None or slot == VID or state.frame.over:
        return False
    held = state.box[slot]
    return held & held - 1 != 0 and not level.tagged


def _written(metadata: int, write: tuple[int, int] | None) -> int:
    return metadata if write is None else metadata & ~write[1] | write[0] & write[1]


def _arrives(want: Any) -> bool:
    return bool(want.permits and want.yes.arrivals) if isinstance(want, Choice) else bool(want.arrivals)
