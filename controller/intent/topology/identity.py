"""Identities: the datapath id and node tag of each switch, the node tag of each pair, kept from revision to revision.

Lives here: which numbers a name keeps when nobody wrote them, and the ``Identities`` document they are kept in. Must
not know: where revisions are stored, who asks.

Default numbers follow the order of the file. A switch written in the middle of it would give every later one the
number of its neighbour, and with it another box. So a name that is known keeps its numbers, and a new one gets those
that nobody has.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import chain
from typing import Any, NamedTuple

from clos.controller.intent.schema.notation import API_VERSION, NAME, NOTE, document
from clos.controller.intent.schema.shapes import Key, MapOf, Number, Record
from clos.controller.intent.topology.avoided import MARK as AVOIDED_MARK
from clos.fabric.generate import DPID_BASE
from clos.fabric.topology import MAX_NODE_TAG, Pair, Switch, Topology

DPID, TAG = "dpid", "tag"
MARK = "\n---\n# Kept by Clos: the identities that switches of this fabric have had since earlier revisions.\n"
"""Begins what ``with_identities`` adds to a document."""

IDENTITIES = document(
    "Identities",
    Record(
        "metadata",
        (
            Key("name", NAME, "The fabric's name.", required=True),
            Key("description", NOTE, "For people.", default="none"),
        ),
    ),
    Record(
        "identities",
        (
            Key(
                "switches",
                MapOf(
                    NAME,
                    Record(
                        "an identity",
                        (
                            Key(DPID, Number("a datapath id", 1, 2**64 - 1), "Its datapath id.", required=True),
                            Key(
                                TAG,
                                Number("a node tag", 1, MAX_NODE_TAG),
                                "Its node tag; not for spines.",
                                default="none",
                            ),
                        ),
                    ),
                ),
                "Switches by name.",
                default="none",
            ),
            Key(
                "pairs",
                MapOf(NAME, Number("a node tag", 1, MAX_NODE_TAG)),
                "Node tags of pairs, by name.",
                default="none",
            ),
        ),
    ),
    "Numbers of switches and pairs for which the Topology document before it has none.",
)


class Identities(NamedTuple):
    """``dpids`` of switches; ``tags`` of leaves, border leaves and pairs; by name."""

    dpids: Mapping[str, int] = {}
    tags: Mapping[str, int] = {}

    def over(self, other: Identities) -> Identities:
        """These, and of the other those of names that have none here."""
        return Identities({**other.dpids, **self.dpids}, {**other.tags, **self.tags})


NOBODY = Identities()


def identities_of(topology: Topology) -> Identities:
    return Identities({s.name: s.dpid for s in topology.switches.values()}, topology.nodes)


def read_identities(spec: Mapping[str, Any]) -> Identities:
    """Of the spec of an ``Identities`` document that was read."""
    switches: Mapping[str, Mapping[str, int]] = spec.get("switches", {})
    tags = {name: one[TAG] for name, one in switches.items() if TAG in one}
    return Identities({name: one[DPID] for name, one in switches.items()}, tags | spec.get("pairs", {}))


def keeping(made: Topology, written: Identities, known: Identities) -> Topology:
    """The topology, but numbers that are not ``written`` are those that are ``known``, or that nobody else has."""
    if not known.dpids and not known.tags:
        return made
    switches = made.switches.values()
    dpids = _kept({s.name: s.dpid for s in switches}, written.dpids, known.dpids, _next_dpid(made))
    tags = _kept(made.nodes, written.tags, known.tags, _next_tag(made.pairs))
    return replace(
        made,
        switches={s.name: Switch(s.name, s.role, dpids[s.name], tags.get(s.name, 0), s.site) for s in switches},
        pairs={p.name: Pair(p.name, p.leaves, tags[p.name]) for p in made.pairs.values()},
    )


def _kept(
    default: Mapping[str, int],
    written: Mapping[str, int],
    known: Mapping[str, int],
    others: Callable[[str], Iterable[int]],
) -> dict[str, int]:
    """A number for each name of ``default``: its written one, its known one, its default, or one of the ``others``.

    The default of a new name may be that of a name that is gone: most likely the switch is only called otherwise now.
    """
    found = {name: written.get(name, known.get(name, 0)) for name in default}
    taken = {number for number in found.values() if number}
    for name, number in found.items():
        if not number:
            free = default[name] not in taken
            found[name] = default[name] if free else next(_unused(others(name), taken.union(known.values())), 0)
            taken.add(found[name])
    return found


def _unused(numbers: Iterable[int], taken: Collection[int]) -> Iterator[int]:
    return (number for number in numbers if number not in taken)


def _next_dpid(made: Topology) -> Callable[[str], Iterable[int]]:
    def others(name: str) -> Iterable[int]:
        base = DPID_BASE[made.switches[name].role]
        return range(base + 1, base + 0x1_0000)

    return others


def _next_tag(pairs: Collection[str]) -> Callable[[str], Iterable[int]]:
    """Leaves count up, pairs down."""
    return lambda name: range(MAX_NODE_TAG, 0, -1) if name in pairs else range(1, MAX_NODE_TAG + 1)


def with_identities(text: str, topology: Topology) -> str:
    """A topology's text with the identities of all its switches and pairs as a document of their own behind it."""
    head = [f"apiVersion: {API_VERSION}", "kind: Identities", f"metadata: {{name: {topology.name}}}", "spec:"]
    switches = (f"    {s.name}: {_numbers(s)}" for s in topology.switches.values())
    pairs = (f"    {pair.name}: {pair.tag}" for pair in topology.pairs.values())
    rows = chain(head, _section("switches", switches), _section("pairs", pairs))
    return as_written(text) + MARK + "\n".join(rows) + "\n"


def as_written(text: str) -> str:
    """A topology's text without what ``with_identities`` and ``with_avoided`` added to it."""
    return text.partition(MARK)[0].partition(AVOIDED_MARK)[0]


def _section(name: str, rows: Iterable[str]) -> list[str]:
    found = [*rows]
    return [f"  {name}:", *found] if found else []


def _numbers(switch: Switch) -> str:
    return f"{{dpid: {switch.dpid:#x}" + (f", tag: {switch.tag}}}" if switch.is_leaf else "}")
