"""Devices that answer over real SSH with outputs given as text: netmiko talks to them as it does to an IOS device.

Faults on demand: old key exchanges only, a session that ends in the middle of an answer, a device that stops answering.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import asyncssh

USER, PASSWORD = "reader", "a password"
REFUSED = "          ^\n% Invalid input detected at '^' marker.\n"


@dataclass
class Replay:
    """A device: what it prints for each command; ``asked`` are the lines that it was sent."""

    name: str
    outputs: Mapping[str, str]
    cut: str | None = None
    """The command in whose answer the session ends."""
    silent: str | None = None
    """The command that is never answered."""
    kex: tuple[str, ...] = ()
    think: float = 0.0
    """Seconds before an answer."""
    asked: list[str] = field(default_factory=list)


class _Server(asyncssh.SSHServer):
    def begin_auth(self, username: str) -> bool:
        return True

    def connection_requested(self, dest_host: str, dest_port: int, orig_host: str, orig_port: int) -> bool:
        """Every device is a jump host, too."""
        return True

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return (username, password) == (USER, PASSWORD)


async def _talk(device: Replay, process: asyncssh.SSHServerProcess[str]) -> None:
    """The command line: a prompt, an echo, an answer. It ends with the session."""
    prompt = f"{device.name}#"
    process.stdout.write(f"\r\n{prompt}")
    async for line in process.stdin:
        command = line.strip()
        device.asked += [command] if command else []
        process.stdout.write(f"{command}\r\n" if command else "\r\n")
        if command == device.silent:
            continue
        text = "" if command.startswith("terminal") or not command else device.outputs.get(command, REFUSED)
        if device.think and command:
            await asyncio.sleep(device.think)
        if command == device.cut:
            process.stdout.write(text[: len(text) // 2].replace("\n", "\r\n"))
            process.exit(1)
            return
        process.stdout.write(text.replace("\n", "\r\n") + prompt)
    process.exit(0)


async def _listen(device: Replay, key: asyncssh.SSHKey) -> asyncssh.SSHAcceptor:
    async def talk(process: asyncssh.SSHServerProcess[str]) -> None:
        await _talk(device, process)

    return await asyncssh.create_server(
        _Server, "127.0.0.1", 0, server_host_keys=[key], process_factory=talk, line_editor=False,
        **({"kex_algs": list(device.kex)} if device.kex else {}),
    )  # fmt: skip


@contextmanager
def served(devices: list[Replay], known_hosts: Path | None = None) -> Iterator[dict[str, int]]:
    """Port by name, while they answer. ``known_hosts`` is written with their keys."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    key = asyncssh.generate_private_key("ecdsa-sha2-nistp256")
    acceptors = {
        device.name: asyncio.run_coroutine_threadsafe(_listen(device, key), loop).result(30) for device in devices
    }
    ports = {name: acceptor.get_port() for name, acceptor in acceptors.items()}
    if known_hosts is not None:
        public = key.export_public_key().decode().strip()
        known_hosts.write_text("".join(f"[127.0.0.1]:{port} {public}\n" for port in ports.values()), encoding="ascii")
    try:
        yield ports
    finally:
        for acceptor in acceptors.values():
            loop.call_soon_threadsafe(acceptor.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(30)
