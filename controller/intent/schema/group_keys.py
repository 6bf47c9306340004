"""The keys of a group: how endpoints are selected, and which of them not.

Lives here: one table of keys, and what its values make. Must not know: other groups; ``intent.grouping`` joins them.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from clos.controller.intent.model import Group, Where
from clos.controller.intent.schema.notation import LABEL, NAME
from clos.controller.intent.schema.shapes import Either, Key, ListOf, MapOf, Record, Refused

ONE_OR_MORE_LABELS = Either("a label value or a list of them", (LABEL, ListOf(LABEL, least=1)))
ONE_OR_MORE_NAMES = Either("a name or a list of them", (NAME, ListOf(NAME, least=1)))

_SELECTORS = (
    Key("endpoints", ListOf(NAME, least=1), "Only these endpoints.", default="any"),
    Key("networks", ListOf(NAME, least=1), "Only endpoints of these networks.", default="any"),
    Key(
        "labels",
        MapOf(NAME, ONE_OR_MORE_LABELS, least=1),
        "Only endpoints with one of these values for each label; `*` stands for any letters.",
        default="any",
    ),
)


class Written(NamedTuple):
    """A group as it is written: ``own`` has the selectors of its own. ``groups``, ``without``: names of other groups,
    of which its endpoints must be in one, and of which they must be in none."""

    own: Group
    groups: tuple[str, ...]
    without: tuple[str, ...]


def _selection(name: str, values: dict[str, Any], where: Where) -> Group:
    if not any(values.values()):
        raise Refused("", "write at least one of endpoints, networks, labels")
    wanted = {key: value if type(value) is list else [value] for key, value in values.get("labels", {}).items()}
    labels = tuple((key, tuple(wanted[key])) for key in sorted(wanted))
    return Group(name, tuple(values.get("endpoints", ())), tuple(values.get("networks", ())), labels, where)


def _exception(_name: str, values: dict[str, Any], where: Where) -> Group:
    return _selection("", values, where)


def _group(name: str, values: dict[str, Any], where: Where) -> Written:
    if not any(values.values()):
        raise Refused("", "a group selects by at least one of endpoints, networks, labels, groups, except")
    wanted = {key: value for key, value in values.items() if key in ("endpoints", "networks", "labels")}
    own = _selection(name, wanted, where) if wanted else Group(name, where=where)
    less = values.get("except", ())
    if isinstance(less, Group):
        own, less = Group(name, own.endpoints, own.networks, own.labels, where, without=(less,)), ()
    return Written(own, tuple(values.get("groups", ())), tuple(less))


EXCEPT = Either(
    "a list of groups, or a selection",
    (ListOf(NAME, least=1, most=1_000), Record("a selection", _SELECTORS, _exception)),
)
GROUP = Record(
    "a group",
    (
        *_SELECTORS,
        Key("groups", ListOf(NAME, least=1, most=1_000), "Only endpoints of one of these groups.", default="any"),
        Key("except", EXCEPT, "Not the endpoints of these groups, or of this selection.", default="none"),
    ),
    _group,
)
