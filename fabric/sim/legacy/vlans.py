"""Lists of VLANs as IOS writes them: ``1,10-12,20``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

EVERY = frozenset(range(1, 4095))


def read_vlans(text: str) -> frozenset[int] | None:
    """The VLANs of a list; None where it is none: empty, out of 1-4094, or a range backwards."""
    found: set[int] = set()
    for part in text.split(","):
        first, dash, last = part.partition("-")
        if not first.isdecimal() or (dash and not last.isdecimal()):
            return None
        low, high = int(first), int(last or first)
        if not 1 <= low <= high <= 4094:
            return None
        found.update(range(low, high + 1))
    return frozenset(found)


def write_vlans(vlans: Iterable[int]) -> str:
    """``1,10-12``; two neighbours are ``10,11``, as on IOS; ``none`` for no VLAN."""
    runs: list[list[int]] = []
    for vlan in sorted(vlans):
        if runs and runs[-1][1] == vlan - 1:
            runs[-1][1] = vlan
        else:
            runs.append([vlan, vlan])
    return ",".join(_run(*run) for run in runs) or "none"


def _run(low: int, high: int) -> str:
    return str(low) if low == high else f"{low},{high}" if high == low + 1 else f"{low}-{high}"


def wrapped(text: str, width: int) -> Iterator[str]:
    """A list of VLANs cut after commas into pieces of ``width`` characters."""
    line = ""
    for part in text.split(","):
        if line and len(line) + len(part) + 1 > width:
            yield line + ","
            line = part
        else:
            line = f"{line},{part}" if line else part
    yield line
