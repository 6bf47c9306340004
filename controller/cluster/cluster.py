"""Who leads: the key in etcd that one controller holds with its lease, and what follows when it changes hands.

Lives here: standing for election, stepping down, the list of who is there. Must not know: switches, what leading means.

The revision at which the leader's key was created is the leader's *term*: it grows with every leader, and fences the
store (controller.store.etcd) and the switches (as generation id, controller.wire.seat).
"""

from __future__ import annotations

import json
import logging
import threading
import uuid
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from clos.controller.cluster.lease import Lease, now
from clos.controller.store import etcd_client as etcd
from clos.controller.store.etcd import LEADER, ROOT, EtcdRows, Fence
from clos.controller.store.etcd_client import Etcd, EtcdError, EtcdUnknown, Kv
from clos.controller.store.revision import StoreError
from clos.controller.store.store import utc_now

LOG = logging.getLogger(__name__)

MEMBERS = f"{ROOT}members/"
PERIOD = 0.2
"""Seconds between two looks at etcd."""
LIST_PERIOD = 1.0
"""And between two at the list of who is there."""
LEASE_SECONDS = 3
"""etcd makes a shorter one than half of three of its election timeouts (by default 2 s) longer."""
START_SECONDS = 10.0
"""How long etcd may take to answer for the first time."""


class Member(NamedTuple):
    """A controller. ``url``: of its API; ``since``: when it began (UTC); ``number``: transactions heard of."""

    name: str
    url: str
    since: str
    number: int
    leads: bool = False


@dataclass(frozen=True, slots=True)
class ClusterReport:
    """``age``: seconds since this controller last heard a majority of etcd; what it reads is no older.

    ``leader``: a name, empty: none that we know of. ``problem``: what is wrong, empty: nothing.
    """

    name: str
    leads: bool
    leader: str
    term: int
    age: float
    store: str
    members: tuple[Member, ...]
    problem: str = ""


class Office(Protocol):
    """What is told of an election. ``lead`` returns when the work may begin; ``refresh``: the rows have changed."""

    def lead(self, term: int) -> None: ...
    def follow(self) -> None: ...
    def refresh(self) -> None: ...


class Cluster:
    """This controller among those that share an etcd. ``rows``: the store's, ready when ``begin`` has returned."""

    def __init__(self, address: str, name: str, tls: etcd.Tls | None = None, seconds: int = LEASE_SECONDS) -> None:
        """Raises ValueError for an address that is none; EtcdError without etcd3gw."""
        members = etcd.endpoints(address)
        self._etcd = Etcd(members, tls)
        self.rows = EtcdRows(Etcd(members, tls))
        self.lease = Lease(Etcd(members, tls, patience=seconds / 6), seconds)
        self.name, self._key = name, f"{MEMBERS}{uuid.uuid4().hex}"
        self._me = Member(name, "", utc_now(), 0)
        self._said: tuple[int, Member] | None = None
        self._members: tuple[Member, ...] = ()
        self._listed = self._heard = 0.0
        self._term, self._leading_by = 0, 0
        self._leader: Kv | None = None
        self._problem = ""

    # Any thread.

    @property
    def leads(self) -> bool:
        """Whether this controller certainly leads at this moment."""
        return self._leading_by != 0 and self.rows.fence is not None and self.lease.lasts(self._leading_by)

    def advertise(self, url: str) -> None:
        """Where our API is."""
        self._me = self._me._replace(url=url)

    def report(self) -> ClusterReport:
        leader = self._leader
        members = tuple(m._replace(leads=bool(leader and m.name == leader.value.decode())) for m in self._members)
        return ClusterReport(
            self.name, self.leads, leader.value.decode() if leader else "", self._term,
            round(now() - self._heard, 2) if self._heard else -1.0, self.rows.place, members, self._problem,
        )  # fmt: skip

    def whereabouts(self) -> str:
        """Who leads and where, for whoever asked the wrong one; empty: nobody, as far as is known."""
        leader = self._leader
        if leader is None or leader.lease == self.lease.ident:
            return ""
        name = leader.value.decode()
        url = next((member.url for member in self._members if member.name == name), "")
        return f"{name} leads ({url})" if url else f"{name} leads"

    # The thread of the election.

    def begin(self) -> None:
        """Read the store for the first time. Raises StoreError."""
        end = now() + START_SECONDS
        while True:
            try:
                self.rows.catch_up()
                self._heard = now()
                return
            except EtcdError as error:
                if now() > end:
                    raise StoreError(f"{self.rows.place}: {error}: start etcd, or name its members") from None
                threading.Event().wait(PERIOD)

    def run(self, stopping: threading.Event, office: Office) -> None:
        """Lead or follow until told to stop."""
        while not stopping.is_set():
            try:
                self.turn(office)
                self._problem = ""
            except EtcdUnknown as error:
                self._problem = str(error)
            except (EtcdError, StoreError) as error:
                self._problem = str(error)
                LOG.warning("%s", error)
                stopping.wait(LIST_PERIOD)
            except Exception as error:
                self._problem = f"{type(error).__name__}: {error}"
                if not stopping.is_set():
                    LOG.exception("the election failed; it continues")
                    stopping.wait(LIST_PERIOD)
            stopping.wait(PERIOD)

    def turn(self, office: Office) -> None:
        """Look at etcd once, and do what follows. Raises EtcdError, EtcdUnknown, StoreError."""
        if self._leading_by and not self.leads:
            self._step_down(office)
        asked = now()
        found = self._etcd.get(LEADER)
        ident = self.lease.ident
        if found is None and self.lease.lasts(ident):
            self._etcd.commit([etcd.created(LEADER, 0)], [etcd.put(LEADER, self.name.encode(), ident)])
            found = self._etcd.get(LEADER)
        self._heard, self._leader = asked, found
        self.rows.leader = self.whereabouts()
        mine = found is not None and found.lease == ident and self.lease.lasts(ident)
        if self._leading_by and not (mine and found and found.created == self._term):
            self._step_down(office)
        if not self._leading_by:
            self._follow(office, found if mine else None)
        elif self.rows.is_long:
            self.rows.fold()
        self._list(ident)

    def _follow(self, office: Office, elected: Kv | None) -> None:
        """Catch up, and lead if elected: all that was written before our term is here then."""
        if self.rows.catch_up():
            office.refresh()
        if elected is not None:
            ident = elected.lease
            self.rows.fence = Fence(elected.created, lambda: self.lease.lasts(ident))
            self._term, self._leading_by = elected.created, ident
            LOG.warning("%s leads, term %d", self.name, self._term)
            office.lead(self._term)

    def _step_down(self, office: Office) -> None:
        LOG.warning("%s leads no more", self.name)
        self.rows.fence, self._leading_by = None, 0
        office.follow()
        self.lease.end()  # so that our key goes, if it is still there, and another term begins

    def _list(self, ident: int) -> None:
        """Say that we are there, and see who is."""
        if now() - self._listed < LIST_PERIOD or not ident:
            return
        self._listed = now()
        me = self._me._replace(number=self.rows.number)
        if self._said != (ident, me):
            self._etcd.commit([], [etcd.put(self._key, json.dumps(me._asdict()).encode(), ident)])
            self._said = ident, me
        self._members = tuple(sorted(_member(json.loads(kv.value)) for kv in self._etcd.under(MEMBERS)[0]))


def _member(said: dict[str, Any]) -> Member:
    return Member(str(said["name"]), str(said["url"]), str(said["since"]), int(said["number"]))
