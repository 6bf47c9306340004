"""``show [ip] access-lists``: lines with their numbers, hit counts taken off; IPv6 and role-based lists by family."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from clos.controller.migrate.discover.lines import LineReader, Output, row
from clos.controller.migrate.model import AccessList, AclLine

_HITS = re.compile(r"\s*\[match=\d+\]|\s*\((?:\d+ match(?:es)?|time left \d+|active|inactive|hitcnt=\d+)\)")
_WORDS = re.compile(r"permit|deny|remark|evaluate|dynamic|Dynamic|reflexive")


class AccessLists(LineReader):
    """Standard, extended, IPv6, FQDN, MAC and role-based access lists."""

    witness = re.compile(r"^\s*(?:\d+ )?(?:permit|deny)\b")

    def __init__(self, output: Output) -> None:
        super().__init__(output)
        self.heads: list[tuple[str, bool, str]] = []
        self.lists: list[list[AclLine]] = []

    def begin(self, name: str, extended: bool, family: str) -> None:
        self.heads.append((name, extended, family))
        self.lists.append([])

    def line_(self, match: re.Match[str]) -> object:
        if not self.lists or not _WORDS.match(match[2]):
            return NotImplemented
        text = _HITS.sub("", match[2]).strip()
        after = re.search(r"\s+sequence (\d+)$", text)
        number = int(match[1] or (after[1] if after else self.next_number(text)))
        self.lists[-1].append(
            AclLine(number, text[: after.start()] if after else text, self.output.source(self.number))
        )
        return None

    def next_number(self, text: str) -> int:
        """Old outputs have no numbers: the lines of a list of packets get those that IOS gives them; a remark has none."""
        if text.startswith("remark"):
            return 0
        return max((line.sequence for line in self.lists[-1]), default=0) + 10

    rows = (
        row(r"\s*(Standard|Extended|Reflexive) IP access list (\S+).*",
            lambda self, match: self.begin(match[2], match[1] != "Standard", "ipv4")),
        row(r"\s*Role-based IP access list (\S+).*", lambda self, match: self.begin(match[1], True, "role-based")),
        row(r"\s*(?:FQDN (IPv6|IP)|(IPv6|IP) FQDN) access list (\S+).*",
            lambda self, match: self.begin(match[3], True, "ipv6" if "IPv6" in match.groups() else "fqdn")),
        row(r"IP access list (\S+)", lambda self, match: self.begin(match[1], True, "ipv4")),
        row(r"\s*IPv6 access list (\S+).*", lambda self, match: self.begin(match[1], True, "ipv6")),
        row(r"\s*Extended MAC access list (\S+).*", lambda self, match: self.begin(match[1], True, "mac")),
        row(r"\s*(?:(\d+) )?\s*(\S.*?)", line_),
        row(r"\s*statistics per-entry.*"),
    )  # fmt: skip

    def size(self) -> int:
        return sum(re.match(r"permit|deny", line.text) is not None for lines in self.lists for line in lines)

    def values(self) -> Mapping[str, Any]:
        return {
            "access_lists": tuple(
                AccessList(name, extended, tuple(lines), family)
                for (name, extended, family), lines in zip(self.heads, self.lists, strict=True)
            )
        }
