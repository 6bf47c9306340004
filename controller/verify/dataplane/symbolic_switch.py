"""A switch as the prover sees it: its tables and groups; both may be edited.

Lives here: what holds the parts together, and who of their readers an edit concerns. Must not know: what becomes of
packets (``pipeline``), links. Source: OpenFlow 1.3.5 §5.3, §5.6 (groups).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from clos.controller.verify.dataplane.acl_filters import AclFilters, Filters
from clos.controller.verify.dataplane.flow_table import SymbolicTable
from clos.controller.verify.dataplane.group_table import GroupTable
from clos.controller.verify.dataplane.header_actions import KnownChanges
from clos.controller.verify.dataplane.locations import ANY_LINK, PortMatters
from clos.controller.verify.dataplane.memo import Dependent, Readers
from clos.controller.verify.dataplane.pipeline_layout import PipelineLayout
from clos.controller.verify.dataplane.prepared_rule import PreparedRule
from clos.controller.verify.dataplane.rule_list import Pool, RegisterContext
from clos.controller.verify.headerspace.header_space import HeaderSpace
from clos.fabric.dataplane.rule import GroupEntry, Rule


class Shared(NamedTuple):
    """What all switches of a fabric have in common: lists of rules, filters, what actions make of packets."""

    rule_lists: Pool
    filters: Filters
    changes: KnownChanges


class Ports(NamedTuple):
    """A switch's ports: all that exist, those that lead to switches, those without carrier."""

    every: frozenset[int]
    links: frozenset[int]
    dead: frozenset[int]


class SymbolicSwitch:
    """A switch as the prover sees it, which may be edited."""

    __slots__ = ("_rule_lists", "changes", "dead", "filters", "groups", "layout", "name", "ports", "space", "tables")

    def __init__(
        self,
        name: str,
        space: HeaderSpace,
        rules: Iterable[PreparedRule],
        groups: Iterable[GroupEntry],
        ports: Ports,
        shared: Shared,
    ) -> None:
        self.name, self.space = name, space
        self.ports, self.dead = ports.every, ports.dead
        self._rule_lists, self.changes = shared.rule_lists, shared.changes
        by_table: dict[int, list[PreparedRule]] = {}
        for prepared in rules:
            by_table.setdefault(prepared.rule.table, []).append(prepared)
        self.tables = {number: SymbolicTable(space, some, self._rule_lists) for number, some in by_table.items()}
        self.groups = GroupTable(groups, ports.every - ports.dead)
        self.layout = PipelineLayout(self.tables, self.groups, ports.links)
        self.filters = AclFilters(space, self.cell, shared.filters)

    def table(self, number: int) -> SymbolicTable:
        """A flow table; one that holds nothing is empty."""
        found = self.tables.get(number)
        if found is None:
            found = self.tables[number] = SymbolicTable(self.space, (), self._rule_lists)
        return found

    def cell(self, number: int, port: int, metadata: int, tunnel: int) -> RegisterContext:
        """The rules of a table that packets with these registers may meet."""
        table = self.table(number)
        if port == ANY_LINK and table.by_port:
            raise PortMatters
        return table.cell(port, metadata, tunnel)

    def edit(
        self, gone: list[PreparedRule], come: list[PreparedRule], groups: Mapping[int, GroupEntry | None]
    ) -> list[Dependent]:
        """Take rules away, put others in, and have other groups (None: none). All those who looked at what changed."""
        tables: dict[int, tuple[list[PreparedRule], list[PreparedRule]]] = {}
        for which, some in enumerate((gone, come)):
            for prepared in some:
                tables.setdefault(prepared.rule.table, ([], []))[which].append(prepared)
        users: list[Dependent] = []
        ports_that_matter = self.layout.known()
        for number, (out, into) in tables.items():
            for cell, changed in self.table(number).edit(out, into):
                users += [Dependent(user, cell, changed) for user in cell.touched(self.space, changed)]
        self.filters.clear()
        if groups:
            users += map(Dependent, self.groups.edit(groups))
        users += map(Dependent, self.layout.edited(ports_that_matter))
        return users

    def carried(self, write: tuple[Any, ...], reader: Any) -> frozenset[int]:
        """The ports that packets may be sent to by what tables before wrote into their action set."""
        ports, groups = self.groups.carried(write)
        for group in groups:
            self.groups.read(reader, group, False)
        return ports

    def own(self, rule: Rule) -> Rule:
        """The rule that the switch holds with this one's priority and match: its cookie may be another."""
        for prepared in self.table(rule.table).every():
            if prepared.priority == rule.priority and prepared.rule.match == rule.match:
                return prepared.rule
        return rule

    def registers(self) -> Iterator[Readers]:
        """Who reads what of the switch: its cells, its groups, what follows from a table on."""
        for table in self.tables.values():
            yield from (cell.users for cell in table.cells())
        yield from self.groups.registers()
        yield from self.layout.registers()

    def drop_unread(self) -> None:
        """Forget what nobody reads."""
        for table in self.tables.values():
            table.drop_unread()
        self.groups.drop_unread()
        self.layout.drop_unread()
