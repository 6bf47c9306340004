"""A device's command line over SSH: one port of the loopback for each device.

Lives here: host keys, passwords and keys, sessions on asyncssh; the only place that imports it. Must not know: what
commands do. Real time drives the devices' virtual clock while somebody listens.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import asyncssh

from clos.fabric.sim.legacy.device import LegacyDevice
from clos.fabric.sim.legacy.session import Session

SHA1_ONLY: dict[str, Any] = {
    "kex_algs": ["diffie-hellman-group14-sha1", "diffie-hellman-group1-sha1"],
    "signature_algs": ["ssh-rsa"],
    "encryption_algs": ["aes128-cbc", "3des-cbc"],
    "mac_algs": ["hmac-sha1"],
}
"""What IOS before 15.2(4) offers, and nothing else."""


@dataclass(frozen=True, slots=True)
class Access:
    """How a device is reached. ``key``: its host key; ``sha1_only``: as an old device;
    ``authorized``: public keys, in OpenSSH's form, that are let in for any user that the device knows."""

    key: asyncssh.SSHKey
    sha1_only: bool = False
    authorized: tuple[str, ...] = ()


def host_key(sha1_only: bool = False) -> asyncssh.SSHKey:
    """A new host key, of the kind that the device would have."""
    return (
        asyncssh.generate_private_key("ssh-rsa", key_size=2048)
        if sha1_only
        else asyncssh.generate_private_key("ecdsa-sha2-nistp256")
    )


_Around = tuple[Callable[[], object], Callable[[], object]]


class _Server(asyncssh.SSHServer):
    """A connection: who it is, and with what privilege."""

    def __init__(self, device: LegacyDevice, access: Access, around: _Around) -> None:
        self._device, self._access, self._around = device, access, around
        self._connection: asyncssh.SSHServerConnection | None = None
        self._user, self._level = "", 1

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._connection = conn
        if not self._device.alive:
            conn.abort()

    def begin_auth(self, username: str) -> bool:
        self._user = username
        return True

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        level = self._device.login(username, password)
        self._level = level or 1
        return level is not None

    def public_key_auth_supported(self) -> bool:
        return bool(self._access.authorized)

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        level = self._device.privilege(username)
        self._level = level or 1
        sent = key.public_data
        return level is not None and any(
            asyncssh.import_public_key(one).public_data == sent for one in self._access.authorized
        )

    def session_requested(self) -> asyncssh.SSHServerSession[str]:
        assert self._connection is not None
        return _Terminal(self._device, self._user, self._level, self._connection, self._around)


class _Terminal(asyncssh.SSHServerSession[str]):
    """A shell, or a single command as ``ssh HOST COMMAND`` gives it."""

    def __init__(
        self, device: LegacyDevice, user: str, level: int, connection: asyncssh.SSHServerConnection, around: _Around
    ) -> None:
        self._device, self._user, self._level, self._connection = device, user, level, connection
        self._around = around
        self._channel: asyncssh.SSHServerChannel[str] | None = None
        self._session: Session | None = None
        self._single: str | None = None

    def connection_made(self, chan: asyncssh.SSHServerChannel[str]) -> None:
        self._channel = chan
        self._session = Session(self._device, self._user, self._level, self._write, self._hang_up)

    def pty_requested(self, term_type: str, term_size: tuple[int, int, int, int], term_modes: object) -> bool:
        return True

    def shell_requested(self) -> bool:
        return True

    def exec_requested(self, command: str) -> bool:
        self._single = command
        return True

    def session_started(self) -> None:
        assert self._session is not None
        if self._single is None:
            self._session.greet()
            return
        self._write("\r\n" + self._session.execute(self._single).replace("\n", "\r\n"))
        self._session.close()

    def data_received(self, data: str, datatype: int | None) -> None:
        assert self._session is not None
        self._around[0]()
        self._session.feed(data)
        self._around[1]()

    def break_received(self, msec: int) -> bool:
        return True

    def eof_received(self) -> bool:
        self._closed()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._closed()

    def _closed(self) -> None:
        if self._session is not None:
            self._session.close()

    def _write(self, text: str) -> None:
        if self._channel is not None and not self._channel.is_closing():
            self._channel.write(text)

    def _hang_up(self, broken: bool) -> None:
        if self._channel is None:
            return
        if broken:
            asyncio.get_running_loop().call_later(0.02, self._connection.abort)
        else:
            self._channel.exit(0)


async def listen(
    device: LegacyDevice,
    access: Access,
    host: str,
    port: int,
    before: Callable[[], object] = lambda: None,
    after: Callable[[], object] = lambda: None,
) -> asyncssh.SSHAcceptor:
    """Have the device reached at this address (port 0: any that is free). Raises OSError: it cannot be had.

    ``before`` and ``after``: called around what a user types, so that virtual time is where it should be."""
    options: dict[str, Any] = dict(SHA1_ONLY) if access.sha1_only else {}
    return await asyncssh.create_server(
        lambda: _Server(device, access, (before, after)),
        host,
        port,
        server_host_keys=[access.key],
        server_version="Cisco-1.25",
        line_editor=False,
        keepalive_interval=0,
        **options,
    )


def known_hosts(host: str, reached: Sequence[tuple[int, Access]]) -> str:
    """Lines of a known_hosts file for these ports."""
    lines = (
        f"[{host}]:{port} {access.key.export_public_key('openssh').decode().strip()}\n" for port, access in reached
    )
    return "".join(lines)
