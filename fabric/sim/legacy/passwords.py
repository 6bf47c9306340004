"""Passwords as IOS keeps them: type 9, scrypt with a salt of 14 letters.

Lives here: hashing and checking. The salt comes from the password, so that equal configurations stay equal: nothing
that a simulated device keeps is secret.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from functools import lru_cache

_PLAIN = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_CISCO = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def hashed(password: str) -> str:
    """``$9$SALT$HASH``."""
    salt = _letters(hashlib.sha256(b"salt" + password.encode()).digest())[:14]
    return f"$9${salt}${_scrypt(password, salt)}"


def matches(password: str, kept: str) -> bool:
    """Whether this password is the one whose hash was kept."""
    fields = kept.split("$")
    return len(fields) == 4 and fields[1] == "9" and hmac.compare_digest(_scrypt(password, fields[2]), fields[3])


@lru_cache(maxsize=256)
def _scrypt(password: str, salt: str) -> str:
    return _letters(hashlib.scrypt(password.encode(), salt=salt.encode(), n=16384, r=1, p=1, dklen=32))


def _letters(raw: bytes) -> str:
    text = base64.b64encode(raw).decode().rstrip("=")
    return text.translate(str.maketrans(_PLAIN, _CISCO))
