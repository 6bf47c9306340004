"""A controller's end of a session with a simulated switch, over its byte interface."""

from __future__ import annotations

from clos.fabric.generate import clos
from clos.fabric.openflow import Framer, Message, decode, encode
from clos.fabric.openflow.messages import Error, Hello
from clos.fabric.sim.network import SimNetwork
from clos.fabric.sim.openflow.agent import Agent, Session


class Peer:
    """Says messages, remembers what is answered. ``greet``: say hello at once, and forget the switch's own."""

    def __init__(self, agent: Agent, *, greet: bool = True) -> None:
        self._framer = Framer()
        self.heard: list[tuple[Message, int]] = []
        self.session: Session = agent.session(self._hear)
        if greet:
            self.ask(Hello())
            self.heard.clear()

    def _hear(self, data: bytes) -> None:
        self.heard += map(decode, self._framer.feed(data))

    def ask(self, *messages: Message, xid: int = 7) -> list[Message]:
        """What is heard after saying these, each with the next xid from ``xid`` on."""
        before = len(self.heard)
        self.session.receive(b"".join(encode(message, xid + n) for n, message in enumerate(messages)))
        return [message for message, _ in self.heard[before:]]

    def error(self, *messages: Message) -> str:
        """The one error these are answered with, like ``BAD_REQUEST/BAD_TYPE``."""
        (found,) = self.ask(*messages)
        assert isinstance(found, Error), found
        return str(found)


def leaf(**options: int) -> tuple[SimNetwork, Agent]:
    """A fabric of one leaf with two hosts and one spine, and the leaf's agent."""
    network = SimNetwork(clos(1, 1, hosts_per_leaf=2), **options)
    return network, Agent(network.switches["leaf1"])
