"""PyPI has a package ``fabric`` too, installed under the very name of ours: where both are, neither works.

Lives here: finding it quickly, since every start looks. Must not know: anything else.
"""

from __future__ import annotations

import sys
from pathlib import Path

REMEDY = "give Clos an environment of its own: python3 -m venv .venv && .venv/bin/pip install -e ."


def intruder() -> str:
    """The directory that PyPI's ``fabric`` is installed in; empty: nowhere."""
    for entry in sys.path:
        found = next(Path(entry or ".").glob("fabric-[0-9]*.dist-info"), None)
        if found is not None:
            return str(found.parent)
    return ""
