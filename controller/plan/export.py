"""Rules, groups, meters and whole rulesets as JSON, for other programs. Knows no files.

The form, ``format_version`` 1. Numbers that may exceed 53 bits, and values people read, are text::

    {"format_version": 1,
     "switches": ["leaf1", "spine1"],
     "rules": [
       {"switch": "leaf1", "table": 3, "priority": 20,
        "match": {"metadata": "0x10007/0xffff", "eth_dst": "02:00:00:00:00:01"},
        "instructions": {"meter": 1, "apply": ["push_vlan:0x8100", "set_field:7->vlan_vid"], "clear": true,
                         "write": ["group:4"], "metadata": "0x100/0xff00", "goto": 5},
        "cookie": "0xc105000000000001"}],
     "groups": [
       {"switch": "leaf1", "group": 4, "type": "select",
        "buckets": [{"actions": ["output:49"], "weight": 1, "watch_port": 49}]}],
     "meters": [
       {"switch": "leaf1", "meter": 1, "unit": "kbps", "bands": [{"rate": 1000, "burst": 100}]}]}

- Rules are sorted by switch, table, falling priority, match; groups and meters by switch and number.
- ``match`` is by OpenFlow 1.3 field name. MAC, IPv4 and IPv6 addresses have their usual text, a prefix is
  ``10.0.0.0/8``, any other mask follows a slash; other numbers are decimal or ``0x``; an exact ``vlan_vid`` is the
  VLAN id, or ``none`` for untagged.
- ``instructions`` has only the keys that apply; ``{}`` drops the packet (and executes its action set).
- ``idle_timeout``, ``hard_timeout`` (seconds) and ``flags`` (OFPFF_*) of a rule are given only when not 0;
  ``watch_port`` and ``watch_group`` of a bucket only when watched; a band with ``dscp_levels`` remarks, others drop.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from clos.controller.plan.change import Entry
from clos.fabric.dataplane.match import Match
from clos.fabric.dataplane.rule import Bucket, GroupEntry, Instructions, Meter, Rule
from clos.fabric.dataplane.ruleset import Ruleset
from clos.fabric.packet.fields import text

FORMAT_VERSION = 1

Json = dict[str, Any]


def match_json(match: Match) -> Json:
    """Field name to text, in OXM order; ``{}`` takes every packet."""
    return {name: text(name, value, mask) for name, value, mask in match}


def instructions_json(instructions: Instructions) -> Json:
    """The instructions that are there, in the order they are performed."""
    meter, apply, clear, write, metadata, goto = instructions
    return {
        **({"meter": meter} if meter is not None else {}),
        **({"apply": [str(action) for action in apply]} if apply else {}),
        **({"clear": True} if clear else {}),
        **({"write": [str(action) for action in write]} if write else {}),
        **({"metadata": f"{metadata[0]:#x}/{metadata[1]:#x}"} if metadata is not None else {}),
        **({"goto": goto} if goto is not None else {}),
    }


def rule_json(rule: Rule) -> Json:
    """A rule as in the form above, without its switch."""
    rest = {"idle_timeout": rule.idle_timeout, "hard_timeout": rule.hard_timeout, "flags": rule.flags}
    return {
        "table": rule.table,
        "priority": rule.priority,
        "match": match_json(rule.match),
        "instructions": instructions_json(rule.instructions),
        "cookie": f"{rule.cookie:#x}",
        **{name: value for name, value in rest.items() if value},
    }


def group_json(group: GroupEntry) -> Json:
    """A group entry as in the form above, without its switch."""
    return {"group": group.group, "type": group.type, "buckets": [_bucket_json(bucket) for bucket in group.buckets]}


def _bucket_json(bucket: Bucket) -> Json:
    watched = {"watch_port": bucket.watch_port, "watch_group": bucket.watch_group}
    return {
        "actions": [str(action) for action in bucket.actions],
        "weight": bucket.weight,
        **{name: value for name, value in watched.items() if value is not None},
    }


def meter_json(meter: Meter) -> Json:
    """A meter as in the form above, without its switch; ``unit`` is ``kbps`` or ``pps``."""
    bands = [{name: value for name, value in band._asdict().items() if value is not None} for band in meter.bands]
    return {"meter": meter.meter, "unit": "pps" if meter.packets else "kbps", "bands": bands}


def entry_json(entry: Entry) -> Json:
    """Any entry, by its kind."""
    if isinstance(entry, Rule):
        return rule_json(entry)
    return group_json(entry) if isinstance(entry, GroupEntry) else meter_json(entry)


def ruleset_json(ruleset: Ruleset) -> Iterator[str]:
    """The whole ruleset as chunks of one JSON document, one entry per line; join or write them as they come.

    An entry that many switches hold is converted once. Byte for byte reproducible.
    """
    yield f'{{"format_version": {FORMAT_VERSION},\n"switches": {json.dumps(ruleset.switches)}'
    yield from _section(ruleset, "rules")
    yield from _section(ruleset, "groups")
    yield from _section(ruleset, "meters")
    yield "\n}\n"


def _section(ruleset: Ruleset, kind: str) -> Iterator[str]:
    yield f',\n"{kind}": ['
    known: dict[int, str] = {}
    separator = "\n"
    for switch in ruleset.switches:
        start = f'{{"switch": {json.dumps(switch)}, '
        for entry in getattr(ruleset.state(switch), kind):
            line = known.get(id(entry))
            if line is None:
                line = known[id(entry)] = json.dumps(entry_json(entry))[1:]
            yield f"{separator}{start}{line}"
            separator = ",\n"
    yield "]"
