"""The inventory of a legacy network: which devices to ask, and how to reach them. No secrets: those are in the environment,
a key ring or an agent.

```yaml
defaults: { username: reader, platform: ios, password_env: CLOS_LEGACY_PASSWORD }
devices:
  core1: { host: 10.0.0.1 }
  core2: { host: 10.0.0.2, port: 2222, jump: bastion.example.net, old_key_exchange: true }
```

A plain list of addresses (or of mappings with ``name``) does as well: ``[10.0.0.1, 10.0.0.2]``, or below ``hosts:``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, NamedTuple

import yaml

PLATFORMS = {"ios": "cisco_ios", "iosxe": "cisco_xe", "nxos": "cisco_nxos"}
"""Our word -> netmiko's driver."""
NAMES = {"host": "address", "user": "username"}
"""Other words for the same."""
UNUSED = frozenset({"model", "serial", "mac", "ports", "router", "version"})
"""What an inventory may say of a device beyond how to reach it."""
PASSWORDS = ("password", "secret", "enable", "enable_password", "passphrase")


@dataclass(frozen=True, slots=True)
class Host:
    """A device to ask. ``jump``: ``[user@]host[:port]`` of the host that leads to it.

    ``old_key_exchange``: SHA-1 key exchanges are allowed (IOS before 15.2), where the SSH library still has them.
    """

    name: str
    address: str
    port: int = 22
    username: str | None = None
    platform: str = "ios"
    password_env: str | None = None
    """The environment variable that has the password."""
    enable_env: str | None = None
    known_hosts: str | None = None
    """A file of host keys, beside the user's own; of the whole inventory."""
    jump: str | None = None
    old_key_exchange: bool = False


class Found(NamedTuple):
    """What an inventory gave. ``notes``: what was left out of it, a line each."""

    hosts: tuple[Host, ...]
    kind: str = "Clos"
    notes: tuple[str, ...] = ()


class InventoryProblem(Exception):
    """The inventory cannot be used; ``problems`` has a line for each fault."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


def read_inventory(path: Path) -> tuple[Host, ...]:
    """All hosts, in order, of an inventory of our own. Raises InventoryProblem, OSError."""
    return of_document(path, parsed(path, path.read_bytes().decode("utf-8", "replace")))


def parsed(path: Path, text: str) -> Any:
    """The YAML document. Raises InventoryProblem."""
    try:
        return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except yaml.YAMLError as fault:
        mark = getattr(fault, "problem_mark", None)
        where = f":{mark.line + 1}:{mark.column + 1}" if mark else ""
        raise InventoryProblem([f"{path}{where}: {getattr(fault, 'problem', None) or 'no YAML'}"]) from None


def of_document(path: Path, document: Any) -> tuple[Host, ...]:
    """All hosts of a document. Raises InventoryProblem."""
    document = {"hosts": document} if isinstance(document, list) else document
    entries = _entries(document)
    if not isinstance(document, dict) or not entries:
        raise InventoryProblem([f"{path}: devices: a mapping of devices by name is needed, or hosts: a list of hosts"])
    unknown = document.keys() - {"name", "defaults", "devices", "hosts"}
    problems = [f"{path}: {key}: unknown; known are defaults, devices and hosts" for key in sorted(map(str, unknown))]
    defaults = document.get("defaults") or {}
    if not isinstance(defaults, dict):
        raise InventoryProblem([f"{path}: defaults: a mapping is needed"])
    hosts = []
    for where, entry in entries:
        found = _host(f"{path}: {where}", entry, defaults)
        problems += [each for each in found if isinstance(each, str)]
        hosts += [each for each in found if isinstance(each, Host)]
    problems += _doubles(path, hosts)
    if problems:
        raise InventoryProblem(problems)
    return tuple(hosts)


def _entries(document: Any) -> list[tuple[str, Any]]:
    """(place, what it says) for each device."""
    if not isinstance(document, dict):
        return []
    hosts, devices = document.get("hosts") or [], document.get("devices") or {}
    listed = [(f"hosts[{number}]", entry) for number, entry in enumerate(hosts)] if isinstance(hosts, list) else []
    if not isinstance(devices, dict):
        return []
    named = [
        (f"devices.{name}", {"name": str(name), **entry} if isinstance(entry, dict) else entry)
        for name, entry in devices.items()
    ]
    return [*named, *listed]


def host_of(where: str, values: dict[str, Any]) -> list[Host | str]:
    """The host of another kind of inventory, or what is wrong with it."""
    return _host(where, values, {})


def _host(where: str, entry: Any, defaults: dict[str, Any]) -> list[Host | str]:
    """The host, or what is wrong with it."""
    given = {"address": entry} if isinstance(entry, str) else entry
    if not isinstance(given, dict):
        return [f"{where}: an address or a mapping is needed"]
    values = {NAMES.get(key, key): value for key, value in {**defaults, **given}.items() if key not in UNUSED}
    values.setdefault("address", values.get("name"))
    values.setdefault("name", values.get("address"))
    problems = list(_problems(where, values))
    return [*problems] if problems else [Host(**values)]


def _problems(where: str, values: dict[str, Any]) -> Iterator[str]:
    known = {field.name for field in fields(Host)}
    for key in sorted(map(str, values.keys() - known)):
        if key in PASSWORDS:
            yield f"{where}.{key}: secrets do not belong into the inventory: name an environment variable with password_env, or use an agent"
        else:
            yield f"{where}.{key}: unknown; known are {', '.join(sorted(known))}"
    for key in ("name", "address"):
        if not isinstance(values.get(key), str) or not values[key] or values[key].startswith("-"):
            yield f"{where}.{key}: a name or an address is needed"
    if "/" in str(values.get("name")) or str(values.get("name")) in {".", ".."}:
        yield f"{where}.name: {values['name']!r} cannot be the name of a directory"
    port = values.get("port", 22)
    if isinstance(port, bool) or not isinstance(port, int) or not 0 < port < 65536:
        yield f"{where}.port: {port!r} is no port; 1 to 65535"
    if values.get("platform", "ios") not in PLATFORMS:
        yield f"{where}.platform: {values['platform']!r} is not supported; one of {', '.join(PLATFORMS)}"
    if not isinstance(values.get("old_key_exchange", False), bool):
        yield f"{where}.old_key_exchange: true or false"
    for key in ("username", "jump", "password_env", "enable_env", "known_hosts"):
        if not isinstance(values.get(key), str | None):
            yield f"{where}.{key}: text is needed"


def _doubles(path: Path, hosts: list[Host]) -> Iterator[str]:
    names = [host.name for host in hosts]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"{path}: {name}: named {names.count(name)} times; names must differ"
