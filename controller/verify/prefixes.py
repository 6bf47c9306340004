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
from itertools import repeat
from operator import itemgetter

Route = tuple[int, int, str]
"""(prefix, length, port): destinations that agree with ``prefix`` on the ``length`` highest bits leave by ``port``."""
Ports = frozenset[str]
"""Where a device sends an address: several ports if its prefix has several routes, none if no route matches it."""
Row = tuple[Ports, ...]
"""The ports of one atom on every device, in the order of ``Forwarding.devices``."""
Table = dict[tuple[int, int], Ports]
"""One device's ports by (length, prefix), so that sorting puts shorter prefixes first."""

NOWHERE: Ports = frozenset()


class BadRoute(ValueError):
    """A route that no table can hold, or one to remove that is not there; the text names device and route."""


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
        self._tables = [self._table(device, routes) for device, routes in tables.items()]
        self._uses = self._ends()
        self._cuts = sorted({0, self._size[0], *self._uses})
        self._columns = self._painted()
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
        ((key, added),) = self._table(device, (route,)).items()
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

    def _table(self, device: str, routes: Iterable[Route]) -> Table:
        table: Table = {}
        alone: dict[str, Ports] = {}
        size = self._size
        for prefix, length, port in routes:
            if not (0 <= length < len(size) and 0 <= prefix < size[0]) or prefix % size[length]:
                raise BadRoute(f"{device}: {prefix}/{length} is not a prefix of {len(size) - 1}-bit addresses")
            ports = alone.get(port) or alone.setdefault(port, frozenset((port,)))
            before = table.setdefault((length, prefix), ports)
            if before is not ports:
                table[length, prefix] = before | ports
        return table

    def _span(self, key: tuple[int, int]) -> tuple[int, int]:
        """The first address of a prefix and the one after its last."""
        length, prefix = key
        return prefix, prefix + self._size[length]

    def _ends(self) -> Counter[int]:
        """How many prefixes begin or end at an address, over all devices."""
        size = self._size
        uses = Counter(prefix for table in self._tables for _, prefix in table)
        uses.update(prefix + size[length] for table in self._tables for length, prefix in table)
        return uses

    def _painted(self) -> list[list[Ports]]:
        """Per device, the ports of each atom."""
        at = {cut: number for number, cut in enumerate(self._cuts)}
        columns, size = [], self._size
        for table in self._tables:
            column = [NOWHERE] * self.atoms
            for (length, prefix), ports in sorted(table.items(), key=itemgetter(0)):
                low, high = at[prefix], at[prefix + size[length]]
                column[low:high] = [ports] * (high - low)
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

    def _repaint(self, number: int, key: tuple[int, int], ports: Ports) -> int:
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

    def _around(self, table: Table, key: tuple[int, int]) -> Ports:
        """The ports of the longest prefix around this one."""
        length, prefix = key
        around = ((shorter, prefix - prefix % self._size[shorter]) for shorter in range(length - 1, -1, -1))
        return next((table[each] for each in around if each in table), NOWHERE)
