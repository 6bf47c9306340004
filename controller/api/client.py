"""A daemon's API for programs in Python: the command line's way to it.

    with Client.from_state_dir(Path("state")) as clos:
        plan = clos.plan({"intents/demo.yaml": text})
        result = clos.apply({"intents/demo.yaml": text}, who="ann", why="ticket 7", expect_revision=plan["base"])

Answers are the JSON documents that ``/openapi.json`` describes. Must not know: the daemon, other than over HTTP.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import quote, urlencode

from clos.controller.api import login
from clos.controller.api.access import TOKEN, find
from clos.controller.api.transport import (
    Broken,
    NoAddress,
    NoAuthority,
    Reply,
    TimedOut,
    Unreachable,
    Untrusted,
    Way,
)
from clos.controller.api.transport import place as place_of

T = TypeVar("T")
Json = dict[str, Any]
Progress = Callable[[Json], object]
"""Called with each line of a change but the last."""

URL, TOKEN_VARIABLE, AUTHORITY = "CLOS_URL", "CLOS_TOKEN", "CLOS_CA"
"""Environment variables: where the daemon is, a token for it, and who signed its certificate."""
_NOBODY = "no daemon runs on {place}: start one with 'clos serve'"
CONNECT_SECONDS = 3.0
ELECTION_SECONDS = 20.0
"""How long a leader is looked for, where there are several controllers."""
LOOK_SECONDS, LOOK_PATIENCE = 0.1, 1.0
"""Between two looks, and for an answer to one."""
WATCH_SECONDS = 2.0
"""Between two looks at whether another leads, while the leader carries out a change."""
ANSWER_SECONDS = 120.0
"""How long a question may take: reading every switch of a large fabric back does."""


class NoDaemon(Exception):
    """There is no daemon to talk to; the text says where it was looked for and how to start one."""


class Absent(NoDaemon):
    """Nothing answers at the address: nothing was asked."""


class ApiError(Exception):
    """The daemon refused. ``code`` is stable; the other attributes are those of its answer."""

    def __init__(self, status: int, error: Json) -> None:
        super().__init__(str(error.get("message", f"HTTP status {status}")))
        self.status = status
        self.code = str(error.get("code", "request"))
        self.problems: list[Json] = error.get("problems", [])
        self.allow: list[str] = error.get("allow", [])
        self.counterexamples: list[Json] = error.get("counterexamples", [])


class Client:
    """One daemon at ``url``. Methods raise ApiError and NoDaemon."""

    def __init__(self, url: str, token: str, *, named: bool = False, authority: str = "") -> None:
        """``url``: of several controllers all addresses, with commas between them; whoever leads is asked.

        ``authority``: a PEM file of who signed its certificate. ``named``: the token says who asks; the owner's does
        not, so the owner gives a name for the history."""
        self._ways = [Way(one.strip(), token, CONNECT_SECONDS, authority) for one in url.split(",")]
        self._way = self._ways[0]
        self.url, self.named = self._way.url, named

    @classmethod
    def from_state_dir(cls, state_dir: Path | str) -> Client:
        """The daemon that uses this state directory, by the files it left there. Raises NoDaemon.

        CLOS_URL says where it is instead. Who is logged in there, or gives a token as CLOS_TOKEN, asks as themselves;
        others as the owner of the directory.
        """
        place = Path(state_dir)
        url = cls.address(place)
        try:
            if token := os.environ.get(TOKEN_VARIABLE) or login.token(url):
                return cls(url, token, named=True, authority=cls.authority(place))
            return cls(url, (place / TOKEN).read_text().strip(), authority=cls.authority(place))
        except FileNotFoundError:
            if URL in os.environ:
                raise NoDaemon(f"you are not logged in at {url}: clos login NAME") from None
            raise NoDaemon(_NOBODY.format(place=place)) from None
        except PermissionError as error:
            raise NoDaemon(
                f"{error.filename}: only its owner may read it; log in ({URL}=... clos login NAME)"
            ) from None
        except OSError as error:
            raise NoDaemon(f"{error}; is {place} the state directory of a daemon?") from None

    @staticmethod
    def authority(state_dir: Path | str) -> str:
        """Who has to have signed the daemon's certificate: CLOS_CA, or the state directory's own authority."""
        if given := os.environ.get(AUTHORITY):
            return given
        ours = Path(state_dir) / "pki" / "ca.pem"
        return str(ours) if ours.is_file() else ""

    @staticmethod
    def address(state_dir: Path | str) -> str:
        """Where the daemon is. Raises NoDaemon."""
        place = Path(state_dir)
        try:
            url = os.environ.get(URL) or find(place).url
            place_of(url)
            return url
        except NoAddress as error:
            raise NoDaemon(f"{url!r} is no address of a daemon: {error}; {URL} is like http://127.0.0.1:8080") from None
        except FileNotFoundError:
            raise NoDaemon(_NOBODY.format(place=place)) from None
        except PermissionError as error:
            raise NoDaemon(f"{error.filename}: only its owner may read it; {URL} says where a daemon is") from None
        except (OSError, ValueError) as error:
            raise NoDaemon(f"{error}; is {place} the state directory of a daemon?") from None

    def close(self) -> None:
        """Each question has a connection of its own: nothing is left open."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    # Questions.

    def status(self) -> Json:
        return self.ask("GET", "/v1/status")

    def switches(self) -> list[Json]:
        found: list[Json] = self.ask("GET", "/v1/switches")["switches"]
        return found

    def revisions(self, limit: int = 50) -> list[Json]:
        """Newest first."""
        found: list[Json] = self.ask("GET", "/v1/revisions", params={"limit": limit})["revisions"]
        return found

    def revision(self, number: int) -> Json:
        return self.ask("GET", f"/v1/revisions/{number}")

    def drift(self, switches: Iterable[str] = ()) -> Json:
        return self.ask("GET", "/v1/drift", params={"switch": list(switches)})

    def why(self, source: str, target: str, service: str) -> Json:
        """What keeps one endpoint from reaching another."""
        return self.ask("GET", f"/v1/why?{urlencode({'source': source, 'target': target, 'service': service})}")

    def paths(self) -> Json:
        """Every cable by probes, and gray failures."""
        return self.ask("GET", "/v1/paths")

    def links(self) -> Json:
        """The cabling as it is."""
        return self.ask("GET", "/v1/links")

    def entries(self, switch: str) -> Json:
        """What a switch holds right now."""
        return self.ask("GET", f"/v1/switches/{quote(switch, safe='')}/entries")

    def digests(self) -> dict[str, str]:
        """A digest of what each connected switch holds right now."""
        found: dict[str, str] = self.ask("GET", "/v1/digests")["digests"]
        return found

    def ruleset(self) -> Iterator[str]:
        """What all switches should hold, as pieces of one JSON document."""
        with self._told(), self._way.ask("GET", "/v1/ruleset", patience=ANSWER_SECONDS) as reply:
            self._checked(reply)
            yield from reply.text()

    # The borders to a legacy network.

    def speakers(self) -> Json:
        """What speaks at the borders, what it hears and is."""
        return self.ask("GET", "/v1/speakers")

    def speak(self, speakers: Json, who: str = "") -> Json:
        """Replace what speaks at the borders."""
        return self.ask("PUT", "/v1/speakers", json={"speakers": speakers, "who": who})

    # Changes. ``sources``: texts by file name; ``topology``: (file name, text), default the one in force.

    def plan(
        self,
        sources: Mapping[str, str],
        topology: tuple[str, str] | None = None,
        limit: int = 1000,
        *,
        untouched: bool = False,
    ) -> Json:
        """``untouched``: compare rules before and after for all packets, however many rules there are."""
        question = {**_sources(sources, topology), "limit": limit, "untouched": untouched}
        return self.ask("POST", "/v1/plan", json=question)

    def plan_rollback(self, revision: int, limit: int = 1000) -> Json:
        return self.ask("POST", "/v1/plan/rollback", json={"revision": revision, "limit": limit})

    def apply(
        self,
        sources: Mapping[str, str],
        topology: tuple[str, str] | None = None,
        *,
        who: str = "",
        why: str = "",
        allow: Iterable[str] = (),
        expect_revision: int | None = None,
        progress: Progress | None = None,
    ) -> Json:
        """The ``applied`` line, once every switch has confirmed."""
        return self.change(
            "/v1/apply", _sources(sources, topology) | _order(who, why, allow, expect_revision), progress
        )

    def rollback(
        self,
        revision: int,
        *,
        who: str = "",
        why: str = "",
        allow: Iterable[str] = (),
        expect_revision: int | None = None,
        progress: Progress | None = None,
    ) -> Json:
        """The ``applied`` line, once every switch has confirmed."""
        return self.change("/v1/rollback", {"revision": revision} | _order(who, why, allow, expect_revision), progress)

    def repair(self, switches: Iterable[str] = (), *, who: str = "", remove_foreign: bool = False) -> Json:
        question = {"switches": list(switches), "who": who, "remove_foreign": remove_foreign}
        return self.ask("POST", "/v1/repair", json=question)

    # The way there and back.

    def ask(self, method: str, path: str, params: Json | None = None, json: object = None) -> Json:
        """Any path that answers with one document."""

        def asked() -> Json:
            with self._told(), self._way.ask(method, path, params, json, ANSWER_SECONDS) as reply:
                self._checked(reply)
                found: Json = reply.json()
                return found

        return self._led(asked)

    def change(self, path: str, question: Json, progress: Progress | None) -> Json:
        """Any path that answers with the lines of a change: its ``applied`` line."""
        return self._led(lambda: self._change(path, question, progress))

    def _change(self, path: str, question: Json, progress: Progress | None) -> Json:
        with (
            self._watched() as opened,
            self._told(),
            self._way.ask("POST", path, body=question, opened=opened) as reply,
        ):
            self._checked(reply)
            for line in reply.lines():
                step: Json = json.loads(line)
                if step["event"] == "applied":
                    return step
                if step["event"] == "error":
                    raise ApiError(reply.status, step["error"])
                if progress is not None:
                    progress(step)
        raise NoDaemon("the daemon ended in the middle of the change: its next start finishes it or takes it back")

    # Several controllers.

    def _led(self, asked: Callable[[], T]) -> T:
        """Ask whoever leads; another one when it was certainly not done: nobody there, or refused as a follower."""
        if len(self._ways) == 1:
            return asked()
        end = time.monotonic() + ELECTION_SECONDS
        while True:
            self._find_leader(end)
            try:
                return asked()
            except Absent:
                if time.monotonic() > end:
                    raise
            except ApiError as error:
                if error.code != "follower" or time.monotonic() > end:
                    raise
            time.sleep(LOOK_SECONDS)

    def _find_leader(self, end: float) -> None:
        """Turn to whoever leads; if nobody does for long, to one that answers, which reads and refuses changes."""
        while True:
            there: list[Way] = []
            for way in (self._way, *(each for each in self._ways if each is not self._way)):
                leads = _leads(way)
                if leads:
                    self._turn_to(way)
                    return
                if leads is False:
                    there.append(way)
            if time.monotonic() > end:
                self._turn_to(there[0] if there else self._way)
                return
            time.sleep(LOOK_SECONDS)

    def _turn_to(self, way: Way) -> None:
        self._way, self.url = way, way.url

    @contextmanager
    def _watched(self) -> Iterator[Callable[[Callable[[], object]], object]]:
        """For as long as the block, wait no longer for a leader when another one leads: it may be paused for ever."""
        over, asked = threading.Event(), self._way
        cuts: list[Callable[[], object]] = []

        def watch() -> None:
            while not over.wait(WATCH_SECONDS):
                if any(_leads(way) for way in self._ways if way is not asked):
                    for cut in cuts:
                        cut()

        if len(self._ways) > 1:
            threading.Thread(target=watch, name="clos-watch-leader", daemon=True).start()
        try:
            yield cuts.append
        finally:
            over.set()

    @contextmanager
    def _told(self) -> Iterator[None]:
        """What the way raises as what a person can act on."""
        try:
            yield
        except NoAddress as error:
            raise NoDaemon(f"{self.url!r} is no address of a daemon: {error}") from None
        except NoAuthority as error:
            raise NoDaemon(f"{self._way.authority}: {error}; {AUTHORITY} names a file of certificates in PEM") from None
        except Unreachable as error:
            if URL in os.environ:
                raise NoDaemon(f"nothing answers at {self.url}: {error}; {URL} says where a daemon is") from None
            raise Absent(f"nothing answers at {self.url}: the daemon has ended; 'clos serve' starts one") from None
        except Untrusted as error:
            text = (
                f"the certificate of {self.url} is not trusted: {error}; {AUTHORITY} names who signed it (a PEM file)"
            )
            raise NoDaemon(text) from None
        except TimedOut:
            raise NoDaemon(f"no answer from {self.url} in time; see what 'clos status' says") from None
        except Broken as error:
            raise NoDaemon(f"the connection to {self.url} broke: {error}; see what 'clos status' says") from None

    def _checked(self, reply: Reply) -> None:
        if 200 <= reply.status < 300:
            return
        try:
            error = reply.json()["error"]
        except (ValueError, KeyError, TypeError):
            raise NoDaemon(f"{self.url} answers, but is no Clos daemon (HTTP status {reply.status})") from None
        raise ApiError(reply.status, error)


def _leads(way: Way) -> bool | None:
    """Whether who is there leads; None: nobody answers."""
    quick = way._replace(connect=LOOK_PATIENCE)
    try:
        with quick.ask("GET", "/v1/cluster", patience=LOOK_PATIENCE) as reply:
            return reply.status == 200 and bool(reply.json().get("leads"))
    except (Unreachable, TimedOut, Broken, ValueError):
        return None


def _sources(sources: Mapping[str, str], topology: tuple[str, str] | None) -> Json:
    named = [{"name": name, "text": text} for name, text in sources.items()]
    return {"sources": named, "topology": topology and {"name": topology[0], "text": topology[1]}}


def _order(who: str, why: str, allow: Iterable[str], expect_revision: int | None) -> Json:
    return {"who": who, "why": why, "allow": list(allow), "expect_revision": expect_revision}
