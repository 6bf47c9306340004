"""Logins as the command line keeps them: by the controller's address, in a file that only its owner can read.

Must not know: HTTP, passwords. The file is ``$XDG_CONFIG_HOME/clos/logins.json``, by default under ``~/.config``.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any


def place() -> Path:
    """Where logins are kept."""
    base = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(base) / "clos" / "logins.json"


def token(url: str) -> str | None:
    """The token of whoever is logged in at the controller there."""
    found = _read().get(url)
    return str(found["token"]) if isinstance(found, dict) and "token" in found else None


def keep(url: str, said: dict[str, Any] | None) -> None:
    """Remember a login (``token``, ``name``, ``expires``), or with None forget it."""
    logins, path = _read(), place()
    if said is None:
        logins.pop(url, None)
    else:
        logins[url] = said
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = path.with_suffix(f".{os.getpid()}")
    descriptor = os.open(fresh, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(logins, file, indent=1)
    try:
        fresh.replace(path)
    except OSError:
        fresh.unlink()
        raise


def _read() -> dict[str, Any]:
    try:
        found = json.loads(place().read_text())
    except (OSError, ValueError, RuntimeError):  # RuntimeError: nobody's home
        return {}
    return found if isinstance(found, dict) else {}
