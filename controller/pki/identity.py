"""How a certificate names a switch: a URI among its subject's alternative names (RFC 5280 §4.2.1.6).

Lives here: the name's form, written and read. Must not know: keys, sockets.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

FORM = "urn:clos:dpid:{dpid:016x}"
_READ = re.compile(r"urn:clos:dpid:([0-9a-f]{16})")


def name_of(dpid: int) -> str:
    """``urn:clos:dpid:0000000000000001``."""
    return FORM.format(dpid=dpid)


def ids_of(names: Iterable[tuple[str, str]]) -> frozenset[int] | None:
    """The datapath ids among alternative names as Python's ``getpeercert`` gives them; None where there is none."""
    found = {int(read[1], 16) for kind, value in names if kind == "URI" and (read := _READ.fullmatch(value))}
    return frozenset(found) or None
