"""Files of a lab with a legacy network, in its directory.

Lives here: their names. Must not know: what is in them.
"""

from __future__ import annotations

from pathlib import Path

NODES, READY, FAILED = "nodes.json", "ready-legacy.json", "failed-legacy.txt"
CONTROL, KNOWN_HOSTS, LOG = "control", "known_hosts", "legacy.log"


def write(file: Path, text: str) -> None:
    """The file is there whole, or not at all."""
    fresh = file.with_name(f"{file.name}.new")
    fresh.write_text(text, encoding="utf-8")
    fresh.rename(file)
