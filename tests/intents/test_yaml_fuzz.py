"""Whatever is written, reading it gives an intent or problems: never a traceback, never a hang."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from random import Random

import pytest

from clos.controller.intent import Problem, Text, load_intent, load_topology
from clos.controller.intent.source import MAX_BYTES
from tests.support.examples import EXAMPLES
from tests.support.problem_cases import FABRIC, cases
from tests.support.root import ROOT
from tests.support.work import calls

DEMO = load_topology(ROOT / "topologies" / "demo.yaml").topology
TOPOLOGY = replace(DEMO, hosts=DEMO.hosts | load_topology(Text("small", FABRIC)).topology.hosts)
MUTANTS = 40 * EXAMPLES

OFFICE = (ROOT / "intents" / "demo.yaml").read_text().split("---\n", 1)[1].replace("to: [shop, office]", "to: [office]")
RECIPE = (ROOT / "topologies" / "bench-2k.yaml").read_text().replace("hostsPerLeaf: 63", "hostsPerLeaf: 1")
INTENTS = ([OFFICE], [case.text for case in cases("intent_problems.txt")])
TOPOLOGIES = ([FABRIC, RECIPE], [case.text for case in cases("topology_problems.txt")])
"""Texts to start from: some that are accepted as they are, and the cookbook of problems."""
WORDS = [
    *(
        "{}",
        "[]",
        "[[]]",
        "''",
        '""',
        "~",
        "null",
        "true",
        "no",
        "-",
        "- -",
        "?",
        ":",
        ": :",
        "&a",
        "*a",
        "<<: *a",
        "!!int 1",
        "!x",
    ),
    *(
        "|",
        ">",
        "|2-",
        "%",
        "@",
        "`",
        "#",
        "---",
        "...",
        "\t",
        "\n",
        "\n\n  ",
        "\r",
        "\r\n",
        "\0",
        "\u0085",
        "\u2028",
        "\ufeff",
    ),
    *(
        "\U0001f600",
        "\ud800",
        "é",
        "٣",
        "²",
        "0",
        "-1",
        "1e9",
        "0x",
        "0xff",
        "9" * 40,
        "1.5",
        ".inf",
        "2001-01-01",
        "x" * 300,
    ),
    *(
        "10.1.0.5",
        "10.1.0.5 on h1",
        "10.0.0.0/8",
        "0.0.0.0/0",
        "::1",
        "02:00:00:00:00:01",
        "tcp/1-65535",
        "udp/0",
        "any",
        "ip/300",
    ),
    *(
        "500 Mbps",
        "leaf1:1",
        "leaf1:99999999999",
        "spine1",
        "web1",
        "[" * 60,
        "{a: " * 60,
        "a: " * 9,
        "}",
        "]",
        ",",
        '"',
        "'",
        "\\",
    ),
    *(
        "networks",
        "endpoints",
        "groups",
        "from",
        "to",
        "kind: Share",
        "kind: Topology",
        "apiVersion: clos/v1",
        "switches",
        "generate",
    ),
]


def _cut(text: str, dice: Random) -> str:
    start, end = sorted((dice.randint(0, len(text)), dice.randint(0, len(text))))
    return text[:start] + text[min(end, start + dice.choice((1, 1, 3, 20, 10_000))) :]


def _insert(text: str, dice: Random) -> str:
    at = dice.randint(0, len(text))
    return text[:at] + dice.choice(WORDS) + text[at:]


def _replace_word(text: str, dice: Random) -> str:
    words = text.split(" ")
    words[dice.randrange(len(words))] = dice.choice(WORDS)
    return " ".join(words)


def _replace_character(text: str, dice: Random) -> str:
    at = dice.randint(0, max(len(text) - 1, 0))
    return (
        text[:at]
        + chr(dice.choice((dice.randrange(128), dice.randrange(0x3000), ord(dice.choice("{}[],:-#&*!|>'\"%@`")))))
        + text[at + 1 :]
    )


def _lines(text: str, dice: Random) -> str:
    """Move, repeat, drop or indent a line."""
    lines = text.split("\n")
    line = lines.pop(dice.randrange(len(lines)))
    at = dice.randint(0, len(lines))
    lines[at:at] = dice.choice(([], [line], [line, line], [f"  {line}"], [line.lstrip()]))
    return "\n".join(lines)


def _splice(text: str, dice: Random) -> str:
    other = dice.choice([*INTENTS[1], *TOPOLOGIES[1], OFFICE])
    return text[: dice.randint(0, len(text))] + other[dice.randint(0, len(other)) :]


MUTATIONS: tuple[Callable[[str, Random], str], ...] = (
    _cut,
    _insert,
    _replace_word,
    _replace_character,
    _lines,
    _splice,
)


def mutants(seeds: tuple[list[str], ...], count: int, seed: int) -> Iterator[str]:
    dice = Random(seed)
    for _ in range(count):
        text = dice.choice(dice.choice(seeds))
        for _ in range(dice.choice((1, 1, 1, 2, 3, 8))):
            text = dice.choice(MUTATIONS)(text, dice)
        yield text


def _well_formed(problems: tuple[Problem, ...], text: str) -> bool:
    """Whether problems are in order, printable, and each at a place of the text (or just after it)."""
    lines = text.count("\n") + text.count("\r") + 2
    return list(problems) == sorted(problems) and all(
        1 <= p.line <= lines and p.column >= 1 and p.message and str(p).isprintable() for p in problems
    )


@pytest.mark.parametrize("seed", range(4))
def test_mutated_intents_give_an_intent_or_problems(seed: int) -> None:
    accepted = 0
    for text in mutants(INTENTS, MUTANTS // 5, seed):
        loaded = load_intent(Text("t", text), TOPOLOGY)
        assert (loaded.intent is None) == bool(loaded.problems), text
        assert _well_formed(loaded.problems, text), text
        accepted += loaded.intent is not None
    assert accepted > MUTANTS / 1_000, "mutants so broken that none is ever accepted test the parser only"


@pytest.mark.parametrize("seed", range(2))
def test_mutated_topologies_give_a_topology_or_problems(seed: int) -> None:
    accepted = 0
    for text in mutants(TOPOLOGIES, MUTANTS // 10, seed):
        loaded = load_topology(Text("t", text))
        assert (loaded.topology is None) == bool(loaded.problems), text
        assert _well_formed(loaded.problems, text), text
        accepted += loaded.topology is not None
    assert accepted > MUTANTS / 1_000, "mutants so broken that none is ever accepted test the parser only"


def test_mutated_bytes_give_an_intent_or_problems(tmp_path) -> None:
    dice = Random(7)
    file = tmp_path / "t.yaml"
    seeds = [text.encode() for text in (OFFICE, *INTENTS[1]) if len(text) > 300]
    for _ in range(500):
        data = bytearray(dice.choice(seeds))
        for _ in range(dice.choice((1, 2, 9))):
            data[dice.randrange(len(data))] = dice.randrange(256)
        file.write_bytes(data)
        loaded = load_intent(file, TOPOLOGY)
        assert (loaded.intent is None) == bool(loaded.problems), data


@cache
def _bombs() -> dict[str, str]:
    head = "apiVersion: clos/v1\nkind: Tenant\nmetadata: {name: red}\nspec:\n"
    net = head + "  networks: {a: {subnet: 10.0.0.0/8}}\n"
    laughs = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"{x}: &{x} [{', '.join([f'*{y}'] * 9)}]\n" for x, y in zip("bcdefghi", "abcdefgh", strict=True)
    )
    return {
        "a billion laughs": laughs,
        "lists in lists": "[" * 1_000_000,
        "mappings in mappings": "{a: " * 500_000,
        "dashes": "- " * 1_000_000,
        "question marks": "? " * 1_000_000,
        "indented deeper and deeper": "".join(f"{' ' * i}a:\n" for i in range(2_000)),
        "a very long word": head + "  networks: " + "x" * 10_000_000,
        "a very long key": "k" * 10_000_000 + ": 1",
        "a quoted word that never ends": '"' + "a\n" * 1_000_000,
        "a block that never ends": "|\n" + " a\n" * 1_000_000,
        "very many values": "[" + "a," * 1_000_000,
        "very many keys": "".join(f"k{i}: 1\n" for i in range(200_000)),
        "one key very often": "k: 1\n" * 150_000,
        "very many comments": "#\n" * 5_000_000 + "]",
        "very many documents": "--- a\n" * 200_000,
        "very many anchors": "".join(f"- &a{i} x\n" for i in range(200_000)),
        "very many tags": "- !t x\n" * 200_000,
        "very many unknown hosts": net
        + "  endpoints:\n"
        + "".join(f"    e{i}: 10.{i >> 16}.{i >> 8 & 255}.{i & 255} on h{i}\n" for i in range(2, 25_000)),
        "very many unknown endpoints": net
        + "  groups: {g: {endpoints: ["
        + ", ".join(f"e{i}" for i in range(100_000))
        + "]}}",
        "very many empty groups": net
        + "  endpoints:\n"
        + "".join(f"    e{i}: 10.0.{i >> 8}.{i & 255} on h1\n" for i in range(2, 2_000))
        + "  groups:\n"
        + "".join(f"    g{i}: {{labels: {{a: b}}}}\n" for i in range(2_000)),
    }


@pytest.mark.slow
@pytest.mark.parametrize("name", _bombs())
def test_a_bomb_costs_no_more_than_its_size(name: str) -> None:
    text, problems = _bombs()[name], []
    work = calls(lambda: problems.extend(load_intent(Text("t", text), TOPOLOGY).problems))
    assert problems
    assert work < 2_000 + 10 * len(text)


def test_a_file_larger_than_the_limit_is_not_even_parsed() -> None:
    def read(text: str) -> list[str]:
        return [p.message for p in load_intent(Text("t", text), TOPOLOGY).problems]

    just, far = "[" * (MAX_BYTES + 1), "[" * (2 * MAX_BYTES)
    assert read(just) == read(far) == ["larger than 32 MiB: split it into several files"]
    assert calls(lambda: read(just)) == calls(lambda: read(far)) < 110
