"""What is broken in a fabric under test: cables and switches, for as long as a block or the rest of a test.

Lives here: which ports are dead. Must not know: packets, which kind of fabric it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Self

from clos.controller.intent.problem import suggest
from clos.controller.intent.schema import scalars
from clos.controller.testing.names import Unknown
from clos.fabric.topology import PortRef, Topology

Act = Callable[[Iterable[PortRef]], object]


class Broken:
    """Something that is broken. As a block, it is mended at the end; else by ``mend``, or at the end of the test."""

    def __init__(self, ports: frozenset[PortRef], mend: Callable[[Broken], object]) -> None:
        self.ports = ports
        self._mend = mend

    def mend(self) -> None:
        """Make it whole; what is whole already stays so."""
        self._mend(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.mend()


class Damage:
    """All that is broken now. ``cut``, ``restore``: what the fabric does to the cables at ports."""

    def __init__(self, topology: Topology, cut: Act, restore: Act) -> None:
        self._topology, self._cut, self._restore = topology, cut, restore
        self._broken: list[Broken] = []

    @property
    def ports(self) -> frozenset[PortRef]:
        """Every port whose cable is dead, at both ends of links."""
        return frozenset().union(*(one.ports for one in self._broken))

    def link(self, word: str) -> Broken:
        """Cut the cable at a port written ``leaf1:1``. Raises Unknown."""
        try:
            port = PortRef(*scalars.port(word))
        except ValueError as error:
            raise Unknown(f"{word}: {error}") from None
        if port not in self._topology.peers and port not in self._topology.host_at:
            raise Unknown(f"{word}: no cable is there; {self._used(port.switch)}")
        return self._break(frozenset((port, self._topology.peers.get(port, port))))

    def switch(self, name: str) -> Broken:
        """Every cable of a switch dead, as when it loses power. Raises Unknown."""
        if name not in self._topology.switches:
            raise Unknown(self._used(name))
        ports = {PortRef(name, number) for number in self._topology.ports[name]}
        return self._break(frozenset(ports | {self._topology.peers[p] for p in ports & self._topology.peers.keys()}))

    def mend(self) -> None:
        """Make everything whole."""
        for one in tuple(self._broken):
            one.mend()

    def _used(self, switch: str) -> str:
        if switch in self._topology.switches:
            return f"{switch} uses ports {', '.join(map(str, self._topology.ports[switch]))}"
        meant = suggest(switch, self._topology.switches)
        return f"no switch is called {switch}{f'; did you mean {meant}?' if meant else ''}"

    def _break(self, ports: frozenset[PortRef]) -> Broken:
        fresh = ports - self.ports
        found = Broken(ports, self._whole)
        self._broken.append(found)
        self._cut(sorted(fresh))
        return found

    def _whole(self, one: Broken) -> None:
        if one in self._broken:
            self._broken.remove(one)
            self._restore(sorted(one.ports - self.ports))
