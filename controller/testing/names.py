"""Names as tests write them: endpoints, groups, networks and tenants, as the endpoints they stand for.

Lives here: finding and complaining. Must not know: packets, pytest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from clos.controller.intent.model import Intent, Service
from clos.controller.intent.problem import suggest
from clos.controller.intent.schema import scalars
from clos.controller.probe.packets import WITH_PORTS, Party, each_kind
from clos.fabric.packet.fields import ipv4_text


class Unknown(ValueError):
    """A name that stands for nothing, or for more than one thing. The text says what to write."""


_KINDS: dict[str, Callable[[Party, str], bool]] = {
    "endpoints": lambda party, name: party.endpoint.name == name,
    "groups": lambda party, name: name in party.end.groups,
    "networks": lambda party, name: party.endpoint.network == name,
}
"""What a word may name within a tenant."""


def members(word: str, everyone: Iterable[Party]) -> tuple[Party, ...]:
    """The endpoints that a word stands for; never none.

    ``retail`` a tenant; ``retail/web1`` an endpoint, group or network of it; ``retail/groups/front`` to tell these
    apart; ``web1`` or ``10.1.1.11`` an endpoint that only one tenant has. Raises Unknown.
    """
    __tracebackhide__ = True
    all_of_them = tuple(everyone)
    found = _read(word, all_of_them)
    if not found:
        raise Unknown(f"nothing is called {word}{_meant(word, all_of_them)}")
    if len(found) > 1 and len({frozenset(p.name for p in parties) for parties in found.values()}) > 1:
        raise Unknown(f"{word} may be {' or '.join(sorted(found))}: write one of these")
    return next(iter(found.values()))


def _read(word: str, everyone: tuple[Party, ...]) -> dict[str, tuple[Party, ...]]:
    """Every reading of a word that stands for somebody, by the name that is clear."""
    tenant, _, rest = word.partition("/")
    mine = tuple(party for party in everyone if party.tenant.name == tenant)
    if not rest:
        alone = {p.name: (p,) for p in everyone if word in (p.endpoint.name, ipv4_text(p.endpoint.ip))}
        return alone | ({tenant: mine} if mine else {})
    kind, _, name = rest.partition("/")
    kinds, wanted = ((kind,), name) if name and kind in _KINDS else (tuple(_KINDS), rest)
    found = {f"{tenant}/{kind}/{wanted}": tuple(p for p in mine if _KINDS[kind](p, wanted)) for kind in kinds}
    return {clear: parties for clear, parties in found.items() if parties}


def _meant(word: str, everyone: Iterable[Party]) -> str:
    known = {p.tenant.name for p in everyone} | {p.name for p in everyone} | {p.endpoint.name for p in everyone}
    known |= {f"{p.tenant.name}/{group}" for p in everyone for group in p.tenant.groups}
    meant = suggest(word, known)
    return f"; did you mean {meant}?" if meant else ", or nobody is in it"


def service(word: str, intent: Intent) -> tuple[Service, ...]:
    """``tcp/8443``, ``icmp``; of a range, or without a port, one of each kind that the intent may tell apart.

    Raises Unknown.
    """
    return each_kind(intent, _service(word))


def single(word: str) -> Service:
    """The service of one packet. Raises Unknown for a range of ports, or a protocol with ports and none named."""
    found = _service(word)
    if found.proto in WITH_PORTS and (found.first is None or found.first != found.last):
        raise Unknown(f"{word}: a probe is one packet; name one port, like {found._replace(first=443, last=443)}")
    return found


def _service(word: str) -> Service:
    try:
        read = scalars.service(word)
    except ValueError as error:
        raise Unknown(f"{word}: {error}") from None
    if read.proto is None:
        raise Unknown(f"{word}: name one service to try, like tcp/443, udp/53 or icmp")
    return read
