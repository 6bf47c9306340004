"""Words of a dump as numbers: values, masks and ports of the fields OpenFlow 1.3 names.

Lives here: what a single word means. Must not know: lines, entries, files.
"""

from __future__ import annotations

import ipaddress
import re

from clos.fabric.dataplane.match import BadMatch, Match, Term
from clos.fabric.packet.fields import FIELDS

_NUMBER = re.compile(r"0[xX][0-9a-fA-F]{1,32}|[0-9]{1,39}")
_MAC = re.compile(r"[0-9a-fA-F]{2}(?::[0-9a-fA-F]{2}){5}")
_ADDRESS = {"ipv4": ipaddress.IPv4Address, "ipv6": ipaddress.IPv6Address}
_WIDTH = {"ipv4": 32, "ipv6": 128}
CLIP = 60


class Unread(ValueError):
    """Something in a dump that cannot be read; the text names it, and says what to do where that is known."""


class NotModelled(Unread):
    """Something that is well formed and of which Clos has no model; the text is the kind of thing, told once."""

    def __init__(self, what: str) -> None:
        self.what = what
        super().__init__(f"{what}: Clos has no model of it")


_FOREIGN = (
    (re.compile(r"x{0,2}reg[0-9]{1,2}"), "registers beyond reg15, or parts of them"),
    (re.compile(r"ct_[a-z0-9_]+"), "fields of connections (ct_mark, ct_label, addresses)"),
    (re.compile(r"(?:tun|tunnel)_[a-z0-9_]+"), "fields of tunnels beyond tun_id"),
    (re.compile(r"(?:nsh|gtpu|packet)_[a-z0-9_]+"), "fields of NSH, GTP-U and packet types"),
    (re.compile(r"(?:nw|ip)_frag"), "nw_frag"),
    (re.compile(r"(?:nw|mpls)_ttl|nw_proto|vlan_tci[0-9]?|conj_id|tcp_flags|pkt_mark|skb_priority|recirc_id|dp_hash"
                r"|actset_output|in_port_oxm|nd_reserved|nd_options_type|arp_[st]ll|pbb_uca"), ""),
)  # fmt: skip
"""Fields that Open vSwitch and later OpenFlow have and Clos has not: how they are spelt, and what they are told as."""


def clip(word: object) -> str:
    """The word as a message shows it: short and printable."""
    shown = str(word)
    shown = shown if len(shown) <= CLIP else shown[: CLIP - 3] + "..."
    return shown if shown.isprintable() else ascii(shown)[1:-1]


def number(word: str, bits: int = 64, what: str = "number") -> int:
    """Decimal or ``0x`` number of at most ``bits`` bits. Raises Unread."""
    if not _NUMBER.fullmatch(word):
        raise Unread(f"{what} {clip(word) or 'missing'}: not a number")
    found = int(word, 16 if word[:2] in ("0x", "0X") else 10)
    if found >> bits:
        raise Unread(f"{what} {clip(word)}: does not fit in {bits} bits")
    return found


def table_number(word: str, what: str = "table") -> int:
    """A table's number. Raises Unread; tables may have names, which only the switch can tell."""
    if word and not _NUMBER.fullmatch(word):
        raise Unread(
            f"{what} {clip(word)}: a table by its name; dump with --no-names, or add what ovs-ofctl dump-tables prints"
        )
    return number(word, 8, what)


def value(field: str, word: str) -> int:
    """An exact value of a field, in the form the field has. Raises Unread."""
    row = FIELDS[field]
    if row.form == "int":
        return number(word, row.bits, field)
    if row.form == "mac":
        if not _MAC.fullmatch(word):
            raise Unread(f"{field} {clip(word) or 'missing'}: not a MAC address")
        return int(word.replace(":", ""), 16)
    try:
        if "%" in word:
            raise ValueError
        return int(_ADDRESS[row.form](word))
    except ValueError:
        raise Unread(
            f"{field} {clip(word) or 'missing'}: not an {row.form[:2].upper()}{row.form[2:]} address"
        ) from None


def term(field: str, word: str) -> Term:
    """``value`` or ``value/mask`` (of addresses also ``value/length``) as a term of a match. Raises Unread."""
    shown, slash, mask = word.partition("/")
    found = value(field, shown)
    if not slash:
        return field, found, None
    width = _WIDTH.get(FIELDS[field].form)
    if width and mask.isdecimal():
        length = number(mask, 8, "prefix length")
        if length > width:
            raise Unread(f"{field} {clip(word)}: a prefix has at most {width} bits")
        return field, found, (1 << width) - (1 << width - length)
    return field, found, value(field, mask)


def masked(word: str, bits: int, what: str) -> tuple[int, int]:
    """``value`` or ``value/mask``; without a mask all bits count. Raises Unread."""
    shown, slash, mask = word.partition("/")
    return number(shown, bits, what), number(mask, bits, what) if slash else (1 << bits) - 1


def match(terms: list[Term]) -> Match:
    """The match of terms in any order. Raises Unread for one that no switch would accept."""
    try:
        return Match.checked(terms)
    except BadMatch as wrong:
        raise Unread(str(wrong)) from None


def known(field: str) -> str:
    """The name, if it is a field's. Raises Unread."""
    if field not in FIELDS:
        for spelt, kind in _FOREIGN:
            if spelt.fullmatch(field):
                raise NotModelled(kind or f"field {field}")
        raise Unread(f"{clip(field) or 'a field without a name'}: no field that Clos knows")
    return field
