"""Checksums of packets: whole and repaired.

Lives here: the Internet checksum and SCTP's CRC32c over bytes. Must not know: where a field lies.
Sources: RFC 1071, RFC 1624 (incremental update), RFC 768 (UDP's zero), RFC 9260 appendix A (CRC32c).
"""

from __future__ import annotations

from clos.fabric.packet.fields import IP_UDP

_ONES = 0xFFFF


def internet(data: bytes) -> int:
    """The 16-bit Internet checksum of ``data`` (whose own checksum bytes are zero).

    2**16 leaves remainder 1 when divided by 65535, so the ones'-complement sum is one division.
    """
    total = int.from_bytes(data, "big") << (8 * (len(data) & 1))
    return _ONES - (total % _ONES or (_ONES if total else 0))


def transport(source: bytes, target: bytes, proto: int, segment: bytes) -> int:
    """The checksum of a TCP, UDP or ICMPv6 segment with its IPv4 or IPv6 pseudo-header; UDP's zero is sent as ones."""
    pseudo = source + target + len(segment).to_bytes(4, "big") + proto.to_bytes(4, "big")
    found = internet(pseudo + segment)
    return _ONES if found == 0 and proto == IP_UDP else found


def repaired(checksum: int, change: int) -> int:
    """The checksum after the sum of the words it covers has changed by ``change``; a wrong one stays as wrong."""
    return _ONES - ((_ONES - checksum + change) % _ONES or _ONES)


def _crc_table() -> tuple[int, ...]:
    def entry(value: int) -> int:
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
        return value

    return tuple(entry(i) for i in range(256))


_CRC32C = _crc_table()


def crc32c(data: bytes) -> int:
    """CRC32c of ``data`` (an SCTP packet whose checksum bytes are zero); it is sent least significant byte first."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ _CRC32C[(crc ^ byte) & 255]
    return crc ^ 0xFFFFFFFF
