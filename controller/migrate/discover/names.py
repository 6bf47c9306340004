"""Words of IOS as values: interface names in full, MAC addresses, lists of VLANs.

Must not know: commands, layouts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_NAMES = {
    "fa": "FastEthernet",
    "gi": "GigabitEthernet",
    "ge": "GigabitEthernet",
    "te": "TenGigabitEthernet",
    "tw": "TwoGigabitEthernet",
    "twe": "TwentyFiveGigE",
    "fi": "FiveGigabitEthernet",
    "fo": "FortyGigabitEthernet",
    "fif": "FiftyGigE",
    "hu": "HundredGigE",
    "th": "TwoHundredGigE",
    "fou": "FourHundredGigE",
    "et": "Ethernet",
    "eth": "Ethernet",
    "po": "Port-channel",
    "vl": "Vlan",
    "lo": "Loopback",
    "tu": "Tunnel",
    "se": "Serial",
    "nu": "Null",
    "bd": "BDI",
    "bv": "BVI",
    "ap": "AppGigabitEthernet",
    "di": "Dialer",
    "mu": "Multilink",
    "vi": "Virtual-Access",
    "vt": "Virtual-Template",
    "nv": "NVI",
    "em": "Embedded-Service-Engine",
    "mg": "MgmtEth",
    "lispx": "LISP",
}
"""IOS' two or more letters -> its full name. What is spelled out further is recognised by its beginning."""

_FULL = {name.lower(): name for name in (*_NAMES.values(), "TwentyFiveGigabitEthernet", "HundredGigabitEthernet")}
_PORT = re.compile(r"([A-Z][A-Za-z-]*?)( ?)(\d[\d/.:]*)")
"""IOS' names begin with a capital; ``gi25``, ``ether1`` and ``mgmt0`` are other systems' names."""
_SMALL = re.compile(r"(?:port-channel|loopback|tunnel|vlan)(?=\d)")
"""Names that NX-OS writes without a capital."""


def interface_name(text: str) -> str:
    """``Gi1/0/1`` -> ``GigabitEthernet1/0/1``; what is no interface of IOS (``CPU``, ``mgmt0``) stays as it is."""
    match = _PORT.fullmatch(_SMALL.sub(lambda small: small[0].capitalize(), text.strip()))
    if match is None:
        return text.strip()
    kind, number = match[1].lower(), match[3]
    name = _FULL.get(kind) or (_NAMES.get(kind) if not match[2] else None)
    if match[2] and name is None:
        return text.strip()  # ``Port 0``
    if name is None:
        longer = {full for low, full in _FULL.items() if len(kind) > 2 and low.startswith(kind)}
        name = longer.pop() if len(longer) == 1 else match[1]
    return name + number


def is_interface(text: str) -> bool:
    """Whether the text names an interface that IOS could have."""
    match = _PORT.fullmatch(text.strip())
    return match is not None and (match[1].lower() in _NAMES or match[1].lower() in _FULL)


def mac_address(text: str) -> int:
    """``0011.2233.4455`` (or with colons, dashes) -> the 48-bit number. Raises ValueError."""
    digits = re.sub(r"[.:-]", "", text)
    if not re.fullmatch(r"[0-9A-Fa-f]{12}", digits):
        raise ValueError(f"{text!r} is not a MAC address")
    return int(digits, 16)


def mac_text(mac: int) -> str:
    """As IOS writes it: ``0011.2233.4455``."""
    digits = f"{mac:012x}"
    return ".".join((digits[:4], digits[4:8], digits[8:]))


def vlan_set(text: str) -> frozenset[int]:
    """``1,10-12`` -> the VLANs; ``none`` -> no VLAN, ``all`` -> 1 to 4094. Raises ValueError."""
    word = text.strip().lower().rstrip(",")
    if word in {"", "none"}:
        return frozenset()
    if word == "all":
        return frozenset(range(1, 4095))
    return frozenset(_numbers(word))


def _numbers(word: str) -> Iterable[int]:
    for part in re.split(r"\s*,\s*", word):
        low, dash, high = part.partition("-")
        first, last = int(low), int(high if dash else low)
        if not 0 <= first <= last <= 4095:
            raise ValueError(f"{part!r} is not a range of VLANs")
        yield from range(first, last + 1)


def vlan_text(vlans: Iterable[int]) -> str:
    """The VLANs as IOS writes them: ``1,10-12``; ``none`` for no VLAN."""
    parts: list[list[int]] = []
    for vlan in sorted(vlans):
        if parts and vlan == parts[-1][1] + 1:
            parts[-1][1] = vlan
        else:
            parts.append([vlan, vlan])
    return ",".join(str(low) if low == high else f"{low}-{high}" for low, high in parts) or "none"
