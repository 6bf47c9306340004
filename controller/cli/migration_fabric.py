"""The fabric of a migration: its controller, over HTTP.

Lives here: the port ``Fabric`` of a run, on the API's client. Must not know: plans, journals.
"""

from __future__ import annotations

from collections.abc import Callable
from getpass import getuser
from pathlib import Path
from typing import Any, TypeVar

from clos.controller.api.client import ApiError, Client, NoDaemon
from clos.controller.cli.answer import Stop
from clos.controller.cli.plans import named
from clos.controller.cli.sources import documents
from clos.controller.migrate.plan.model import Speakers
from clos.controller.migrate.run.ports import Applied, FabricLost, FabricRefused
from clos.controller.migrate.run.seen import FabricState, Json
from clos.controller.migrate.speakers.config import speakers_json

T = TypeVar("T")
UNSURE = frozenset({"busy", "stopping", "store", "switch"})
"""Refusals that say nothing of the change itself: asked again later it may pass, or has failed half-way."""


class ApiFabric:
    """The controller that uses a state directory. It is looked up anew each time: it may be restarted under way."""

    def __init__(self, state: Path) -> None:
        self._state = state

    def state(self) -> FabricState:
        """Its revision, and why it is not in sync with it. Raises FabricLost."""
        found = self._asked(lambda client: client.status())
        lacks = found["expected"] - found["in_line"]
        problem = ""
        if found["pending"] or found["doing"]:
            problem = found["doing"] or f"revision {found['pending']} was interrupted and is being recovered"
        elif lacks:
            problem = f"{lacks} of {found['expected']} switches are not in sync (clos status)"
        elif found["revision"]:
            record = self._asked(lambda client: client.revision(found["revision"]))
            problem = "" if record["verdict"] == "proved" else f"revision {found['revision']} is not proved"
        return FabricState(found["revision"], problem)

    def apply(self, intents: Path, topology: Path, why: str, allow: tuple[str, ...]) -> Applied:
        """Make the fabric do what the documents say, proved. Raises FabricRefused, FabricLost."""
        try:
            texts, fabric = documents([intents]), named(topology)
        except Stop as stop:
            raise FabricRefused(stop.message) from None
        return self._changed(lambda client: client.apply(texts, fabric, who=getuser(), why=why, allow=allow))

    def back(self, revision: int, why: str) -> Applied:
        """An earlier revision again, or (0) none: what it held before was approved, so its brakes are released."""
        done: Applied | None = None
        allow: tuple[str, ...] = ()
        while done is None:
            try:
                done = self._changed(self._way_back(revision, why, allow))
            except FabricRefused as refusal:
                if not refusal.allow or set(refusal.allow) <= set(allow):
                    raise
                allow = (*allow, *refusal.allow)
        return done

    def _way_back(self, revision: int, why: str, allow: tuple[str, ...]) -> Callable[[Client], Json]:
        if revision:
            return lambda client: client.rollback(revision, who=getuser(), why=why, allow=allow)
        return lambda client: client.apply({}, who=getuser(), why=why, allow=allow)

    def speak(self, speakers: Speakers) -> None:
        """What speaks legacy protocols at the borders from now on. Raises FabricRefused, FabricLost."""
        self._asked(lambda client: client.speak(speakers_json(speakers)))

    def heard(self) -> Json:
        """What the speakers hear and are. Raises FabricRefused, FabricLost."""
        return self._asked(lambda client: client.speakers())

    def hits(self) -> Json:
        """What passed and what was dropped by policy. Raises FabricRefused, FabricLost."""
        return self._asked(lambda client: dict(client.ask("GET", "/v1/hits")))

    def _changed(self, change: Callable[[Client], Json]) -> Applied:
        done = self._asked(change)
        return Applied(done["revision"], done["changed"], done["proof"], done["proof_text"])

    def _asked(self, question: Callable[[Client], T]) -> T:
        try:
            with Client.from_state_dir(self._state) as client:
                return question(client)
        except NoDaemon as error:
            raise FabricLost(f"{error}; once it answers, clos migrate run or rollback goes on") from None
        except ApiError as error:
            if error.code in UNSURE:
                raise FabricLost(f"{error}; try again later") from None
            raise FabricRefused(_words(error), error.allow) from None


def _words(error: ApiError) -> str:
    """The refusal with the first of what it lists."""
    first: list[Any] = [f"{row['file']}:{row['line']}: {row['path']}: {row['message']}" for row in error.problems[:3]]
    first += [row["text"] for row in error.counterexamples[:1]]
    return "; ".join([str(error), *first])
