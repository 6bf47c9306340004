"""Passwords and tokens: made, kept as what cannot be turned back, and compared.

Passwords are kept as Argon2id (RFC 9106) hashes with the parameters of argon2-cffi; tokens are 256 random bits, so
their SHA-256 is enough. Must not know: whose they are.
"""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from argon2 import PasswordHasher

SHORTEST = 12
LONGEST = 1024
"""Characters of a password."""
PREFIX = "clos_"
"""So that a token that has leaked can be searched for."""


@cache
def _hasher() -> PasswordHasher:
    from argon2 import PasswordHasher  # noqa: PLC0415 - only who has accounts needs it

    return PasswordHasher()


@cache
def _nobody() -> str:
    """A hash that no password has: checking a name that is unknown takes as long as one that is known."""
    return hashed(new_token())


def hashed(password: str) -> str:
    """What is kept of a password."""
    return _hasher().hash(password)


def matches(kept: str, password: str) -> bool:
    """Whether it is the password; ``kept`` empty: of nobody, which takes as long."""
    from argon2.exceptions import InvalidHashError, VerificationError  # noqa: PLC0415

    try:
        return _hasher().verify(kept or _nobody(), password) and bool(kept)
    except (VerificationError, InvalidHashError):
        return False


def acceptable(password: str, name: str) -> str:
    """The password. Raises ValueError when it is too short, too long, or says the name."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise ValueError(f"a password has {SHORTEST} to {LONGEST} characters, this one has {len(password)}")
    if name.lower() in password.lower():
        raise ValueError("a password must not contain the name of its owner")
    return password


def new_token() -> str:
    """A token, 256 random bits."""
    import secrets  # noqa: PLC0415

    return PREFIX + secrets.token_urlsafe(32)


def digest(token: str) -> str:
    """What is kept of a token."""
    return sha256(token.encode()).hexdigest()
