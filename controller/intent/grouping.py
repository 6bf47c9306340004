"""Groups of groups: every group as a value that needs no other to say whom it holds.

Lives here: nesting, ``everyone``, and the groups that stand for lists in policies. Must not know: documents, endpoints.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from clos.controller.intent.model import EVERYONE, JOINED, Group, Where
from clos.controller.intent.schema.group_keys import Written

MOST = 1_000
"""How many selections a group may come to when the groups that it names are written out."""


class Grouping:
    """The groups of a tenant, resolved. ``found``: by name, those that are sound. ``wrong``: name and reason of those
    that are in a circle or too large; one that names an unknown group is in neither."""

    def __init__(self, written: Mapping[str, Written]) -> None:
        self.found: dict[str, Group] = {}
        self.wrong: dict[str, str] = {}
        self._sizes: dict[str, int] = {}
        for name in _inner_first(written, self.wrong):
            self._resolve(name, written[name])
        self.found = {name: self.found[name] for name in written if name in self.found}

    def named(self, name: str, where: Where) -> Group | None:
        """The group that a word stands for: a group's name, ``everyone``, or several joined; None: there is none.

        What the tenant does not write itself is made at its first mention.
        """
        known = self.found.get(name)
        if known is not None:
            return known
        if name in EVERYONE:
            return self.found.setdefault(name, Group(name, where=where))
        parts = name.split(JOINED) if JOINED in name else []
        inner = [group for part in parts if (group := self.named(part, where)) is not None]
        if not parts or len(inner) < len(parts):
            return None
        return self.found.setdefault(name, Group(name, where=where, groups=tuple(inner)))

    def _resolve(self, name: str, one: Written) -> None:
        own = one.own
        groups, without = ([self._inner(other, own.where) for other in each] for each in (one.groups, one.without))
        if None in groups or None in without:
            return
        size = 1 + sum(self._sizes.get(other, 1) for other in (*one.groups, *one.without))
        if size > MOST:
            self.wrong[name] = f"group {name} comes to more than {MOST:,} selections: nest less"
            return
        self._sizes[name] = size
        every = tuple(group for group in groups if group), (*own.without, *(group for group in without if group))
        self.found[name] = replace(own, groups=every[0], without=every[1]) if any(every) else own

    def _inner(self, name: str, where: Where) -> Group | None:
        """A group that another one names; ``everyone`` there is no group of the tenant."""
        return self.found.get(name) or (Group(name, where=where) if name in EVERYONE else None)


def _inner_first(written: Mapping[str, Written], wrong: dict[str, str]) -> Iterator[str]:
    """Names so that every group comes after those it names; those in a circle, or that name one, are left out."""
    left = {name: {other for other in (*one.groups, *one.without) if other in written} for name, one in written.items()}
    users: dict[str, list[str]] = {}
    for name, inner in left.items():
        for other in inner:
            users.setdefault(other, []).append(name)
    ready = [name for name, inner in left.items() if not inner]
    while ready:
        name = ready.pop()
        yield name
        for user in users.get(name, ()):
            left[user].discard(name)
            if not left[user]:
                ready.append(user)
    for name, inner in left.items():
        if inner and (circle := _circle(name, left)):
            wrong[name] = f"group {name} is in itself: {' > '.join(circle)}"


def _circle(name: str, left: Mapping[str, set[str]]) -> list[str]:
    """The way from a group back to itself, its name at both ends; empty where there is none."""
    came: dict[str, str] = {}
    ahead = [name]
    while ahead:
        here = ahead.pop(0)
        for other in sorted(left[here]):
            if other == name:
                way = [here]
                while way[-1] != name:
                    way.append(came[way[-1]])
                return [*reversed(way), name]
            if other not in came and left[other]:
                came[other] = here
                ahead.append(other)
    return []
