"""The cookbook of problems: reads ``intent_problems.txt`` and ``topology_problems.txt``.

A case is ``== name``, the lines of a file, and ``-> path: message`` for each problem expected, in order. ``¶`` stands
before the first character of each place that must be named; ``@word`` stands for lines of ``BLOCKS``.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).parent.parent
BLOCKS = {
    "@red": "apiVersion: clos/v1\nkind: Tenant\nmetadata: {name: red}\nspec:",
    "@net": "  networks: {a: {subnet: 10.1.0.0/24}}",
    "@one": "  networks: {a: {subnet: 10.1.0.0/24}}\n  endpoints: {x: 10.1.0.5 on h1}\n  groups: {g: {networks: [a]}}",
    "@blue": "---\napiVersion: clos/v1\nkind: Tenant\nmetadata: {name: blue}\nspec:\n"
    "  networks: {b: {subnet: 10.2.0.0/24}}\n  endpoints: {y: 10.2.0.5 on h2}\n  groups: {g: {networks: [b]}}",
    "@share": "---\napiVersion: clos/v1\nkind: Share\nmetadata: {name: dns, tenant: blue}\n"
    "spec: {group: g, services: [udp/53], to: [red]}",
    "@fabric": "apiVersion: clos/v1\nkind: Topology\nmetadata: {name: small}\nspec:",
    "@switches": "  switches: {spine1: {role: spine}, leaf1: {role: leaf}, leaf2: {role: leaf}}",
    "@links": "  links: [[leaf1:1, spine1:1], [leaf2:1, spine1:2]]",
}
CHARACTERS = {"<NUL>": "\0", "<LS>": "\u2028"}
FABRIC = """\
apiVersion: clos/v1
kind: Topology
metadata: {name: small}
spec:
  switches: {spine1: {role: spine}, leaf1: {role: leaf}}
  links: [[leaf1:1, spine1:1]]
  hosts: {h1: leaf1:11, h2: leaf1:12, h3: leaf1:13, vm1: {port: leaf1:15, mode: trunk},
    border1: {port: leaf1:16, mode: legacy}, border2: {port: leaf1:17, mode: legacy}}
"""


class Case(NamedTuple):
    """``text``: without marks; ``problems``: (line, column, ``path: message``) of each."""

    name: str
    text: str
    problems: tuple[tuple[int, int, str], ...]


def cases(file: str) -> list[Case]:
    return [_case(block) for block in re.split(r"^== ", (HERE / file).read_text(), flags=re.MULTILINE)[1:]]


def _case(block: str) -> Case:
    name, *lines = block.rstrip("\n").split("\n")
    told = [line.removeprefix("-> ") for line in lines if line.startswith("-> ")]
    text = "\n".join(BLOCKS.get(line, line) for line in lines if not line.startswith("-> ")) + "\n"
    for word, character in CHARACTERS.items():
        text = text.replace(word, character)
    places = _places(text)
    if len(places) != len(told):
        raise ValueError(f"{name}: {len(places)} places, {len(told)} problems")
    return Case(
        name, text.replace("¶", ""), tuple((*place, message) for place, message in zip(places, told, strict=True))
    )


def _places(text: str) -> list[tuple[int, int]]:
    rows = enumerate(text.split("\n"), 1)
    return [(line, mark.start() + 1 - n) for line, row in rows for n, mark in enumerate(re.finditer("¶", row))]
