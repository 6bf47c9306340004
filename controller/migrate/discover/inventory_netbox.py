"""NetBox as an inventory: its API (devices, page by page), a page of it that was saved, or its export as CSV.

Lives here: which of its devices are asked and where. Must not know: sessions, what devices answer. Only what NetBox
shows of a device is used: name, primary address, platform, status. Reference: NetBox REST API, /api/dcim/devices/.
"""

from __future__ import annotations

import csv
import json
import os
import re
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from clos.controller.migrate.discover.inventory import Found, Host, InventoryProblem, host_of

TOKEN = "CLOS_NETBOX_TOKEN"
_TIMEOUT, _MOST = 30.0, 200
"""Seconds for a page, and pages at most."""
_DOWN = frozenset({"offline", "decommissioning", "planned", "inventory"})
_COLUMNS = {
    "name": "name", "status": "status", "platform": "platform",
    "ip address": "address", "primary ip": "address", "primary_ip": "address", "primary ipv4": "address",
    "primary_ip4": "address", "ipv4 address": "address",
}  # fmt: skip
"""Headings of its exports, in small letters."""


def looks_netbox(document: Any) -> bool:
    """Whether a document is a page of devices, or a list of them, as NetBox writes it."""
    rows = document.get("results") if isinstance(document, dict) else document
    return isinstance(rows, list) and bool(rows) and all(
        isinstance(row, dict) and "name" in row and row.keys() & {"primary_ip", "primary_ip4", "device_type"} for row in rows
    )  # fmt: skip


def looks_csv(text: str) -> bool:
    """Whether a text is an export of devices: its first line names columns of NetBox's."""
    words = {word.strip().strip('"').lower() for word in text.split("\n", 1)[0].split(",")}
    return "name" in words and any(_COLUMNS.get(word) == "address" for word in words)


def read_api(url: str) -> Found:
    """The devices of a NetBox; a query in the URL (``?site=dc1&role=switch``) picks some. Raises InventoryProblem."""
    parts = urlsplit(url)
    base = re.sub(r"/(?:api(?:/dcim(?:/devices)?)?)?/?$", "", parts.path)
    query = f"{parts.query}&limit=200" if parts.query else "limit=200"
    start = f"{parts.scheme}://{parts.netloc}{base}/api/dcim/devices/?{query}"
    return of_devices(url, list(_pages(start)))


def of_devices(where: str, rows: Iterable[Any]) -> Found:
    """The hosts of devices as the API writes them."""
    return _found(where, [_flat(row) for row in rows])


def of_csv(where: str, text: str) -> Found:
    """The hosts of an export."""
    rows = []
    for row in csv.DictReader(text.splitlines()):
        known = {(heading or "").strip().lower(): value for heading, value in row.items()}
        found: dict[str, str] = {}
        for heading, field in _COLUMNS.items():
            if known.get(heading):
                found.setdefault(field, str(known[heading]))
        rows.append(found)
    return _found(where, rows)


def _pages(url: str) -> Iterator[Any]:
    """The rows of all pages; a next page elsewhere is not followed, for the token would go with it."""
    home = urlsplit(url)
    for _ in range(_MOST):
        page = _get(url)
        yield from page.get("results") or ()
        following = page.get("next")
        if not following:
            return
        parts = urlsplit(following)
        if parts.hostname != home.hostname:
            raise InventoryProblem([f"{url}: the next page is on another host, {parts.hostname}: not followed"])
        url = parts._replace(scheme=home.scheme, netloc=home.netloc).geturl()
    raise InventoryProblem([f"{url}: more than {_MOST} pages: pick devices with a query, ?site=dc1"])


def _get(url: str) -> dict[str, Any]:
    token = os.environ.get(TOKEN)
    headers = {"Accept": "application/json"} | ({"Authorization": f"Token {token}"} if token else {})
    request = urllib.request.Request(url, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT, context=ssl.create_default_context()) as answer:
            found = json.loads(answer.read(32 * 2**20))
    except urllib.error.HTTPError as fault:
        hint = f": set {TOKEN} to a token that may read devices" if fault.code in (401, 403) else ""
        raise InventoryProblem([f"{url}: NetBox answers {fault.code} {fault.reason}{hint}"]) from None
    except (urllib.error.URLError, OSError) as fault:
        raise InventoryProblem([f"{url}: {getattr(fault, 'reason', fault)}"]) from None
    except ValueError:
        raise InventoryProblem([f"{url}: what answers is no NetBox: its answer is no JSON"]) from None
    if not isinstance(found, dict) or not isinstance(found.get("results"), list):
        raise InventoryProblem([f"{url}: what answers is no NetBox: its answer has no results"])
    return found


def _flat(row: Any) -> dict[str, str]:
    """A device of the API in the words of an export."""
    if not isinstance(row, dict):
        return {}
    address = row.get("primary_ip4") or row.get("primary_ip") or {}
    status, platform = row.get("status") or {}, row.get("platform") or {}
    return {
        "name": str(row.get("name") or ""),
        "address": str(address.get("address", "") if isinstance(address, dict) else address),
        "status": str(status.get("value", "") if isinstance(status, dict) else status),
        "platform": str((platform.get("slug") or platform.get("name")) if isinstance(platform, dict) else platform),
    }


def _found(where: str, rows: Iterable[Mapping[str, str]]) -> Found:
    hosts: list[Host] = []
    problems: list[str] = []
    silent: list[str] = []
    others: list[str] = []
    for row in rows:
        name, system = row.get("name", "").strip(), _system(row.get("platform", ""))
        if not name or row.get("status", "").strip().lower() in _DOWN or system is None:
            others.append(name or "a device without a name")
        elif not row.get("address", "").strip():
            silent.append(name)
        else:
            values = {"name": name, "address": row["address"].strip().split("/")[0], "platform": system}
            for one in host_of(f"{where}: {name}", values):
                (problems if isinstance(one, str) else hosts).append(one)  # type: ignore[arg-type]
    if not hosts and not problems:
        problems.append(f"{where}: no device with a primary address and the platform IOS, IOS-XE or NX-OS")
    if problems:
        raise InventoryProblem(problems)
    notes = [f"without a primary address, so not asked: {', '.join(sorted(silent))}"] if silent else []
    if others:
        notes.append(f"left out for their status or platform: {', '.join(sorted(others))}")
    return Found(tuple(hosts), "NetBox", tuple(notes))


def _system(platform: str) -> str | None:
    """Our platform of NetBox's, whose slugs are the owner's own words: ``cisco-ios-xe``, ``ios``, ``nx-os``."""
    word = re.sub(r"[^a-z]", "", platform.lower())
    if "nxos" in word:
        return "nxos"
    return "iosxe" if "iosxe" in word else "ios" if re.search(r"ios(?!xr)", word) else None
