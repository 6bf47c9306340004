"""Authentication of EIGRP packets: the digest a packet carries, and whether a received one is right.

Lives here: MD5 and HMAC-SHA-256 over packets. Must not know: neighbors, when which key is valid.

MD5 is taken over the packet with a zero checksum and a zero digest, then the key, padded to 16 bytes. HMAC-SHA-256
has the key and the sender's address in text as its secret. Source: RFC 7868 §6.6.2, RFC 2104.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, replace

from clos.fabric.protocols.eigrp.packet import HEADER, Digest, Packet, decode, encode, sealed
from clos.fabric.protocols.eigrp.routes import Malformed

MD5, SHA256 = 2, 3
_SIZES = {MD5: 16, SHA256: 32}


class Unauthentic(ValueError):
    """The packet has no digest, or a wrong one; the text says which."""


@dataclass(frozen=True, slots=True)
class Authentication:
    """What an interface signs with and requires."""

    method: int
    key: bytes
    key_id: int = 1

    def __repr__(self) -> str:
        """Without the key: what is printed of it reaches logs."""
        return f"Authentication(method={self.method}, key_id={self.key_id})"


def signed(packet: Packet, source: int, using: Authentication | None) -> bytes:
    """The packet's bytes, with a digest where there is a key."""
    if using is None:
        return encode(packet)
    blank = encode(replace(packet, digest=Digest(using.method, using.key_id, 0, bytes(_SIZES[using.method]))))
    digest = Digest(using.method, using.key_id, 0, _digest(blank, source, using))
    return encode(replace(packet, digest=digest))


def verified(data: bytes, source: int, using: Authentication | None) -> Packet:
    """The packet, if it is sound and its digest is right. Raises Malformed or Unauthentic."""
    packet = decode(data)
    if using is None:
        if packet.digest is not None:
            raise Unauthentic("it carries a digest, and no key is configured")
        return packet
    found = packet.digest
    if found is None:
        raise Unauthentic("it carries no digest")
    if found.method != using.method or found.key_id != using.key_id:
        raise Unauthentic(f"method {found.method}, key {found.key_id}: {using.method}, {using.key_id} expected")
    if not hmac.compare_digest(found.digest, _digest(_blanked(data, found), source, using)):
        raise Unauthentic("its digest is wrong")
    return packet


def _digest(blank: bytes, source: int, using: Authentication) -> bytes:
    if using.method == MD5:
        unsealed = blank[:2] + b"\0\0" + blank[4:]
        return hashlib.md5(unsealed + using.key.ljust(16, b"\0"), usedforsecurity=False).digest()
    unsealed = blank[:2] + b"\0\0" + blank[4:]
    secret = using.key + ".".join(map(str, source.to_bytes(4))).encode()
    return hmac.digest(secret, unsealed, hashlib.sha256)


def _blanked(data: bytes, found: Digest) -> bytes:
    """The bytes as they were before the digest was written: found by the TLV, not by the digest's bytes."""
    at = HEADER.size
    while at + 4 <= len(data):
        kind, length = int.from_bytes(data[at : at + 2]), int.from_bytes(data[at + 2 : at + 4])
        if kind == 2:
            return sealed(data[: at + 24] + bytes(len(found.digest)) + data[at + length :])
        at += length
    raise Malformed("the authentication TLV is gone")
