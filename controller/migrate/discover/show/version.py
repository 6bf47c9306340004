"""``show version``: what the device is. It is prose; the few facts wanted are looked for, and the first must be there."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from clos.controller.migrate.discover.lines import LineReader, Output, row

_WORDS = re.compile(
    r"(?i)cisco|ios|software|version|copyright|compiled|support|uptime|memory|interface|reload|license|register"
)


class Version(LineReader):
    """The version, image, platform, serial number and uptime; prose around them is not kept."""

    def __init__(self, output: Output) -> None:
        super().__init__(output)
        self.found: dict[str, str] = {}

    def note(self, **facts: str) -> object:
        for name, value in facts.items():
            self.found.setdefault(name, value.strip())
        return None

    rows = (
        row(r"\s*Cisco IOS[ -]XE Software, Version (\S[^,]*?)",
            lambda self, match: self.note(platform="iosxe", xe_version=match[1])),
        row(r"\s*(?:Cisco )?IOS(?: \(tm\)| Software)?(?:, IOS-XE Software)?(?:,)?.*?\(?([\w-]+-M\b)?\)?,.*Version ([^\s,]+).*",
            lambda self, match: self.note(
                version=match[2], platform="iosxe" if re.search(r"IOS-XE|X86_64_LINUX_IOSD|IOSXE|LINUX", match[0]) else "ios",
                image=match[1] or "")),
        row(r"\s*Cisco Nexus Operating System.*", lambda self, match: self.note(platform="nxos")),
        row(r"\s*(?:NXOS|system):\s+version (\S+).*", lambda self, match: self.note(version=match[1])),
        row(r"\s*Device name:\s*(\S+)", lambda self, match: self.note(hostname=match[1])),
        row(r"\s*Kernel uptime is (.*)", lambda self, match: self.note(uptime=match[1])),
        row(r"\s*(\S+) uptime is (.*)", lambda self, match: self.note(hostname=match[1], uptime=match[2])),
        row(r'\s*System image file is "(.*?)".*', lambda self, match: self.note(system_image=match[1])),
        row(r"\s*Processor [Bb]oard ID ([^\s,]+).*", lambda self, match: self.note(serial=match[1])),
        row(r"\s*System [Ss]erial [Nn]umber\s*:\s*(\S+)", lambda self, match: self.note(system_serial=match[1])),
        row(r"\s*(?:[Cc]isco|[A-Z][\w-]+) (\S+)(?: \((\S.*?)\))?.* with (\S+) bytes of .*memory\.?",
            lambda self, match: self.note(chassis=match[1], memory=match[3])),
        row(r"\s*Configuration register is (\S+).*", lambda self, match: self.note(register=match[1])),
        row(r"\s*[Ll]ast reload reason\s*:? ?(.*)", lambda self, match: self.note(reload_reason=match[1])),
        row(r"\s*System returned to ROM by (.*)", lambda self, match: self.note(returned=match[1])),
        row(r"\s*ROM: (.*)", lambda self, match: self.note(rom=match[1])),
        row(r".*"),
    )  # fmt: skip

    def values(self) -> Mapping[str, Any]:
        return {"facts": {name: value for name, value in self.found.items() if value}}

    def count(self, lines: list[str]) -> None:
        if not {"version", "xe_version"} & set(self.found):
            self.refuse("no version was read", 0)
