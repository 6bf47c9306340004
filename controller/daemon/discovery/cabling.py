"""What was heard on switches' ports, held against the topology: each link as designed, miswired, missing or unknown.

Lives here: the verdicts and their words. Pure. Must not know: frames, threads, sessions.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from clos.fabric.topology import Link, PortRef, Topology

DESIGNED, MISWIRED, MISSING, UNKNOWN, UNSEEN = "as designed", "miswired", "missing", "unknown", "not seen yet"
WRONG = (MISWIRED, MISSING, UNKNOWN)
_AWAY = "is not connected, or not in sync yet"
_WORST_FIRST = (MISWIRED, MISSING, UNSEEN, DESIGNED)


class Speaker(NamedTuple):
    """A port of a switch under this controller, which goes by ``name``."""

    dpid: int
    port: int
    name: str


class Sighting(NamedTuple):
    """Who was heard last: a port, or a stranger in words. It counts until then, in seconds of ``Seen.now``."""

    speaker: Speaker | str
    until: float


class Seen(NamedTuple):
    """What is known at ``now``.

    ``ports``: whether each port is up, by switch and number, of switches that are asked; ``since``: when each of
    them was first asked. ``patience``: after so long silence means something.
    """

    heard: Mapping[PortRef, Sighting]
    ports: Mapping[str, Mapping[int, bool]]
    since: Mapping[str, float]
    now: float
    patience: float

    def at(self, port: PortRef) -> Speaker | str | None:
        """Who was heard there lately."""
        found = self.heard.get(port)
        return found.speaker if found is not None and self.now <= found.until else None


class LinkReport(NamedTuple):
    """A link of the topology, or (UNKNOWN) one that is not in it; ``text`` says what differs."""

    a: str
    b: str
    state: str
    text: str = ""

    @property
    def is_wrong(self) -> bool:
        return self.state in WRONG

    def __str__(self) -> str:
        return f"{self.a} - {self.b}: {self.state}" + (f" ({self.text})" if self.text else "")


def compare(topology: Topology, seen: Seen) -> tuple[LinkReport, ...]:
    """Every link of the topology in its order, then those that it does not have."""
    return (*(_link(link, topology, seen) for link in topology.links), *sorted(_others(topology, seen)))


def _link(link: Link, topology: Topology, seen: Seen) -> LinkReport:
    ends = [_end(link.a, link.b, topology, seen), _end(link.b, link.a, topology, seen)]
    worst = min((state for state, _ in ends), key=_WORST_FIRST.index)
    texts = dict.fromkeys(text for state, text in ends if text and state in (worst, MISWIRED, MISSING))
    return LinkReport(str(link.a), str(link.b), worst, "; ".join(texts))


def _end(here: PortRef, there: PortRef, topology: Topology, seen: Seen) -> tuple[str, str]:
    """How the link looks from one end of it."""
    absent = [ref.switch for ref in (here, there) if ref.switch not in seen.ports]
    if here.switch in absent:
        return UNSEEN, f"{here.switch} {_AWAY}"
    up = seen.ports[here.switch].get(here.port)
    if not up:
        return MISSING, f"{here} is down" if up is False else f"{here.switch} has no port {here.port}"
    speaker = seen.at(here)
    if speaker is not None:
        found = _told(speaker, topology)
        return (DESIGNED, "") if found == there else (MISWIRED, f"{here}: expected {there}, is {_words(found)}")
    if absent:
        return UNSEEN, f"{absent[0]} {_AWAY}"
    if seen.now - max(seen.since[here.switch], seen.since[there.switch]) <= seen.patience:
        return UNSEEN, ""
    return MISSING, f"{here} hears nothing"


def _others(topology: Topology, seen: Seen) -> Iterator[LinkReport]:
    """What is heard at ports that the topology has no use for, unless the other end tells of it."""
    for here in seen.heard:
        speaker = seen.at(here)
        if speaker is None or here in topology.peers or here.switch not in topology.switches:
            continue
        found = _told(speaker, topology)
        back = seen.at(found) if isinstance(found, PortRef) else None
        heard_back = back is not None and _told(back, topology) == here
        if heard_back and isinstance(found, PortRef) and (found in topology.peers or found < here):
            continue
        yield LinkReport(str(here), str(found), UNKNOWN, "the topology has no such link")


def _told(speaker: Speaker | str, topology: Topology) -> PortRef | str:
    """The port that spoke, by its name in the topology; in words where it has none."""
    if isinstance(speaker, str):
        return speaker
    switch = topology.by_dpid.get(speaker.dpid)
    return PortRef(switch.name, speaker.port) if switch else f"{speaker.name} port {speaker.port}"


def _words(found: PortRef | str) -> str:
    return str(found) if isinstance(found, PortRef) else f"{found}, which is no switch of this fabric"
