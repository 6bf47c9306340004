"""What tests of readers share: one output read by the reader of its command."""

from __future__ import annotations

from typing import Any

from clos.controller.migrate.discover.lines import Output, Reading
from clos.controller.migrate.discover.readers import reader_of


def read(command: str, text: str, vrf: str | None = None) -> Reading:
    """The reading of an output of the device ``sw1``."""
    known = reader_of(command)
    assert known is not None
    return known.reader.read(Output("sw1", command, text, vrf or known.vrf))


def value(command: str, text: str, field: str) -> Any:
    """The field, of an output of which every line was taken."""
    reading = read(command, text)
    assert reading.unparsed == ()
    return reading.values[field]
