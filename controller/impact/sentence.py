"""One sentence of a difference, and how rates read. Must not know: what is said."""

from __future__ import annotations

from typing import Any, NamedTuple

from clos.controller.intent.model import Rate

ADDS, REMOVES, CHANGES, NETWORK, REMARK = "adds", "removes", "changes", "network", "remark"


class Sentence(NamedTuple):
    """``text`` for people; ``detail``: the same as JSON values, with all names that the text leaves out."""

    kind: str
    text: str
    detail: dict[str, Any]


def rate_text(rate: Rate | None) -> str | None:
    """``100 Mbps``, as intents write it; None for no limit."""
    if rate is None:
        return None
    for size, unit in ((1_000_000, "Gbps"), (1_000, "Mbps")):
        if rate.kbps % size == 0:
            text = f"{rate.kbps // size} {unit}"
            break
    else:
        text = f"{rate.kbps} kbps"
    return f"{text} with bursts of {rate.burst} kb" if rate.burst else text
