"""One daemon per state directory: a lock that the kernel drops with the process, however it ends."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LOCK = "daemon.lock"


OTHERS_MAY_WRITE = 0o022


class Unsafe(OSError):
    """Others may write to the state directory: they could replace the store, the token, the daemon's address."""


class Locked(Exception):
    """Another daemon uses the state directory."""


@contextmanager
def lock_directory(state_dir: Path) -> Iterator[Path]:
    """Hold the directory, made if it is missing (for its owner only). Raises Locked, naming who holds it; Unsafe."""
    state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    mode = state_dir.stat().st_mode & 0o7777
    if mode & OTHERS_MAY_WRITE:
        raise Unsafe(f"{state_dir}: others may write to it (mode {mode:04o}): chmod go-w {state_dir}")
    path = state_dir / LOCK
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            who = os.read(descriptor, 32).decode(errors="replace").strip() or "unknown"
            raise Locked(
                f"{state_dir} is in use by another daemon (process {who}): stop it, or name another state directory"
            ) from None
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
        yield state_dir
    finally:
        os.close(descriptor)
