"""``show interfaces``: what each interface runs with. Counters and queues are known and not kept."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from clos.controller.migrate.discover.lines import LineReader, Output, row
from clos.controller.migrate.discover.names import interface_name, mac_address
from clos.controller.migrate.model import InterfaceState


class Interfaces(LineReader):
    """An interface begins where its name begins a line; all else is indented."""

    witness = re.compile(r"^\S+ is .*, line protocol is ")

    def __init__(self, output: Output) -> None:
        super().__init__(output)
        self.found: list[InterfaceState] = []

    def begin(self, match: re.Match[str]) -> None:
        down = match[2] == "administratively down" or "disabled" in match[2]
        self.found.append(InterfaceState(interface_name(match[1]), down, match[3].startswith("up")))

    def change(self, **fields: Any) -> object:
        if not self.found:
            return NotImplemented
        self.found[-1] = self.found[-1]._replace(**fields)
        return None

    def more(self, match: re.Match[str]) -> object:
        return None if self.found else NotImplemented

    rows = (
        row(r"(\S+) is ((?:administratively )?\w[\w -]*?)(?: \(.*\))?, line protocol is (\w+)(?: .*)?", begin),
        row(r"\s+Hardware is .*address is ([0-9a-f.]{14}) .*", lambda self, m: self.change(mac=mac_address(m[1]))),
        row(r"\s+MTU (\d+) bytes,(?: sub MTU \d+,)? BW (\d+) Kbit(?:/sec)?(?:, RxBW \d+ Kbit(?:/sec)?)?, DLY (\d+) usec,?.*",
            lambda self, m: self.change(mtu=int(m[1]), bandwidth_kbps=int(m[2]), delay_us=int(m[3]))),
        row(r"\s+\S.*", more),
    )  # fmt: skip

    def values(self) -> Mapping[str, Any]:
        return {"interfaces": tuple(self.found)}
