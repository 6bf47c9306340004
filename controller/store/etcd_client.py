"""etcd as Clos asks it: reads, conditional writes and leases, with an answer or an error within a known time.

Lives here: several endpoints as one, what an error says about whether something was done. Must not know: keys, rows.

On etcd3gw, which speaks etcd's JSON gateway (docs/decisions/0007-etcd.md). No watches: they end in silence. Everything
that must be known is read on a timer.
"""

from __future__ import annotations

import base64
import itertools
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from etcd3gw.client import Etcd3Client

Json = dict[str, Any]
Endpoint = tuple[str, int]

SCHEME = "etcd://"
PORT = 2379
PATIENCE = 1.0
"""Seconds that an endpoint has for an answer, before the next one is asked."""
PAGE = 200
"""Keys read at a time."""


class EtcdError(Exception):
    """etcd did not do it; the text says why, and what to do."""


class EtcdUnknown(EtcdError):
    """No answer: it may have been done, or be done later."""


class Tls(NamedTuple):
    """PEM files: who signed etcd's certificates; our certificate and key, where etcd asks for one."""

    authority: Path
    certificate: Path | None = None
    key: Path | None = None


class Kv(NamedTuple):
    """A key as etcd has it. ``created``, ``lease``: revision and lease, 0 = none."""

    key: str
    value: bytes
    created: int
    lease: int


class Txn(NamedTuple):
    """``revision``: of all of etcd, when it was done or compared."""

    done: bool
    revision: int


def endpoints(address: str) -> tuple[Endpoint, ...]:
    """``etcd://HOST[:PORT],...`` as endpoints. Raises ValueError, saying what is wrong."""
    words = address.removeprefix(SCHEME).rstrip("/").split(",")
    if not address.startswith(SCHEME) or not all(words):
        raise ValueError(f"{address!r} is no address of a store: {SCHEME}HOST:PORT, and more after commas")
    return tuple(_endpoint(word) for word in words)


def _endpoint(word: str) -> Endpoint:
    host, bracket, port = word.rpartition("]") if word.startswith("[") else ("", "", "")
    if bracket:
        host, port = host[1:], port.removeprefix(":")
    else:
        host, _, port = word.partition(":")
    if not host or "/" in word or (port and not (port.isdecimal() and 0 < int(port) < 65536)):
        raise ValueError(f"{word!r} is no address of an etcd member: HOST:PORT")
    return host, int(port or PORT)


class Etcd:
    """The members at ``endpoints``; whichever answers. Any thread may ask; raises EtcdError, EtcdUnknown."""

    def __init__(self, members: Iterable[Endpoint], tls: Tls | None = None, patience: float = PATIENCE) -> None:
        self.endpoints = tuple(members)
        self._clients = [_client(host, port, tls, patience) for host, port in self.endpoints]
        self._turn = 0

    def ask(self, path: str, question: Json) -> Json:
        """The answer of the first member that gives one. What is asked must do no harm when it is done twice."""
        from etcd3gw.exceptions import Etcd3Exception  # noqa: PLC0415 - an extra, loaded by now

        reasons: list[str] = []
        for number in itertools.islice(itertools.count(self._turn), len(self._clients)):
            client = self._clients[number % len(self._clients)]
            try:
                found: Json = client.post(client.get_url(path), json=question)
                self._turn = number % len(self._clients)
                return found
            except Etcd3Exception as error:
                text = _reason(error)
                if (told := _final(text)) is not None:
                    raise EtcdError(told) from None
                reasons.append(f"{client.host}:{client.port}: {text}")
            except (OSError, ValueError) as error:
                reasons.append(f"{client.host}:{client.port}: {error}")
        self._turn = (self._turn + 1) % len(self._clients)
        raise EtcdUnknown(f"no etcd member answers ({'; '.join(reasons)[:300]})")

    def get(self, key: str) -> Kv | None:
        """A key as a majority has it."""
        return next(iter(self._range({"key": _b64(key)})[0]), None)

    def under(self, prefix: str, after: str = "", limit: int = PAGE) -> tuple[list[Kv], bool]:
        """The keys that begin with ``prefix``, in order, from behind ``after``; and whether there are more."""
        first = f"{after}\0" if after else prefix
        return self._range({"key": _b64(first), "range_end": _b64(_end(prefix)), "limit": limit})

    def _range(self, question: Json) -> tuple[list[Kv], bool]:
        found = self.ask("/kv/range", {**question, "sort_order": "ASCEND", "sort_target": "KEY"})
        return [_kv(row) for row in found.get("kvs", ())], bool(found.get("more"))

    def commit(self, compare: Iterable[Json], then: Iterable[Json]) -> Txn:
        """All of ``then`` if all of ``compare`` holds, else nothing."""
        found = self.ask("/kv/txn", {"compare": list(compare), "success": list(then)})
        return Txn(bool(found.get("succeeded")), int(found["header"]["revision"]))

    def grant(self, seconds: int) -> tuple[int, float]:
        """A new lease, and for how many seconds."""
        found = self.ask("/lease/grant", {"TTL": seconds, "ID": 0})
        return int(found["ID"]), float(found["TTL"])

    def renew(self, lease: int) -> float:
        """For how many seconds more the lease lasts; 0: it is over."""
        return float(self.ask("/lease/keepalive", {"ID": lease})["result"].get("TTL", 0))

    def revoke(self, lease: int) -> None:
        """End the lease: its keys are gone."""
        self.ask("/lease/revoke", {"ID": lease})

    def close(self) -> None:
        for client in self._clients:
            client.session.close()


def created(key: str, revision: int) -> Json:
    """Compare: the key was created at this revision; 0: it is not there."""
    return {"key": _b64(key), "target": "CREATE", "result": "EQUAL", "create_revision": revision}


def put(key: str, value: bytes, lease: int = 0) -> Json:
    return {"request_put": {"key": _b64(key), "value": base64.b64encode(value).decode(), "lease": lease}}


def delete(key: str) -> Json:
    return {"request_delete_range": {"key": _b64(key)}}


def delete_between(first: str, end: str) -> Json:
    """Delete the keys from ``first`` to before ``end``."""
    return {"request_delete_range": {"key": _b64(first), "range_end": _b64(end)}}


_FINAL = {
    "database space exceeded": "etcd is full (its quota): compact and defragment its members, then disarm the alarm "
    "(docs/operations.md); nothing was written",
    "request is too large": "etcd refuses so large a request: raise --max-request-bytes of its members",
    "lease not found": "the lease is over",
    "permission denied": "etcd refuses: permission denied",
    "authentication": "etcd asks for a user and a password: Clos uses certificates",
}
"""What is in an error by which etcd says that it has done nothing, and will not."""


def _final(text: str) -> str | None:
    return next((told for words, told in _FINAL.items() if words in text.lower()), None)


def _reason(error: Any) -> str:
    return " ".join(filter(None, (str(error), error.detail_text or ""))) or type(error).__name__


@contextmanager
def _without_eventlet() -> Iterator[None]:
    """etcd3gw imports futurist, and that imports eventlet where it is installed: it would have a hand in every fork."""
    before = sys.modules.get("eventlet")
    sys.modules["eventlet"] = None  # type: ignore[assignment]  # what Python takes for "cannot be imported"
    try:
        yield
    finally:
        del sys.modules["eventlet"]
        if before is not None:
            sys.modules["eventlet"] = before


def _client(host: str, port: int, tls: Tls | None, patience: float) -> Etcd3Client:
    try:
        with _without_eventlet():
            from etcd3gw.client import Etcd3Client  # noqa: PLC0415 - an extra
    except ImportError:
        raise EtcdError("a store in etcd needs etcd3gw: pip install 'clos-fabric[etcd]'") from None
    if tls is None:
        return Etcd3Client(host, port, timeout=patience, api_path="/v3/")
    files = {"ca_cert": str(tls.authority)}
    if tls.certificate is not None and tls.key is not None:
        files |= {"cert_cert": str(tls.certificate), "cert_key": str(tls.key)}
    return Etcd3Client(host, port, "https", timeout=patience, api_path="/v3/", **files)


def _kv(row: Json) -> Kv:
    value = base64.b64decode(row.get("value", ""))
    return Kv(base64.b64decode(row["key"]).decode(), value, int(row["create_revision"]), int(row.get("lease", 0)))


def _end(prefix: str) -> str:
    """The first key after all that begin with the prefix; ours are ASCII."""
    return prefix[:-1] + chr(ord(prefix[-1]) + 1)


def _b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
