"""Clients that apply and read all the time while controllers fail, and what they saw (tests.support.linearizable)."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Mapping

from clos.controller.api.client import Absent, ApiError, NoDaemon
from tests.support.cluster_rig import Rig
from tests.support.linearizable import Seen, violations

ALLOW = ("deletes", "uplink", "empty")
DONE_NOTHING = {"follower", "busy", "stale", "brakes", "offline", "gate", "stopping", "switch"}
"""Refusals after which a change is certainly not in force. ``stopping`` is not sent by a controller that is killed."""
PORTS = itertools.count(20000)


class Load:
    """``clients`` that change ``passage`` in ``sources``, each time to another port, with a pause between; and as many
    that read.

    A context manager. What the store holds in the end is compared with what they saw.
    """

    def __init__(
        self, rig: Rig, sources: Mapping[str, str], passage: str, clients: int = 2, pause: float = 0.05
    ) -> None:
        assert sum(passage in text for text in sources.values()) == 1
        self._rig, self._sources, self._passage, self._clients = rig, dict(sources), passage, clients
        self._pause = pause
        self.seen: list[Seen] = []
        self._over = threading.Event()
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Load:
        for number in range(self._clients):
            for role in (self._write, self._read):
                name = f"{role.__name__[1:]}{number}"
                self._threads.append(threading.Thread(target=role, args=(name,), name=name, daemon=True))
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(60)

    def _write(self, name: str) -> None:
        while not self._over.wait(self._pause):
            self.apply_once(name)

    def apply_once(self, name: str) -> Seen:
        """One change, of a document that nobody has asked for before."""
        why = f"tcp/{next(PORTS)}"
        sources = {file: text.replace(self._passage, why) for file, text in self._sources.items()}
        begin = time.monotonic()
        outcome, number = "unknown", 0
        try:
            number = self._rig.client().apply(sources, why=why, allow=ALLOW)["revision"]
            outcome = "written"
        except Absent:
            outcome = "refused"
        except ApiError as error:
            outcome = "refused" if error.code in DONE_NOTHING else "unknown"
        except NoDaemon:
            pass
        return self._keep(Seen(name, begin, time.monotonic(), outcome, number, why))

    def _read(self, name: str) -> None:
        while not self._over.wait(self._pause):
            begin = time.monotonic()
            try:
                found = self._rig.client().status()
            except (NoDaemon, ApiError):
                continue
            if found["cluster"]["leads"]:  # a follower's answer says that it may be old
                self._keep(Seen(name, begin, time.monotonic(), "read", found["revision"]))

    def _keep(self, seen: Seen) -> Seen:
        self.seen.append(seen)
        return seen

    def applied(self) -> dict[int, str]:
        """What the store holds: the documents in force at one time or another, by number."""
        rows = self._rig.client().revisions(10_000)
        return {row["number"]: row["why"] for row in rows if row["status"] == "applied"}

    def wrong(self) -> list[str]:
        """What cannot have happened one after another, and what is neither done nor undone."""
        rows = self._rig.client().revisions(10_000)
        halves = [f"revision {row['number']} is {row['status']}: {row['note']}" for row in rows
                  if row["status"] not in ("applied", "undone")]  # fmt: skip
        gaps = [] if len(rows) == max((row["number"] for row in rows), default=0) else ["numbers are missing"]
        drifted = [row["switch"] for row in self._rig.client().drift()["switches"] if not row["in_line"]]
        return [*violations(self.seen, self.applied()), *halves, *gaps, *(f"{name} differs" for name in drifted)]
