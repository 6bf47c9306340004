"""How a program on this machine finds the daemon and shows that it may: two files in the state directory.

Lives here: the address file and the token file. Must not know: HTTP.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

TOKEN = "token"
ADDRESS = "daemon.json"

Address = tuple[str, int]


class Addresses(NamedTuple):
    """Where a daemon listens, and its process. ``tls``: the API speaks HTTPS."""

    api: Address
    openflow: Address
    pid: int
    tls: bool = False

    @property
    def url(self) -> str:
        host, port = self.api
        scheme = "https" if self.tls else "http"
        return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


def token(state_dir: Path) -> str:
    """The token of this state directory, made at the first call; only the owner can read the file."""
    import secrets  # noqa: PLC0415 - for who makes a token; clients only read it

    path = state_dir / TOKEN
    with suppress(FileExistsError):
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(32) + "\n")
    if path.stat().st_mode & 0o077:
        path.chmod(0o600)
    found = path.read_text().strip()
    if not found:  # the process that was to write it was killed
        path.unlink()
        return token(state_dir)
    return found


def publish(state_dir: Path, addresses: Addresses) -> None:
    """Say where the daemon is; readers see the old file or the new one, whole."""
    path = state_dir / ADDRESS
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps({"format_version": 1, **addresses._asdict()}) + "\n")
    fresh.replace(path)


def withdraw(state_dir: Path) -> None:
    """There is no daemon any more."""
    (state_dir / ADDRESS).unlink(missing_ok=True)


def find(state_dir: Path) -> Addresses:
    """Where the daemon of this state directory said it is. Raises FileNotFoundError, ValueError."""
    try:
        found = json.loads((state_dir / ADDRESS).read_text())
        (host, port), (of_host, of_port) = found["api"], found["openflow"]
        return Addresses(
            (str(host), int(port)), (str(of_host), int(of_port)), int(found["pid"]), bool(found.get("tls"))
        )
    except (KeyError, TypeError) as error:
        raise ValueError(f"{state_dir / ADDRESS}: not the address of a daemon ({error!r})") from None
