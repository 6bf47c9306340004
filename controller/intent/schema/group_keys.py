"""The keys of a group: how endpoints are selected, and which of them not.

Lives here: one table of keys, and what its values make. Must not know: other groups; ``intent.grouping`` joins them.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

from clos.controller.intent.model import Group, Where
from clos.controller.intent.schema.external_keys import NAME_OR_PREFIX, PREFIXES, prefixes
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
        raise Refused("", "a group selects by at least one of endpoints, networks, labels, cidr, groups, except")
    _check_range(values)
    wanted = {key: value for key, value in values.items() if key in ("endpoints", "networks", "labels")}
    own = _selection(name, wanted, where) if wanted else Group(name, where=where)
    less = values.get("except", ())
    if isinstance(less, Group):
        own, less = Group(name, own.endpoints, own.networks, own.labels, where, without=(less,)), ()
    cut = tuple(sorted({word for word in less if isinstance(word, tuple)}))
    if "cidr" in values:
        own = replace(own, cidr=prefixes(values["cidr"]), cut=cut)
    return Written(own, tuple(values.get("groups", ())), tuple(word for word in less if isinstance(word, str)))


def _check_range(values: dict[str, Any]) -> None:
    less = () if isinstance(values.get("except"), Group) else values.get("except", ())
    if "cidr" in values and values.keys() & {"endpoints", "networks", "labels", "groups"}:
        raise Refused("cidr", "a group by cidr holds addresses outside and no endpoints: write a group for each")
    if "cidr" not in values and any(isinstance(word, tuple) for word in less):
        raise Refused("except", "prefixes are exceptions of a group by cidr: write cidr, or leave them out")


EXCEPT = Either(
    "a list of groups and prefixes, or a selection",
    (ListOf(NAME_OR_PREFIX, least=1, most=4_000), Record("a selection", _SELECTORS, _exception)),
)
GROUP = Record(
    "a group",
    (
        *_SELECTORS,
        Key(
            "cidr",
            PREFIXES,
            "Instead of endpoints: addresses outside the fabric with these prefixes; the longest decides.",
            default="none",
        ),
        Key("groups", ListOf(NAME, least=1, most=1_000), "Only endpoints of one of these groups.", default="any"),
        Key(
            "except",
            EXCEPT,
            "Not what is in these groups, of this selection, or of these prefixes.",
            default="none",
        ),
    ),
    _group,
)
