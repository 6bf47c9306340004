"""Everything a prover remembers, counted: entries of all its tables, whatever these are called."""

from __future__ import annotations

from collections.abc import Iterator
from weakref import WeakValueDictionary

from clos.controller.verify import Prover


def entries(prover: Prover) -> int:
    """The entries of all dictionaries, lists and sets that a prover's own objects hold, theirs too."""
    found, seen = 0, set[int]()
    waiting: list[object] = [prover]
    while waiting:
        one = waiting.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        if isinstance(one, dict | WeakValueDictionary):
            found += len(one)
            waiting += [*one.keys(), *one.values()]
        elif isinstance(one, list | set):
            found += len(one)
            waiting += one
        elif isinstance(one, tuple):
            waiting += one
        elif type(one).__module__.startswith("clos.controller.verify"):
            waiting += _attributes(one)
    return found


def _attributes(one: object) -> Iterator[object]:
    names = {name for kind in type(one).__mro__ for name in getattr(kind, "__slots__", ())}
    yield from (getattr(one, name) for name in names | {*getattr(one, "__dict__", ())} if hasattr(one, name))
