"""The audit log for other programs: JSON lines, and syslog messages (RFC 5424). Must not know: where they go."""

from __future__ import annotations

import json
import os
import socket
from typing import Any

FACILITY, SEVERITY = 13, 5
"""``log audit`` and ``notice`` (RFC 5424 §6.2.1)."""
ENTERPRISE = "clos@32473"
"""The element's name (§7.2.2); 32473 is the number for examples (RFC 5612), as Clos has none of its own."""


def as_jsonl(entry: dict[str, Any]) -> str:
    """One line of JSON, keys sorted."""
    return json.dumps(entry, sort_keys=True, ensure_ascii=False)


def as_syslog(entry: dict[str, Any]) -> str:
    """One syslog message (RFC 5424 §6): the entry's fields as structured data, its detail as the message."""
    host = _token(socket.gethostname(), 255)
    action = _token(entry["action"].replace(" ", "-"), 32)
    fields = {"number": entry["number"], "who": entry["who"], "revision": entry["revision"], "chain": entry["chain"]}
    data = " ".join(f'{key}="{_escaped(str(value))}"' for key, value in fields.items() if value is not None)
    detail = json.dumps(entry["detail"], sort_keys=True)  # ASCII only, so no byte order mark (§6.4)
    prefix = f"<{FACILITY * 8 + SEVERITY}>1 {entry['when']} {host} clos {os.getpid()} {action}"
    return f"{prefix} [{ENTERPRISE} {data}] {detail}"


def _token(text: str, longest: int) -> str:
    """PRINTUSASCII of so many characters (§6), ``-`` where there are none."""
    return "".join(c for c in text if "!" <= c <= "~")[:longest] or "-"


def _escaped(value: str) -> str:
    """A PARAM-VALUE (§6.3.3)."""
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("]", "\\]")
