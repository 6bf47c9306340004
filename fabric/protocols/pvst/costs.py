"""What a port costs by its speed where nobody configured a cost.

Lives here: the two tables. Must not know: ports. Sources: IEEE 802.1D-1998 table 8-5 with Cisco's values for
10 Gbit/s and faster (short, 16 bits), IEEE 802.1D-2004 table 17-3 (long, 32 bits: 20 Tbit/s over the speed).
"""

from __future__ import annotations

SHORT = {4: 250, 10: 100, 16: 62, 45: 39, 100: 19, 155: 14, 622: 6, 1_000: 4, 10_000: 2, 20_000: 1}
"""By Mbit/s. 20 Gbit/s and faster cost 1."""
LONGEST = 200_000_000


def short_cost(mbps: int) -> int | None:
    """The 16-bit cost of this speed; None: the table has no row for it."""
    return 1 if mbps >= 20_000 else SHORT.get(mbps)


def long_cost(mbps: int) -> int:
    """The 32-bit cost of this speed."""
    return max(1, min(LONGEST, 20_000_000 // mbps))
