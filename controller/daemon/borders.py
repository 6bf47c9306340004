"""Legacy protocols at the fabric's borders: the speakers between the wire, the clock and the store.

Lives here: which port a border is, sending what they say, keeping them across a restart. Must not know: protocols.
What is to be spoken is in the store, and so are the machines' states, written before what follows from them is sent:
a controller that comes back within the hold times goes on where it was.
"""

from __future__ import annotations

import base64
import json
import logging
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any, Protocol

from clos.controller.daemon.errors import INVALID, Refused
from clos.controller.daemon.turns import Turns
from clos.controller.migrate.plan.model import Speakers
from clos.controller.migrate.speakers.config import BadSpeakers, lacking_keys, read_speakers, speakers_json
from clos.controller.migrate.speakers.speakers import BorderSpeakers, Out
from clos.controller.store import Store
from clos.controller.wire.errors import SwitchError
from clos.controller.wire.events import Event, PacketIn
from clos.fabric.topology import PortRef, Topology

LOG = logging.getLogger(__name__)

CONFIG, MACHINES = "speakers", "speakers.machines"
"""Keys in the store."""
TICK = 0.1
KEEP_SECONDS = 1.0
"""How old the kept states of machines may be that only time has changed."""


class Wire(Protocol):
    """What is needed of controller.wire.controller.Controller."""

    def send_packet(self, switch: str, port: int, data: bytes) -> None: ...


class Borders:
    """``fabric``: the topology in force. ``clock``: seconds since 1970. Every method may be called from any thread."""

    def __init__(
        self, wire: Wire, store: Store, fabric: Callable[[], Topology], clock: Callable[[], float] = time.time
    ) -> None:
        self._wire, self._store, self._fabric, self._clock = wire, store, fabric, clock
        self._speakers = BorderSpeakers()
        self._lock = threading.Lock()
        self._kept_at = 0.0

    @property
    def _now(self) -> int:
        return int(self._clock() * 1000)

    # What is asked.

    def config(self) -> dict[str, Any]:
        """What is to be spoken."""
        return speakers_json(self._speakers.config)

    def report(self) -> dict[str, Any]:
        """States, neighbours, routes, roots; and ``wrong``: what people should know, in sentences."""
        with self._lock:
            now = self._now
            return {**self._speakers.report(now), "wrong": list(self._speakers.wrong(now))}

    def configure(self, document: dict[str, Any], who: str = "") -> None:
        """Speak like this from now on; it is in the store before the first frame leaves. Raises Refused."""
        try:
            config = read_speakers(document)
        except BadSpeakers as fault:
            raise Refused(INVALID, f"the speakers cannot be read: {fault}") from None
        self._check(config)
        with self._lock:
            if config != self._speakers.config:
                self._store.audit(who, "speakers", _counted(config))
            self._store.keep(CONFIG, json.dumps(speakers_json(config), sort_keys=True))
            out = self._speakers.configure(config, self._now)
            self._keep()
        self._send(out)

    def _check(self, config: Speakers) -> None:
        hosts = self._fabric().hosts
        named = {each.border for each in config.hsrp} | {each.border for each in config.eigrp}
        named |= {each.border for each in config.watches}
        unknown = sorted(named - hosts.keys())
        if unknown:
            raise Refused(INVALID, f"{unknown[0]}: the topology in force has no such host to speak at")
        if lacking := lacking_keys(config):
            raise Refused(
                INVALID, f"the controller's environment has no {lacking[0]}: start it with the key of that group"
            )

    # What happens.

    def heard(self, event: Event) -> None:
        """Take a frame that came in at a border's port."""
        if not isinstance(event, PacketIn):
            return
        border = self._fabric().host_at.get(PortRef(event.switch, event.in_port))
        if border is None:
            return
        with self._lock:
            out = self._speakers.heard(border, event.data, self._now)
            if out:
                self._keep()
        self._send(out)

    def turn(self) -> None:
        """Do what is due. To be called every TICK."""
        with self._lock:
            if self._speakers.config == Speakers():
                return
            out = self._speakers.tick(self._now)
            if self._clock() - self._kept_at >= KEEP_SECONDS:
                self._keep()
        self._send(out)

    def run(self, stopping: threading.Event, leading: threading.Event | None = None) -> None:
        """Take turns until told to stop; of several controllers only who leads."""
        Turns("work at the borders", self.turn, TICK).run(stopping, leading)

    def _send(self, out: Iterable[Out]) -> None:
        hosts = self._fabric().hosts
        for border, data in out:
            host = hosts.get(border)
            for port in host.ports[:1] if host else ():
                with suppress(SwitchError):  # it has left: the protocols' own timers tell
                    self._wire.send_packet(port.switch, port.port, data)

    # The store.

    def restore(self) -> None:
        """What was spoken before a restart is spoken on. To be called once, before the first switch joins.

        What leaves at once is lost, as no switch is there: the protocols' timers say it again.
        """
        text, machines = self._store.value(CONFIG), self._store.value(MACHINES)
        if text is None:
            return
        try:
            config = read_speakers(json.loads(text))
        except (BadSpeakers, ValueError) as fault:
            LOG.warning("what was spoken at the borders cannot be read: %s", fault)
            return
        kept = {name: base64.b64decode(data) for name, data in json.loads(machines or "{}").items()}
        with self._lock:
            self._speakers.configure(config, self._now, kept)

    def _keep(self) -> None:
        machines = {name: base64.b64encode(data).decode() for name, data in self._speakers.machines().items()}
        self._store.keep(MACHINES, json.dumps(machines))
        self._kept_at = self._clock()


def _counted(config: Speakers) -> dict[str, Any]:
    """For the audit log: who speaks where."""
    return {
        "hsrp": [f"{each.border} VLAN {each.vlan} group {each.group}" for each in config.hsrp if each.active],
        "eigrp": [f"{each.border} VLAN {each.vlan} AS {each.asn}" for each in config.eigrp],
    }
