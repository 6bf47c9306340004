"""How ``clos migrate`` asks a legacy network over SSH: the inventory, credentials, and progress for people.

Must not know: what devices answer.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from getpass import getuser
from importlib import import_module
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from clos.controller.cli.answer import USAGE, Stop, complain, usage
from clos.controller.migrate.discover.assemble import Collected
from clos.controller.migrate.discover.inventories import read_hosts
from clos.controller.migrate.discover.inventory import Host, InventoryProblem

if TYPE_CHECKING:
    from clos.controller.migrate.discover.ssh import Access
    from clos.controller.migrate.run.device import Operator

PASSWORD, ENABLE = "CLOS_MIGRATE_PASSWORD", "CLOS_MIGRATE_ENABLE"
SERVICE = "clos"
"""Of the key ring's entries."""


def hosts_of(inventory: str) -> tuple[Host, ...]:
    """The hosts of an inventory of whatever kind; what was left out of it is said."""
    if not inventory:
        raise usage("'' is no inventory; name a file, a directory of Ansible's, or the URL of a NetBox")
    try:
        found = read_hosts(inventory)
    except InventoryProblem as fault:
        raise Stop(USAGE, f"{inventory} is no inventory", fault.problems) from None
    except OSError as fault:
        raise usage(f"{inventory} cannot be read: {fault.strerror}") from None
    for note in found.notes:
        complain(f"{found.kind} inventory: {note}")
    return found.hosts


def ask_all(
    inventory: str,
    user: str,
    known_hosts: Path | None,
    accept: bool,
    timeout: float,
    parallel: int,
    keep: Callable[[Collected], None],
) -> tuple[Collected, ...]:
    """Everything that the inventory's devices answer; ``keep`` has each as soon as it is read."""
    hosts = hosts_of(inventory)
    try:
        ssh = import_module("clos.controller.migrate.discover.ssh")
    except ModuleNotFoundError as fault:
        raise usage(f"discovery over SSH needs {fault.name}: pip install 'clos-fabric[migrate]'") from None
    access = _access(hosts, user, known_hosts, accept, timeout)
    with _progress(len(hosts)) as shown:

        def done(one: Collected) -> None:
            keep(one)
            shown(one)

        found: tuple[Collected, ...] = ssh.discover(hosts, access, parallel, done)
    return found


@contextmanager
def operator(inventory: str, user: str, known_hosts: Path | None, timeout: float) -> Iterator[Operator]:
    """Sessions in which the inventory's devices are configured."""
    hosts = hosts_of(inventory)
    try:
        device = import_module("clos.controller.migrate.run.device")
    except ModuleNotFoundError as fault:
        raise usage(f"configuring over SSH needs {fault.name}: pip install 'clos-fabric[migrate]'") from None
    with device.Operator(hosts, _access(hosts, user, known_hosts, False, timeout)) as made:
        yield made


def _access(hosts: tuple[Host, ...], user: str, known_hosts: Path | None, accept: bool, timeout: float) -> Access:
    """How devices let us in: keys, and secrets of the environment or the key ring."""
    ssh = import_module("clos.controller.migrate.discover.ssh")
    user = user or getuser()
    listed = next((host.known_hosts for host in hosts if host.known_hosts), None)
    keys = known_hosts or Path(listed or "~/.ssh/known_hosts")
    if (known_hosts or listed) and not accept and not keys.expanduser().is_file():
        where = "--known-hosts" if known_hosts else "the inventory's known_hosts"
        raise usage(f"{where} {keys}: there is no such file; without it no host key is known")
    found: Access = ssh.Access(user, _secret(PASSWORD, user), _secret(ENABLE, f"{user}/enable"), keys, accept, timeout)
    return found


@contextmanager
def _progress(total: int) -> Iterator[Callable[[Collected], None]]:
    """A bar on a terminal, with a line for each device that failed; elsewhere a line for each device."""
    if not sys.stderr.isatty():
        numbers = count(1)
        yield lambda one: complain(f"{next(numbers)} of {total}: {_said(one)}")
        return
    from rich.console import Console  # noqa: PLC0415 - 40 ms to load
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn  # noqa: PLC0415

    looks = BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.description}")
    with Progress(*looks, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("asking devices", total=total)

        def shown(one: Collected) -> None:
            bar.update(task, advance=1, description=one.name)
            if one.failed:
                bar.console.print(f"clos: {_said(one)}", markup=False, highlight=False)

        yield shown


def _said(one: Collected) -> str:
    return f"{one.name}: {len(one.outputs)} outputs{_lost(one)}"


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
