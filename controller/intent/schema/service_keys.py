"""Lists of services: what may stand in them, and what they come to.

Lives here: ``tcp/80,443``, and names of services as written. Must not know: tenants; ``intent.resolving`` knows what
names stand for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from clos.controller.intent.model import Service
from clos.controller.intent.problem import Findings, Path, clip
from clos.controller.intent.schema import scalars
from clos.controller.intent.schema.notation import NAME, SERVICE
from clos.controller.intent.schema.shapes import BAD, ListOf, MapOf, Scalar
from clos.controller.intent.tree import Node

MOST = 1_000
"""Services in one list, when ports and names in it are written out."""
_PORTS = re.compile(r"[0-9]{1,5}(?:-[0-9]{1,5})?")


class Named(NamedTuple):
    """The name of a service, in the ``place``-th item of a list."""

    name: str
    place: int


@dataclass(frozen=True)
class ServiceList(ListOf):
    """A list of services. Ports after a comma are of the protocol before; in a YAML list, they are items of their own.

    ``names``: names may stand there, too, and are read as ``Named``.
    """

    names: bool = True

    def read(self, node: Node, at: Path, out: Findings) -> Any:
        items = node.value
        most = self.most or MOST
        if type(items) is not list or not 0 < len(items) <= most or not all(_is_word(item) for item in items):
            return super().read(node, at, out)
        found: list[Service | Named] = []
        before, whole = "", True
        for i, item in enumerate(items):
            for word in map(str.strip, str(item.value).split(",")):
                written = f"{before}/{word}" if before and _PORTS.fullmatch(word) else word
                try:
                    found.append(self._service(written, i))
                except ValueError as error:
                    whole = False
                    out.say(item.line, item.column, (*at, i), f"{clip(word)}: {error}")
                before = written.partition("/")[0] if "/" in written else ""
        if len(found) > MOST:
            out.say(node.line, node.column, at, f"{len(found):,} services: write at most {MOST:,}")
            return BAD
        return found if whole else BAD

    def _service(self, word: str, place: int) -> Service | Named:
        if _PORTS.fullmatch(word):
            raise ValueError(f"a port without its protocol: write it like tcp/{word}")
        if self.names and word not in scalars.PROTOCOLS and NAME.fits(word):
            return Named(word, place)
        return scalars.service(word)


def _is_word(node: Node) -> bool:
    return isinstance(node.value, str) and bool(node.value)


def _name(word: str) -> str:
    if word in scalars.PROTOCOLS:
        raise ValueError("this word is a protocol: use another name")
    return str(NAME.parse(word))


SERVICE_NAME = Scalar("a name", _name, NAME.pattern)
SERVICE_WORD = replace(SERVICE, name="a service or the name of one", pattern=f"{SERVICE.pattern}|{NAME.pattern}")
SERVICES = ServiceList(SERVICE_WORD, least=1, most=MOST)
NAMED_SERVICES = MapOf(SERVICE_NAME, ServiceList(SERVICE, least=1, most=MOST, names=False), partial=True)


def missing(services: Sequence[Service | Named], known: Mapping[str, tuple[Service, ...]]) -> Iterator[Named]:
    """The names that stand for nothing."""
    return (each for each in services if isinstance(each, Named) and each.name not in known)


def spelled(services: Sequence[Service | Named], known: Mapping[str, tuple[Service, ...]]) -> tuple[Service, ...]:
    """The services of a list, names replaced by what they stand for; those without meaning left out."""
    return tuple(
        service for each in services for service in (known.get(each.name, ()) if isinstance(each, Named) else (each,))
    )
