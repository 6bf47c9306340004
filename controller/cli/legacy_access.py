"""How ``clos migrate`` asks a legacy network over SSH: the inventory, credentials, and progress for people.

Must not know: what devices answer.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from getpass import getuser
from importlib import import_module
from pathlib import Path

from clos.controller.cli.answer import USAGE, Stop, complain, usage
from clos.controller.migrate.discover.assemble import Collected
from clos.controller.migrate.discover.inventory import InventoryProblem, read_inventory

PASSWORD, ENABLE = "CLOS_MIGRATE_PASSWORD", "CLOS_MIGRATE_ENABLE"
SERVICE = "clos"
"""Of the key ring's entries."""


def ask_all(
    inventory: Path,
    user: str,
    known_hosts: Path | None,
    accept: bool,
    timeout: float,
    parallel: int,
    keep: Callable[[Collected], None],
) -> tuple[Collected, ...]:
    """Everything that the inventory's devices answer; ``keep`` has each as soon as it is read."""
    try:
        hosts = read_inventory(inventory)
    except InventoryProblem as fault:
        raise Stop(USAGE, f"{inventory} is no inventory", fault.problems) from None
    except OSError as fault:
        raise usage(f"{inventory} cannot be read: {fault.strerror}") from None
    try:
        ssh = import_module("clos.controller.migrate.discover.ssh")
    except ModuleNotFoundError as fault:
        raise usage(f"discovery over SSH needs {fault.name}: pip install 'clos-fabric[migrate]'") from None
    user = user or getuser()
    keys = known_hosts or Path(next((host.known_hosts for host in hosts if host.known_hosts), "~/.ssh/known_hosts"))
    access = ssh.Access(user, _secret(PASSWORD, user), _secret(ENABLE, f"{user}/enable"), keys, accept, timeout)
    count = 0

    def done(one: Collected) -> None:
        nonlocal count
        count += 1
        keep(one)
        complain(f"{count} of {len(hosts)}: {one.name}: {len(one.outputs)} outputs{_lost(one)}")

    found: tuple[Collected, ...] = ssh.discover(hosts, access, parallel, done)
    return found


def _lost(one: Collected) -> str:
    return f"; not read: {'; '.join(one.failed)}" if one.failed else ""


def _secret(variable: str, name: str) -> str | None:
    """From the environment, or from the key ring where there is one."""
    given = os.environ.get(variable)
    if given:
        return given
    try:
        ring = import_module("keyring")
        found: str | None = ring.get_password(SERVICE, name)
    except Exception:  # a key ring that is not there, or locked, is no key ring
        return None
    return found
