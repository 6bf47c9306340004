"""Devices asked over SSH, by netmiko: read-only, in parallel, and every failure named by its true cause.

Lives here: sessions, host keys, jump hosts. This is the only module of Clos that imports netmiko and paramiko. Must not
know: what outputs mean, what is configured (migrate.run.device).
"""

from __future__ import annotations

import logging
import os
import re
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any, NamedTuple

import paramiko
from netmiko import ConnectHandler
from netmiko.exceptions import NetmikoBaseException

from clos.controller.migrate.discover.assemble import Collected
from clos.controller.migrate.discover.config.device import read_config
from clos.controller.migrate.discover.inventory import PLATFORMS, Host
from clos.controller.migrate.discover.lines import Output, plain
from clos.controller.migrate.discover.permitted import permitted, to_ask
from clos.controller.migrate.discover.readers import RUNNING_CONFIG, reader_of

logging.getLogger("paramiko").setLevel(logging.CRITICAL)  # it prints tracebacks of what is raised as well

SHA1 = ("diffie-hellman-group1-sha1", "diffie-hellman-group14-sha1", "diffie-hellman-group-exchange-sha1")
_OLD = f"paramiko {paramiko.__version__}"
REFUSED = "it refused the user name or password"
NO_VARIABLE = "CLOS_MIGRATE_PASSWORD"
CAUSES = (
    (r"no acceptable kex algorithm|Incompatible ssh peer.*kex",
     "it and this SSH library have no key exchange in common: it offers only old ones (SHA-1), which "
     f"{_OLD} {{does}}; see docs/migration.md, old devices"),
    (r"no acceptable host key", f"it has only an old host key type (ssh-rsa with SHA-1), which {_OLD} no longer takes; "
     "see docs/migration.md, old devices"),
    (r"no acceptable ciphers?|no acceptable macs?", f"it and {_OLD} have no cipher or MAC in common"),
    (r"not found in known_hosts", "its host key is not known: check it and add it to known_hosts, or accept it with "
     "--accept-new-host-keys"),
    (r"does not match|BadHostKey", "its host key is not the one that is known: another device answers at this address, or "
     "its key was changed; nothing was sent"),
    (r"Authentication|authentication", REFUSED),
    (r"DNS failure|Name or service not known|nodename nor servname", "its name has no address (DNS)"),
    (r"TCP connection to device failed|refused|unreachable|timed out|No existing session",
     "it does not answer on its SSH port"),
    (r"Error reading SSH protocol banner", "what answers on its port is no SSH server"),
)  # fmt: skip
"""What a failure's text has in it -> its cause, for people. The first that fits."""


class Access(NamedTuple):
    """How devices let us in. ``known_hosts``: a file beside the user's own. ``accept``: unknown keys are added to it."""

    user: str
    password: str | None = None
    enable: str | None = None
    known_hosts: Path = Path("~/.ssh/known_hosts")
    accept: bool = False
    timeout: float = 15.0
    """Seconds for a connection."""
    quiet: float = 60.0
    """Seconds that a device may be silent within an answer."""


class Unreachable(Exception):
    """A device that no session could be opened to; the message is the cause."""


Progress = Callable[[Collected], None]


def discover(hosts: tuple[Host, ...], access: Access, parallel: int, done: Progress) -> tuple[Collected, ...]:
    """Asks all hosts, so many at once; ``done`` hears of each as it is finished. In the order of the inventory."""
    keys = HostKeys(access)
    found: dict[str, Collected] = {}
    pool = ThreadPoolExecutor(max_workers=max(1, min(parallel, len(hosts))))
    try:
        asked = [pool.submit(ask, host, access, keys) for host in hosts]
        for one in as_completed(asked):
            collected = one.result()
            found[collected.name] = collected
            done(collected)
    finally:
        pool.shutdown(cancel_futures=True)  # after Ctrl-C nobody else is asked
    return tuple(found[host.name] for host in hosts)


def ask(host: Host, access: Access, keys: HostKeys) -> Collected:
    """All that one host answers; what failed is named."""
    outputs: list[Output] = []
    failed: list[str] = []
    try:
        with session(host, access, keys) as device:
            for command in _commands(host, outputs):
                known = reader_of(command)
                outputs.append(Output(host.name, command, device.ask(command), known.vrf if known else None))
    except Unreachable as fault:
        failed.append(f"all outputs ({fault})")
    except Broken as fault:
        failed.append(f"all further outputs ({fault})")
    except SESSION_FAULTS as fault:
        failed.append(f"all outputs after {outputs[-1].command if outputs else 'login'} ({cause(fault)})")
    config = next((output.text for output in outputs if output.command == RUNNING_CONFIG), None)
    if config is not None and not re.search(r"(?m)^end\s*!?\s*$", config):
        failed.append(f"{RUNNING_CONFIG} (cut off: it does not end with 'end')")
    return Collected(host.name, tuple(outputs), tuple(failed))


def _commands(host: Host, outputs: list[Output]) -> Iterator[str]:
    """The commands one after another, as the answers so far have it; what stands in for a refused one follows it."""
    yield RUNNING_CONFIG
    found = read_config(host.name, outputs[-1].text)[0]
    for command in to_ask(found.vrfs, "nxos" if host.platform == "nxos" else found.platform):
        yield command.text
        if command.instead and command.reader.read(outputs[-1]).refused:
            yield command.instead


_MORE = re.compile(r"-+ ?[Mm]ore ?-+[ \x08]*$")
_SETTLE = 0.03
"""Seconds after which what looks like the end of an answer is taken for it."""
_SURE = 0.3
"""Seconds after which what looks like a question is taken for one."""
_TAIL = 240
"""Letters at the end of what has arrived among which a prompt is looked for."""
SESSION_FAULTS = (NetmikoBaseException, paramiko.SSHException, OSError, EOFError)
"""What a session under way may raise beside Broken."""


class Broken(Exception):
    """A session that did not give the whole answer; the message says why."""


class Asked(Exception):
    """The device asks something that nobody foresaw; the message is the question. It is not answered."""


@dataclass(slots=True)
class Device:
    """A session with one device; ``prompt`` ends every answer, on a line of its own."""

    connection: Any
    prompt: str
    quiet: float
    """Seconds without a word in an answer, after which the device is given up."""

    def ask(self, command: str) -> str:
        """The answer of a permitted command, without echo and prompt. Raises Broken, OSError; NotPermitted.

        netmiko's own ``send_command`` waits out its whole time limit where the session has ended, takes a prompt that
        stands anywhere for the end, and answers questions with RETURN: what is sent here is the command, nothing else.
        """
        prompt = re.escape(self.prompt)
        return self.say(permitted(command), re.compile(rf"(?:^|[\r\n]){prompt}[ \t]*$"))

    def say(self, line: str, end: re.Pattern[str], asks: re.Pattern[str] | None = None, settle: float = _SETTLE) -> str:
        """What is printed for a line, without its echo and what ``end`` finds; nothing is answered on its behalf.

        ``asks``: what a question's last words look like. ``settle``: seconds of silence after which the end is taken
        for it. Raises Asked, Broken, OSError.
        """
        while self.connection.read_channel():
            pass
        self.connection.write_channel(line + "\n")
        text = self._whole(line, end, asks, settle)
        ended = end.search(text)
        lines = plain(text[: ended.start()] if ended else text).split("\n")
        if lines and lines[0].strip().endswith(line.strip()):
            lines.pop(0)
        while lines and not lines[-1].strip():
            lines.pop()
        return "\n".join(lines) + "\n"

    def _whole(self, line: str, end: re.Pattern[str], asks: re.Pattern[str] | None, settle: float) -> str:
        """What arrives until the end stands on the last line and nothing follows it."""
        text, heard = "", time.monotonic()
        while True:
            part = self.connection.read_channel()
            if part:
                text, heard = text + part, time.monotonic()
                if _MORE.search(text[-40:]):
                    self.connection.write_channel(" ")
                continue
            waited = time.monotonic() - heard
            if end.search(text[-_TAIL:]) and waited >= settle:
                return text
            if asks and asks.search(text[-_TAIL:]) and waited >= _SURE:
                raise Asked(plain(text).strip().splitlines()[-1].strip())
            if self.connection.remote_conn.closed or self.connection.remote_conn.eof_received:
                raise Broken(f"the session ended in the answer to {line}")
            if waited > self.quiet:
                raise Broken(f"no answer to {line} in {self.quiet:.0f} s")
            time.sleep(0.003)


@contextmanager
def session(host: Host, access: Access, keys: HostKeys) -> Iterator[Device]:
    """A session in privileged mode where a password for it is given. Raises Unreachable."""
    user = host.username or access.user
    access = access._replace(
        password=os.environ.get(host.password_env or "", access.password),
        enable=os.environ.get(host.enable_env or "", access.enable),
    )
    jump: paramiko.SSHClient | None = None
    try:
        jump = _jump(host, user, access, keys)
        keys.check(host.address, host.port, lambda: _channel(jump, host))
        connection = ConnectHandler(
            device_type=PLATFORMS[host.platform], host=host.address, port=host.port, username=user,
            password=access.password, secret=access.enable or "", use_keys=False,
            allow_agent=access.password is None, ssh_strict=True, system_host_keys=True, alt_host_keys=True,
            alt_key_file=str(keys.path), conn_timeout=access.timeout, auth_timeout=access.timeout,
            banner_timeout=access.timeout, sock=_channel(jump, host),
            disabled_algorithms=None if host.old_key_exchange else {"kex": list(SHA1)},
        )  # fmt: skip
    except SESSION_FAULTS as fault:
        if jump is not None:
            jump.close()
        raise Unreachable(_cause_at(fault, host, access)) from None
    try:
        if access.enable and not connection.check_enable_mode():
            connection.enable()
        yield Device(connection, connection.find_prompt(), access.quiet)
    finally:
        with suppress(*SESSION_FAULTS):
            connection.paramiko_cleanup()
        if jump is not None:
            jump.close()


def _cause_at(fault: Exception, host: Host, access: Access) -> str:
    """The cause, and what to set where no password was given at all."""
    found = cause(fault)
    if found == REFUSED and access.password is None:
        return f"there is no password for it, and no SSH agent's key opens it: set {host.password_env or NO_VARIABLE}"
    return found


def cause(fault: Exception) -> str:
    """The true cause of a failure, in a sentence for people; netmiko calls most of them a timeout."""
    text = " ".join(f"{type(fault).__name__} {fault}".split())
    for pattern, words in CAUSES:
        if re.search(pattern, text):
            has = any(name in paramiko.Transport._preferred_kex for name in SHA1)
            return words.format(does="uses only where old_key_exchange is set" if has else "no longer has")
    return text[:200]


def _client(keys: HostKeys) -> paramiko.SSHClient:
    client = paramiko.SSHClient()
    client.load_system_host_keys()
    if keys.path.is_file():
        client.load_host_keys(str(keys.path))
    client.set_missing_host_key_policy(paramiko.RejectPolicy())
    return client


def _channel(jump: paramiko.SSHClient | None, host: Host) -> Any:
    """A connection to the host through the jump host; None: netmiko makes its own."""
    transport = jump.get_transport() if jump else None
    return transport.open_channel("direct-tcpip", (host.address, host.port), ("127.0.0.1", 0)) if transport else None


def _jump(host: Host, user: str, access: Access, keys: HostKeys) -> paramiko.SSHClient | None:
    """The session with the jump host, where there is one. Raises Unreachable."""
    if host.jump is None:
        return None
    match = re.fullmatch(r"(?:([^@]+)@)?([^:]+|\[[^]]+\])(?::(\d+))?", host.jump)
    if match is None:
        raise Unreachable(f"jump: {host.jump!r} is not [user@]host[:port]")
    address, port = match[2].strip("[]"), int(match[3] or 22)
    try:
        keys.check(address, port, lambda: None)
        client = _client(keys)
        client.connect(
            address, port, match[1] or user, access.password, timeout=access.timeout,
            look_for_keys=access.password is None, allow_agent=access.password is None,
        )  # fmt: skip
        return client
    except (paramiko.SSHException, OSError, EOFError) as fault:
        raise Unreachable(f"jump host {host.jump}: {cause(fault)}") from None


class HostKeys:
    """The host keys that are known. Sessions are always strict; accepting a key writes it into the file first."""

    def __init__(self, access: Access) -> None:
        self.path = access.known_hosts.expanduser()
        self.accept, self.timeout = access.accept, access.timeout
        self.lock = Lock()

    def check(self, address: str, port: int, channel: Callable[[], Any]) -> None:
        """Adds the key of an unknown host where that is wanted. Raises SSHException, OSError."""
        name = address if port == 22 else f"[{address}]:{port}"
        if not self.accept or self._known(name):
            return
        wire = channel() or socket.create_connection((address, port), self.timeout)
        transport = paramiko.Transport(wire)
        try:
            transport.start_client(timeout=self.timeout)
            key = transport.get_remote_server_key()
        finally:
            transport.close()
        with self.lock:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("a", encoding="ascii") as file:
                file.write(f"{name} {key.get_name()} {key.get_base64()}\n")

    def _known(self, name: str) -> bool:
        files = (self.path, Path("~/.ssh/known_hosts").expanduser())
        with self.lock:
            return any(paramiko.HostKeys(str(path)).lookup(name) for path in files if path.is_file())
