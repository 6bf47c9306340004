"""Which compiler this is: so that a new version of Clos is not taken for the one that made a revision's rules."""

from __future__ import annotations

from functools import cache
from hashlib import blake2b
from importlib.util import find_spec
from pathlib import Path

MAKERS = ("clos.controller.intent", "clos.controller.compile", "clos.fabric")
"""The packages that turn documents into rules."""


def fingerprint() -> str:
    """A digest of the code that turns documents into rules; other code may make other rules of the same documents."""
    return digest_of(MAKERS)


@cache
def digest_of(packages: tuple[str, ...]) -> str:
    """A digest of the code of these packages."""
    digest = blake2b(digest_size=12)
    for package in packages:
        found = find_spec(package)
        for place in (found.submodule_search_locations if found else None) or ():
            for file in sorted(Path(place).rglob("*.py")):
                digest.update(str(file.relative_to(place)).encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()
