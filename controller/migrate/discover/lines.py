"""How an output is read: line by line, by a table of patterns; what no pattern takes is named, never dropped.

Lives here: outputs, readings, and the base of all readers. Must not know: any command.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple

from clos.controller.migrate.model import Source, Unparsed


class Output(NamedTuple):
    """What a device printed for a command; ``vrf`` where the command named one."""

    device: str
    command: str
    text: str
    vrf: str | None = None

    def source(self, line: int = 0) -> Source:
        """Where a line of it is."""
        return Source(self.device, self.command, line)


@dataclass(frozen=True, slots=True)
class Reading:
    """What a reader made of an output: values by their field of ``State`` or ``Device``, and what it did not take.

    ``refused``: the device's own words where it did not answer the command; ``silent``: it printed nothing at all.
    """

    values: Mapping[str, Any] = field(default_factory=dict)
    unparsed: tuple[Unparsed, ...] = ()
    refused: str | None = None
    silent: bool = False


class Row(NamedTuple):
    """Lines that match are given to ``action``; without an action they say nothing that is kept."""

    pattern: re.Pattern[str]
    action: Callable[[Any, re.Match[str]], object] | None


def row(pattern: str, action: Callable[[Any, re.Match[str]], object] | None = None) -> Row:
    """A row for lines that match the pattern wholly, trailing blanks aside."""
    return Row(re.compile(pattern + r"\s*"), action)


_PROMPT = re.compile(r"\s*[\w.:()/@-]{0,64}[#>]\s*(sh\w* .*|terminal .*|exit)?")
_NOISE = (
    re.compile(r"\s*"),
    _PROMPT,
    re.compile(r"sh(ow?)? [\w ./:|-]+"),
    re.compile(r"Load for five secs: .*"),
    re.compile(r"Time source is .*"),
    re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d+: %UNICON-INFO: .*"),
    re.compile(r"(?:\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d+\] )?\+\+\+ .* \+\+\+"),
    re.compile(r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) [A-Z][a-z]{2} +\d+ \d\d:\d\d:\d\d\.\d+ \w+"),
)
"""What stands around an output: blank lines, prompts, echoes, ``terminal exec prompt timestamp``."""
_SYSLOG = re.compile(r"\s*(?:\d+: )?[*.]?(?:\d+: )?(?:[A-Z][a-z]{2} +\d+ .*?|\d[\w:.]*): %[A-Z][\w-]*-[0-7]-\w+: .*")
"""A message that the device logged to the session meanwhile: never a part of the answer."""

_REFUSALS = re.compile(
    r"\s*(% ?(Invalid (?:input|command)|Incomplete command|Ambiguous command|Unknown command|Unrecognized command|"
    r"Authorization failed|Command authorization failed|Error in authentication|"
    r"Permission denied|This command is not authorized).*|"
    r"Command authorization failed.*|Line has invalid autocommand.*)"
)
_NONE = re.compile(
    r"\s*%? ?(CDP|LLDP|EIGRP|HSRP|VTP|IP routing|Spanning[ -]tree).*( is not enabled| not running| not enabled| "
    r"not configured| not exist|does not exist).*|"
    r"\s*No spanning[ -]tree instances? (exists?|configured).*|\s*% ?EIGRP: No (VRF|process).*|"
    r"\s*%? ?No (neighbors|entries|VTP|EIGRP).*",
    re.IGNORECASE,
)
"""A device's words for "there is none"."""


_ERASED = re.compile(r"[^\x08]\x08")
_CONTROLS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[\x00-\x08\x0b-\x1f\x7f]")
_PAGER = re.compile(r"^ ?-+ ?[Mm]ore ?-+ *(?:\x08+ *\x08*)?", re.MULTILINE)


def plain(text: str) -> str:
    """The text as a person would have seen it: no pager, no erased characters, no control characters (NUL pads)."""
    text = _PAGER.sub("", text.replace("\r\n", "\n"))
    while _ERASED.search(text):
        text = _ERASED.sub("", text)
    return _CONTROLS.sub("", text)


def dedented(lines: list[str]) -> list[str]:
    """The lines without the indentation that all rows have, as where an output was pasted into a document."""
    return textwrap.dedent("\n".join("" if is_noise(line) else line for line in lines)).split("\n")


def is_noise(line: str) -> bool:
    """Whether a line is no part of any output."""
    return any(pattern.fullmatch(line) for pattern in _NOISE) or _SYSLOG.fullmatch(line) is not None


class LineReader:
    """Reads one output by the rows of its table, the first that matches; subclasses keep what they have seen.

    ``starts`` tells lines that must be rows of the table from all others, independently of the table: their number
    and the number of values must agree.
    """

    rows: ClassVar[tuple[Row, ...]] = ()
    witness: ClassVar[re.Pattern[str] | None] = None

    def __init__(self, output: Output) -> None:
        self.output, self.number, self.line = output, 0, ""
        self.unparsed: list[Unparsed] = []
        self.taken = 0

    @classmethod
    def read(cls, output: Output) -> Reading:
        """The whole output."""
        lines = [line.rstrip() for line in plain(output.text).split("\n")]
        reading = cls._read(output, lines)
        level = dedented(lines) if reading.unparsed else lines
        if level != lines:
            again = cls._read(output, level)
            reading = again if len(again.unparsed) < len(reading.unparsed) else reading
        return reading

    @classmethod
    def _read(cls, output: Output, lines: list[str]) -> Reading:
        reader = cls(output)
        refusal = next((line.strip() for line in lines if _REFUSALS.fullmatch(line)), None)
        if refusal:
            return Reading(refused=refusal)
        if all(is_noise(line) for line in lines):
            return Reading(silent=True)
        for number, line in enumerate(lines, 1):
            reader.number, reader.line = number, line
            reader.take(line)
        reader.count(lines)
        return Reading(reader.values(), tuple(reader.unparsed))

    def take(self, line: str) -> None:
        """One line: the first row that matches has it, or it is noise, or it is unparsed."""
        if _SYSLOG.fullmatch(line):
            return
        for pattern, action in self.rows:
            match = pattern.fullmatch(line)
            if match is not None and self.act(action, match) is not NotImplemented:
                return
        if not (is_noise(line) or _NONE.fullmatch(line)):
            self.refuse(line.strip())

    def act(self, action: Callable[[Any, re.Match[str]], object] | None, match: re.Match[str]) -> object:
        """What a row does. A value that IOS could not have printed makes the line unparsed; NotImplemented: go on."""
        if action is None:
            return None
        try:
            found = action(self, match)
        except (ValueError, KeyError, IndexError) as fault:
            self.refuse(f"{self.line.strip()} ({fault})")
            return None
        self.taken += found is not NotImplemented
        return found

    def refuse(self, text: str, line: int | None = None) -> None:
        """Names a line that was not taken."""
        self.unparsed.append(Unparsed(self.output.source(self.number if line is None else line), text))

    def count(self, lines: list[str]) -> None:
        """Holds the number of values against the number of lines that begin a row."""
        if self.witness is None or self.unparsed:
            return
        seen = sum(self.witness.search(line) is not None for line in lines)
        if seen != self.size():
            self.refuse(f"{seen} lines begin a row, but {self.size()} rows were read", 0)

    def size(self) -> int:
        """How many values the rows of the output have become."""
        return max((len(value) for value in self.values().values() if isinstance(value, tuple)), default=0)

    def values(self) -> Mapping[str, Any]:
        """What was read, by field."""
        raise NotImplementedError
