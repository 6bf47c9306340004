"""Devices configured over SSH: line by line, every line's result known, a way back armed first.

Lives here: sessions in configuration mode, the revert timer, saving. Must not know: plans, journals. Whoever calls has
``heard`` told before and after each line, so that nothing happens that was not written down first.

What a device says is taken as it is: a line that it objects to ends the set; a session that ends leaves the line
unknown, and the device is to be read again; a question that nobody foresaw is never answered: the session is closed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import Protocol

from clos.controller.migrate.discover.inventory import Host
from clos.controller.migrate.discover.readers import RUNNING_CONFIG
from clos.controller.migrate.discover.secrets import without_secrets
from clos.controller.migrate.discover.ssh import SESSION_FAULTS, Access, Asked, Broken, Device, HostKeys, cause, session
from clos.controller.migrate.run.answers import (
    ACCEPTED,
    QUESTION,
    REFUSED,
    UNKNOWN,
    LineResult,
    check_sendable,
    understood,
)

REVERT_MINUTES = 5
"""After which a device takes back by itself what nobody confirmed."""
SAVE = "copy running-config startup-config"
FORESEEN = {SAVE: r"Destination filename \[startup-config\]\?"}
"""Commands that ask -> the question that RETURN answers."""
SETTLE = 0.006
"""Seconds of silence after which the prompt behind a line of configuration is the end: its answer is short."""
Heard = Callable[[str, LineResult | None], object]
"""Called with a line before it is sent (no result yet), and with its result."""


class DeviceProblem(Exception):
    """A device could not be asked, or did not do what it was told; the message says which and why."""

    def __init__(self, device: str, why: str) -> None:
        super().__init__(f"{device}: {why}")
        self.device, self.why = device, why


class Lost(DeviceProblem):
    """The session ended before the device said what became of it: it is to be read again."""


@dataclass(frozen=True, slots=True)
class Pushed:
    """What became of a set of lines. ``timer``: minutes after which the device takes it back, None: none runs.

    ``why_none``: the device's words where a timer was wanted.
    """

    device: str
    results: tuple[LineResult, ...]
    timer: int | None = None
    why_none: str = ""

    @property
    def accepted(self) -> bool:
        """Whether every line was."""
        return all(each.result == ACCEPTED for each in self.results)

    @property
    def unknown(self) -> bool:
        """Whether the device has to be read to know what is in force."""
        return any(each.result == UNKNOWN for each in self.results)


class Devices(Protocol):
    """What a run needs of the legacy devices; ``Operator`` is it over SSH. All raise DeviceProblem."""

    def running(self, device: str) -> str: ...
    def show(self, device: str, command: str) -> str: ...
    def push(self, device: str, lines: tuple[str, ...], timer: int | None, heard: Heard) -> Pushed: ...
    def confirm(self, device: str) -> bool: ...
    def revert(self, device: str) -> bool: ...
    def save(self, device: str) -> None: ...


class Operator:
    """The devices of an inventory, by name. Sessions are kept open and made anew when they have ended."""

    def __init__(self, hosts: Iterable[Host], access: Access) -> None:
        self._hosts: Mapping[str, Host] = {host.name: host for host in hosts}
        self._access, self._keys = access, HostKeys(access)
        self._open: dict[str, tuple[ExitStack, Device]] = {}

    @property
    def names(self) -> frozenset[str]:
        """Of the devices."""
        return frozenset(self._hosts)

    def close(self) -> None:
        """End all sessions."""
        for device in list(self._open):
            self._drop(device)

    def __enter__(self) -> Operator:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # What is read.

    def running(self, device: str) -> str:
        """The running configuration, secrets removed. An answer that is cut short is no configuration."""
        text = self.show(device, RUNNING_CONFIG)
        if not re.search(r"(?m)^end\s*!?\s*$", text):
            raise DeviceProblem(device, "its running configuration does not end with 'end': it was cut short")
        return text

    def show(self, device: str, command: str) -> str:
        """The answer of a permitted command, secrets removed; asked once more where a kept session has ended."""
        kept = device in self._open
        try:
            with self._session(device) as at:
                return without_secrets(at.ask(command))
        except Lost:
            if not kept:
                raise
        with self._session(device) as at:
            return without_secrets(at.ask(command))

    # What is done.

    def push(self, device: str, lines: tuple[str, ...], timer: int | None, heard: Heard) -> Pushed:
        """Configure the lines, in order, until one is not accepted. ``timer``: minutes; None: none is armed.

        Raises NotSendable and DeviceProblem before anything is sent, Lost where it cannot be known whether the timer is
        armed. What is then in force is for ``running`` to say, not for the results.
        """
        check_sendable(lines)
        self._alive(device)
        armed, why = None, ""
        with self._session(device) as at:
            if timer is not None:
                words = self._said(device, at, f"configure terminal revert timer {timer}")
                armed, why = (None, words.words) if words.result == REFUSED else (timer, "")
            if armed is None and (entered := self._said(device, at, "configure terminal")).result == REFUSED:
                raise DeviceProblem(device, f"it does not let itself be configured: {entered.words}")
            results = tuple(self._lines(device, at, lines, heard))
            if all(each.result != UNKNOWN for each in results):
                with suppress(Broken, Asked, *SESSION_FAULTS):
                    at.say("end", _end(at))
            else:
                self._drop(device)
        return Pushed(device, results, armed, why)

    def confirm(self, device: str) -> bool:
        """Keep what was pushed under a timer; False: no timer ran any more, and what was pushed may be gone."""
        return self._exec(device, "configure confirm").result == ACCEPTED

    def revert(self, device: str) -> bool:
        """Have the device take back at once what was pushed under a timer; False: no timer ran."""
        return self._exec(device, "configure revert now").result == ACCEPTED

    def save(self, device: str) -> None:
        """Write the running configuration to the startup configuration."""
        with self._session(device) as at:
            either = re.compile(f"(?:{_end(at).pattern})|(?P<asked>{FORESEEN[SAVE]})[ \t]*$")
            words = self._asked(device, at, SAVE, either)
            if "[OK]" not in words:
                words += self._asked(device, at, "", _end(at))
        if "[OK]" not in words and "bytes copied" not in words:
            raise DeviceProblem(device, f"{SAVE} did not succeed: {' / '.join(words.split())}")

    # Sessions.

    @contextmanager
    def _session(self, device: str) -> Iterator[Device]:
        """A session at its exec prompt; one that fails is dropped. Raises DeviceProblem, Lost."""
        if device not in self._hosts:
            raise DeviceProblem(device, "it is not in the inventory")
        try:
            if device not in self._open:
                with ExitStack() as stack:
                    at = stack.enter_context(session(self._hosts[device], self._access, self._keys))
                    self._open[device] = (stack.pop_all(), at)
            yield self._open[device][1]
        except Broken as fault:
            self._drop(device)
            raise Lost(device, str(fault)) from None
        except SESSION_FAULTS as fault:
            self._drop(device)
            raise Lost(device, cause(fault)) from None
        except DeviceProblem:
            self._drop(device)
            raise
        except Exception as fault:
            self._drop(device)
            if type(fault).__name__ == "Unreachable":
                raise DeviceProblem(device, str(fault)) from None
            raise

    def _drop(self, device: str) -> None:
        stack, _ = self._open.pop(device, (None, None))
        if stack is not None:
            with suppress(Exception):
                stack.close()

    def _exec(self, device: str, command: str) -> LineResult:
        """A command of ours that changes something, outside configuration; on a session known to work."""
        self._alive(device)
        with self._session(device) as at:
            return self._said(device, at, command)

    def _alive(self, device: str) -> None:
        """A session that works, and a device that answers. Raises DeviceProblem."""
        kept = device in self._open
        try:
            with self._session(device) as at:
                at.say("", _end(at))
        except Lost:
            if not kept:
                raise
            with self._session(device) as at:
                at.say("", _end(at))

    def _said(self, device: str, at: Device, command: str) -> LineResult:
        return understood(command, self._asked(device, at, command, _end(at)))

    def _asked(self, device: str, at: Device, command: str, end: re.Pattern[str]) -> str:
        """What it prints. A question that is not the end is nobody's. Raises Lost."""
        try:
            return at.say(command, end, QUESTION, SETTLE)
        except Asked as question:
            raise Lost(device, f"{command} asks what nobody foresaw: {question}; it was not answered") from None

    def _lines(self, device: str, at: Device, lines: tuple[str, ...], heard: Heard) -> Iterator[LineResult]:
        for line in lines:
            heard(line, None)
            try:
                found = understood(line, at.say(line.strip(), _end(at), QUESTION, SETTLE))
            except Broken as fault:
                found = LineResult(line, UNKNOWN, str(fault))
            except Asked as question:
                found = LineResult(line, UNKNOWN, f"it asks: {question}; it was not answered")
            except SESSION_FAULTS as fault:
                found = LineResult(line, UNKNOWN, cause(fault))
            heard(line, found)
            yield found
            if found.result != ACCEPTED:
                return


def _end(at: Device) -> re.Pattern[str]:
    """Its prompt, in whatever mode: IOS shows 20 letters of the name in configuration modes."""
    name = at.prompt.rstrip("#>")
    return re.compile(rf"(?:^|[\r\n])(?:{re.escape(name)}[#>]|{re.escape(name[:20])}\([\w.-]+\)#)[ \t]*$")
