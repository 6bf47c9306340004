"""Packets of many senders judged together: a crowd is all who stand at one table with the same registers.

What a rule of a pivot level makes of a crowd depends on the rule and on what its groups are worth, not on the switch
nor on who sends. So each such pair is judged once per wish, wherever it is met again; which pairs were judged well is
remembered in ``Done``. Must not know: which packets of a crowd a port's senders may really send.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from controller.verify.expect import NOBODY, Expectation, Wish
from controller.verify.frame import Frame
from controller.verify.judge import Judge, Wants
from controller.verify.outcome import DROPPED, Filter, Partition, Plain, plain
from controller.verify.pipeline import Visit, in_order, written
from controller.verify.places import SOMEWHERE
from controller.verify.reach import Fabric
from controller.verify.ready import Ready, State, cut
from controller.verify.space import Box
from controller.verify.switch import Model
from controller.verify.tables import Cell
from controller.verify.turn import Dirty
from fabric.action import IN_PORT
from fabric.topology import PortRef

Pair = tuple[Wish | None, Wish | None]
"""Whose wish it is now, and whose it was before a change under way; None: nobody's."""


class Start(NamedTuple):
    """Where a crowd stands: a table of a switch, and what its packets look like there."""

    switch: str
    table: int
    state: State


class Stand(NamedTuple):
    """Rules that packets of a crowd meet, at which table, and what the packets look like there."""

    cell: Cell
    table: int
    state: State


class Rules(NamedTuple):
    """What came or went in a cell: why a crowd is to be looked at again."""

    cell: Cell
    changed: list[Ready]


class Crowd:
    """Senders that stand at one place. ``members``: by pair, the ports and the packets that come in there. ``stands``:
    where they were looked at, once they were: (cell, table, state).
    """

    __slots__ = ("members", "stands", "start")

    def __init__(self, start: Start) -> None:
        self.start = start
        self.stands: dict[Pair, dict[tuple[int, int], Stand]] = {}
        self.members: dict[Pair, dict[PortRef, list[Box]]] = {}


class Done:
    """Tokens judged well, for one pair and one state before one filter: (atom of the pivot, whether something must
    arrive). ``slot`` is the pivot's; ``counts``: (all, those that must arrive), of all together."""

    __slots__ = ("counts", "crowds", "filter", "slot", "tokens")

    def __init__(self, slot: int, sieve: Filter | None, counts: list[int]) -> None:
        self.slot, self.filter, self.counts = slot, sieve, counts
        self.tokens: dict[int, tuple[int, bool]] = {}
        self.crowds: dict[Crowd, None] = {}

    def add(self, token: int, atom: int, wanted: bool) -> None:
        self.tokens[token] = atom, wanted
        self.counts[0] += 1
        self.counts[1] += wanted

    def drop(self, token: int) -> bool:
        """Forget a token; whether it was known."""
        held = self.tokens.pop(token, None)
        if held is None:
            return False
        self.counts[0] -= 1
        self.counts[1] -= held[1]
        return True


class Job:
    """What a rule makes of packets whose action set is executed: ``parts``; ``changed``: the slots it gives values to.
    ``fine``: what it is known to be right for; ``dones`` and ``crowds``: where that was judged well for good, and where
    it was judged otherwise.
    """

    __slots__ = ("changed", "crowds", "dones", "fine", "key", "parts", "token")

    def __init__(self, key: tuple[int, int, int]) -> None:
        self.key, self.token = key, key[0]
        self.parts: Plain = []
        self.changed: set[int] = set()
        self.fine: dict[int, object] = {}
        self.dones: dict[Done, None] = {}
        self.crowds: dict[Crowd, None] = {}


class Worth:
    """What a group of a switch is worth, as a number: equal ones do the same with every packet. 0: cannot be said."""

    __slots__ = ("group", "number", "switch")

    def __init__(self, switch: str, group: int, number: int) -> None:
        self.switch, self.group, self.number = switch, group, number


_OWN_SWITCH = 1 << 40
"""A token's bit: what the rule does is this switch's own matter."""


class Crowds:
    """All crowds of a fabric, and what was found out about them."""

    def __init__(self, fabric: Fabric, judge: Judge) -> None:
        self.fabric, self.judge, self.space = fabric, judge, fabric.space
        self.now: Expectation
        self.old: Expectation | None = None
        self.loose: dict[str, Dirty] = {}
        self._crowds: dict[Start, Crowd] = {}
        self._of: dict[str, dict[tuple[Crowd, Pair], None]] = {}
        self._numbers = {name: i for i, name in enumerate(sorted(fabric.models))}
        self._worth: dict[tuple[str, int], Worth] = {}
        self._tokens: dict[str, dict[int, tuple[list[Ready], list[tuple[int, Ready]]]]] = {}
        self._done: dict[Pair, dict[tuple[int, int, int], Done]] = {}
        self._states: dict[tuple[Box, Frame, tuple[Any, ...]], int] = {}
        self._jobs: dict[tuple[int, int, int], Job] = {}
        self._counts = [0, 0]
        self._by_tenant: dict[str, dict[Pair, None]] = {}
        self.spared: dict[Pair, dict[Box, None]] = {}

    @property
    def expectations(self) -> tuple[Expectation, ...]:
        """Those that may hold."""
        return (self.now,) if self.old is None else (self.now, self.old)

    def at(self, start: Start) -> Crowd:
        """The crowd that stands there."""
        found = self._crowds.get(start)
        if found is None:
            found = self._crowds[start] = Crowd(start)
        return found

    def join(self, start: Start, pair: Pair, at: PortRef, box: Box) -> Crowd:
        """Packets that come in at a port stand there."""
        crowd = self.at(start)
        crowd.members.setdefault(pair, {}).setdefault(at, []).append(box)
        for wish in pair:
            if wish is not None:
                self._of.setdefault(wish.tenant, {})[crowd, pair] = None
        return crowd

    def leave(self, crowd: Crowd, pair: Pair, at: PortRef) -> None:
        """Packets of a port do not stand there any more."""
        ports = crowd.members.get(pair, {})
        ports.pop(at, None)
        if not ports:
            crowd.members.pop(pair, None)
            crowd.stands.pop(pair, None)
            for wish in pair:
                if wish is not None:
                    self._of.get(wish.tenant, {}).pop((crowd, pair), None)

    def of(self, tenant: str) -> Iterable[tuple[Crowd, Pair]]:
        """The crowds with members of a tenant."""
        return self._of.get(tenant, ())

    def counted(self) -> tuple[int, int]:
        """Sets of packets judged well, and how many of them must arrive somewhere."""
        return self._counts[0], self._counts[1]

    # -- what is forgotten -----------------------------------------------------------------------------------------

    def forget(self, job: Job) -> Iterator[Crowd]:
        """Judge anew what rests on a job; the crowds that need to be checked."""
        if self._jobs.get(job.key) is job:
            del self._jobs[job.key]
        yield from job.crowds
        for done in job.dones:
            if done.drop(job.token):
                yield from done.crowds

    def drop_worth(self, worth: Worth) -> Iterator[Crowd]:
        """A group is worth something else now; the crowds that meet rules which send to it."""
        self._worth.pop((worth.switch, worth.group), None)
        self._tokens.pop(worth.switch, None)
        for table in self.fabric.models[worth.switch].tables.values():
            for cell in table.using(worth.group):
                yield from (user for user in cell.users if isinstance(user, Crowd))

    def loosen(self, tenant: str, dirty: Dirty) -> None:
        """Judge anew what a tenant's changed wishes concern."""
        for done in (done for pair in self._by_tenant.get(tenant, ()) for done in self._done[pair].values()):
            for token in [t for t, (atom, _) in done.tokens.items() if dirty.touches(done.slot, atom)]:
                done.drop(token)

    # -- what is wanted, and what is known --------------------------------------------------------------------

    def wants(self, pair: Pair) -> tuple[Wants, Wants | None]:
        """What is wanted of packets; and what was before a change under way, if that differs."""
        new, old = pair
        loose = self.old is not None and (new != old or (new is not None and new.tenant in self.loose))
        return self._wants(self.now, new), self._wants(self.old, old) if loose and self.old is not None else None

    @staticmethod
    def _wants(expectation: Expectation, wish: Wish | None) -> Wants:
        if wish is None:
            return lambda box: [(box, NOBODY)]
        return lambda box: expectation.of(wish, box)

    def dones(self, pair: Pair) -> dict[tuple[int, int, int], Done]:
        """What was judged well for a pair: by table, what packets look like and the pivot, and the filter."""
        found = self._done.get(pair)
        if found is None:
            found = self._done[pair] = {}
            for wish in pair:
                if wish is not None:
                    self._by_tenant.setdefault(wish.tenant, {})[pair] = None
        return found

    def new(self, slot: int, sieve: Filter | None) -> Done:
        return Done(slot, sieve, self._counts)

    def lasts(self, pair: Pair, slot: int, atom: int) -> bool:
        """Whether what is judged well stays so when the change under way is over."""
        if pair[0] != pair[1] and self.old is not None:
            return False
        wish = pair[0]
        dirty = self.loose.get(wish.tenant) if wish is not None else None
        return dirty is None or not dirty.touches(slot, atom)

    def number(self, state: State) -> int:
        """A number for what packets look like, registers aside."""
        return self._states.setdefault((state.box, state.frame, state.write), len(self._states))

    def tokens(self, model: Model, rules: list[Ready]) -> list[tuple[int, Ready]]:
        """Some rules of a switch with their tokens; remembered until a group of the switch is worth something else."""
        if len(rules) == 1:
            return [(self.token(model, rules[0]), rules[0])]
        held = self._tokens.setdefault(model.name, {})
        found = held.get(id(rules))
        if found is None or found[0] is not rules:
            found = held[id(rules)] = rules, [(self.token(model, one), one) for one in rules]
        return found[1]

    def edited(self, switch: str) -> None:
        """A switch's rules or groups are others now."""
        self._tokens.pop(switch, None)

    def token(self, model: Model, ready: Ready) -> int:
        """A number for what a rule does on a switch: equal ones do the same with packets of one look."""
        if len(ready.groups) == 1 and not ready.outputs:
            worth = self.worth(model.name, ready.groups[0])
            if worth:
                return ready.serial << 48 | worth
        elif not ready.groups and all(port == IN_PORT for port in ready.outputs):
            return ready.serial << 48
        return ready.serial << 48 | _OWN_SWITCH | self._numbers[model.name]

    def worth(self, switch: str, group: int) -> int:
        found = self._worth.get((switch, group))
        if found is None:
            found = self._worth[switch, group] = Worth(switch, group, 0)
            before, self.fabric.reader = self.fabric.reader, found
            try:
                value = self.fabric.value(switch, group)
                found.number = 0 if value is None else value.serial + 1
            finally:
                self.fabric.reader = before
        return found.number

    def job(self, model: Model, ready: Ready, state: State, token: int, number: int) -> Job:
        key = token, ready.rule.table, number
        found = self._jobs.get(key)
        if found is None:
            found = self._jobs[key] = Job(key)
            before, self.fabric.reader = self.fabric.reader, found
            try:
                found.parts = self._executed(model, ready, state, found.changed)
            finally:
                self.fabric.reader = before
        return found

    def _executed(self, model: Model, ready: Ready, state: State, changed: set[int]) -> Plain:
        taken = cut(self.space, ready, state.box, state.frame)[0]
        if taken is None:
            return []
        todo = ready.rule.instructions
        visit = Visit(model, SOMEWHERE, self.fabric)

        def then(after: State) -> Partition:
            changed.update([slot for slot, _ in after.frame.over])
            write = () if todo.clear else after.write
            for action in todo.write:
                write = written(write, action)
            return visit.apply(in_order(write), after, 0, _end)

        start = State(taken, state.frame, 0, state.tunnel, state.write)
        done = visit.apply(todo.apply, start, 0, then) if todo.apply else then(start)
        return plain(self.fabric.settled(done))


def _end(state: State) -> Partition:
    return [(state.box, DROPPED)]
