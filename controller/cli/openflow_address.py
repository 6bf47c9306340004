"""Where switches connect, as people write it: ``tcp:HOST:PORT``."""

from __future__ import annotations

from clos.controller.cli.answer import usage


def address(word: str) -> tuple[str, int]:
    """``tcp:HOST:PORT`` or ``HOST:PORT`` as host and port; IPv6 hosts in brackets. Raises Stop (USAGE)."""
    host, colon, port = word.removeprefix("tcp:").rpartition(":")
    if not colon or not host or not port.isdecimal() or int(port) > 65535:
        raise usage(f"{word}: expected HOST:PORT, like 127.0.0.1:6653")
    return host.removeprefix("[").removesuffix("]"), int(port)
