"""``show inventory``: modules, stack members and optics with their part and serial numbers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from clos.controller.migrate.discover.lines import LineReader, Output, row
from clos.controller.migrate.model import InventoryItem


class Inventory(LineReader):
    """Two lines an item: its name and description, then PID, VID and SN, any of which may be empty (IOS and NX-OS)."""

    witness = re.compile(r"^\s*(?:NAME|Name)\s*: ")

    def __init__(self, output: Output) -> None:
        super().__init__(output)
        self.found: list[InventoryItem] = []
        self.open = False

    def begin(self, match: re.Match[str]) -> None:
        self.found.append(InventoryItem(match[1].strip().strip('"'), match[2].strip().strip('"')))
        self.open = True

    def part(self, match: re.Match[str]) -> object:
        if not self.open:
            return NotImplemented
        self.open = False
        words = [(word or "").strip() for word in match.groups()]
        self.found[-1] = self.found[-1]._replace(pid=words[0], vid=words[1], serial=words[2])
        return None

    rows = (
        row(r'\s*(?:NAME|Name)\s*: (".*?"|[^,]*?)\s*,\s+DESCR:\s*(.*?)', begin),
        row(r"\s*PID: ?(.*?)\s*, +VID: ?(.*?)\s*, +SN: ?(.*?)", part),
        row(r"\s*INFO: .*|\++(?: .* \++)?|\s*-{5,}|\s*[Hh]ow inventory|.*executing command.*"),
    )  # fmt: skip

    def values(self) -> Mapping[str, Any]:
        return {"inventory": tuple(self.found)}
