"""Destination addresses that a network of longest-prefix-match tables treats alike.

An *atom* is a maximal range of addresses that no route's prefix splits; a *class* is the set of all atoms that every
device sends to the same ports. Both are exact, whether tables are given at once or a route at a time.
Lives here: atoms and classes, made and kept up to date. Must not know: OpenFlow, topologies, where tables come from.

At once, each device is painted: its shorter prefixes first, the longer ones over them, so what shows in the end is the
longest match. Atoms that show the same ports on every device are a class. Later, a route repaints its own atoms only.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import chain, repeat
from operator import itemgetter

Route = tuple[int, int, str]
"""(prefix, length, port): destinations that agree with ``prefix`` on the ``length`` highest bits leave by ``port``."""
Ports = frozenset[str]
"""Where a device sends an address: several ports if its prefix has several routes, none if no route matches it."""
Row = tuple[Ports, ...]
"""The ports of one atom on every device, in the order of ``Forwarding.devices``."""
Key = tuple[int, int]
"""(length, prefix)."""
Table = dict[Key, Ports]
"""One device's ports by prefix."""

NOWHERE: Ports = frozenset()


class BadRoute(ValueError):
    """A route that no table can hold, or one to remove that is not there; the text names it."""


class Forwarding:
    """The tables of all devices, and the atoms and classes of their destinations. ``len()`` counts the classes.

    A table is a set of routes: one given twice counts once.

    >>> net = Forwarding({"a": [(0, 0, "up")], "b": [(8, 3, "left")]}, bits=4)
    >>> net.atoms, len(net), net.classes()[frozenset({"up"}), frozenset({"left"})]
    (3, 2, [(8, 9)])
    """

    __slots__ = ("_columns", "_cuts", "_number", "_size", "_tables", "_uses", "_weight")

    def __init__(self, tables: Mapping[str, Iterable[Route]], bits: int = 32) -> None:
        """``bits``: the width of an address. Raises BadRoute: a route of no such address."""
        self._size = [1 << bits - length for length in range(bits + 1)]
        self._number = {device: number for number, device in enumerate(tables)}
        self._tables = [_table(list(routes)) for routes in tables.values()]
        holders = Counter(chain.from_iterable(self._tables))
        for key in holders:
            self._check(key)
        self._uses = self._ends(holders)
        self._cuts = sorted({0, self._size[0], *self._uses})
        self._columns = self._painted(holders)
        rows = zip(*self._columns, strict=True) if tables else repeat((), self.atoms)
        self._weight: Counter[Row] = Counter(rows)

    @property
    def devices(self) -> tuple[str, ...]:
        return tuple(self._number)

    @property
    def atoms(self) -> int:
        """How many atoms there are."""
        return len(self._cuts) - 1

    def __len__(self) -> int:
        return len(self._weight)

    def classes(self) -> dict[Row, list[tuple[int, int]]]:
        """Each class by its row: its atoms as (first, last) address, rising. Classes by their first address."""
        found: dict[Row, list[tuple[int, int]]] = {}
        for atom in range(self.atoms):
            found.setdefault(self._row(atom), []).append((self._cuts[atom], self._cuts[atom + 1] - 1))
        return found

    def insert(self, device: str, route: Route) -> int:
        """Add a route, to a new device if need be; how many atoms change their ports."""
        ((key, added),) = _table([route]).items()
        self._check(key)
        if device not in self._number:
            self._add(device)
        number = self._number[device]
        before = self._tables[number].get(key)
        if before is None:
            for end in self._span(key):
                self._uses[end] += 1
                self._split(end)
        ports = self._tables[number][key] = (before or NOWHERE) | added
        return self._repaint(number, key, ports)

    def remove(self, device: str, route: Route) -> int:
        """Take a route away; how many atoms change their ports. Raises BadRoute: it is not there."""
        prefix, length, port = route
        key, number = (length, prefix), self._number.get(device)
        table = {} if number is None else self._tables[number]
        if number is None or port not in table.get(key, NOWHERE):
            raise BadRoute(f"{device}: has no route {prefix}/{length} by {port}")
        table[key] -= {port}
        if table[key]:
            return self._repaint(number, key, table[key])
        del table[key]
        changed = self._repaint(number, key, self._around(table, key))
        for end in self._span(key):
            self._uses[end] -= 1
            self._join(end)
        return changed

    def _check(self, key: Key) -> None:
        length, prefix = key
        size = self._size
        if not (0 <= length < len(size) and 0 <= prefix < size[0]) or prefix % size[length]:
            raise BadRoute(f"{prefix}/{length} is not a prefix of {len(size) - 1}-bit addresses")

    def _span(self, key: Key) -> tuple[int, int]:
        """The first address of a prefix and the one after its last."""
        length, prefix = key
        return prefix, prefix + self._size[length]

    def _ends(self, holders: Counter[Key]) -> Counter[int]:
        """How many prefixes begin or end at an address, counted once for each device that has them."""
        uses: Counter[int] = Counter()
        for key, devices in holders.items():
            first, after = self._span(key)
            uses[first] += devices
            uses[after] += devices
        return uses

    def _painted(self, prefixes: Iterable[Key]) -> list[list[Ports]]:
        """Per device, the ports of each atom."""
        at = {cut: atom for atom, cut in enumerate(self._cuts)}
        size = self._size
        atoms = {key: (at[key[1]], at[key[1] + size[key[0]]]) for key in prefixes}
        columns = []
        for table in self._tables:
            column = [NOWHERE] * self.atoms
            for key in sorted(table, key=itemgetter(0)):
                low, high = atoms[key]
                column[low:high] = [table[key]] * (high - low)
            columns.append(column)
        return columns

    def _row(self, atom: int) -> Row:
        return tuple([column[atom] for column in self._columns])

    def _add(self, device: str) -> None:
        self._number[device] = len(self._number)
        self._tables.append({})
        self._columns.append([NOWHERE] * self.atoms)
        self._weight = Counter({(*row, NOWHERE): weight for row, weight in self._weight.items()})

    def _split(self, end: int) -> None:
        """Let an atom begin at ``end``."""
        after = bisect_left(self._cuts, end)
        if self._cuts[after] == end:
            return
        self._weight[self._row(after - 1)] += 1
        self._cuts.insert(after, end)
        for column in self._columns:
            column.insert(after, column[after - 1])

    def _join(self, end: int) -> None:
        """Let no atom begin at ``end`` if no prefix begins or ends there any more."""
        if self._uses[end]:
            return
        del self._uses[end]
        if end in (0, self._size[0]):
            return
        atom = bisect_left(self._cuts, end)
        self._weight[self._row(atom)] -= 1
        del self._cuts[atom]
        for column in self._columns:
            del column[atom]

    def _repaint(self, number: int, key: Key, ports: Ports) -> int:
        """Show ``ports`` on the atoms of a prefix that no longer prefix of the device takes; how many change."""
        low, high = (bisect_left(self._cuts, end) for end in self._span(key))
        table, column, changed = self._tables[number], self._columns[number], 0
        longer = [(length, self._size[length]) for length in range(key[0] + 1, len(self._size))]
        for atom in range(low, high):
            first = self._cuts[atom]
            if column[atom] == ports or any((length, first - first % size) in table for length, size in longer):
                continue
            self._weigh(atom, -1)
            column[atom] = ports
            self._weigh(atom, 1)
            changed += 1
        return changed

    def _weigh(self, atom: int, by: int) -> None:
        row = self._row(atom)
        self._weight[row] += by
        if not self._weight[row]:
            del self._weight[row]

    def _around(self, table: Table, key: Key) -> Ports:
        """The ports of the longest prefix around this one."""
        length, prefix = key
        around = ((shorter, prefix - prefix % self._size[shorter]) for shorter in range(length - 1, -1, -1))
        return next((table[each] for each in around if each in table), NOWHERE)


def _table(routes: list[Route]) -> Table:
    alone = {port: frozenset((port,)) for port in {port for _, _, port in routes}}
    table = {(length, prefix): alone[port] for prefix, length, port in routes}
    if len(table) < len(routes):
        for prefix, length, port in routes:
            table[length, prefix] |= alone[port]
    return table
