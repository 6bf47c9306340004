"""One session at a device's command line: letters in, letters out.

Lives here: line editing, prompts, modes, paging, questions, pipes. Sans-I/O: whoever carries the letters makes a
Session with a function that takes what it writes. Must not know: what exec commands do (exec.py), SSH.
"""

from __future__ import annotations

from collections.abc import Callable

from clos.fabric.sim.legacy import faults
from clos.fabric.sim.legacy.configure import Context
from clos.fabric.sim.legacy.device import LegacyDevice
from clos.fabric.sim.legacy.exec import DOES, PRIVILEGED, USER
from clos.fabric.sim.legacy.grammar import INVALID, Match, Refusal
from clos.fabric.sim.legacy.modes import MODES
from clos.fabric.sim.legacy.pipes import filtered

MORE = " --More-- "
_ERASE = "\b" * 9 + " " * 8 + "\b" * 9
_CONFIGURED = "%SYS-5-CONFIG_I: Configured from console by {user} on vty0 (127.0.0.1)"
Answered = Callable[[str], str]


class Session:
    """A user at a device. ``write`` takes text with line ends as terminals have them; ``hang_up`` ends the connection
    (True: without a word, as a broken line does)."""

    def __init__(
        self,
        device: LegacyDevice,
        user: str,
        level: int,
        write: Callable[[str], object],
        hang_up: Callable[[bool], object],
    ) -> None:
        self.device, self.user, self.level = device, user, level
        self.stack: tuple[Context, ...] = ()
        self.length, self.width = 24, 80
        self.monitor = False
        self.closed = False
        self._write, self._hang_up = write, hang_up
        self._line, self._last, self._stalled = "", "", False
        self._asked: Answered | None = None
        self._echo = True
        self._pages: list[str] = []
        device.listeners.append(self._heard)

    # letters

    def greet(self) -> None:
        self._out("\n" + self.prompt)

    def feed(self, letters: str) -> None:
        """Take what was typed."""
        for letter in letters:
            if self.closed or self._stalled:
                return
            self._typed(letter)

    def _typed(self, letter: str) -> None:
        before, self._last = self._last, letter
        if self._pages:
            self._paged(letter)
        elif letter == "\n" and before == "\r":
            return
        elif letter in "\r\n":
            self._entered()
        elif letter in "\x7f\b":
            self._out("\b \b" if self._line and self._echo else "")
            self._line = self._line[:-1]
        elif letter in "\x03\x1a":
            self._broken_off(letter)
        elif letter == "\x15":
            self._out("\b \b" * len(self._line) if self._echo else "")
            self._line = ""
        elif letter.isprintable():
            self._line += letter
            self._out(letter if self._echo else "")

    def _broken_off(self, letter: str) -> None:
        """Ctrl-C and Ctrl-Z: the line is not done; configuration ends."""
        self._line, self._asked, self._echo = "", None, True
        configuring, self.stack = bool(self.stack), ()
        self._out(("^Z" if letter == "\x1a" else "") + "\n")
        if configuring:
            self.device.logged(_CONFIGURED.format(user=self.user))
        self._out(self.prompt)

    def _entered(self) -> None:
        line, self._line = self._line, ""
        shown = self._echo
        self._out("\n")
        asked, self._asked, self._echo = self._asked, None, True
        answer = asked(line) if asked is not None else self._command(line)
        if shown or asked is not None:
            self._answered(line, answer)

    def _answered(self, line: str, answer: str) -> None:
        """Write an answer, as whole or as broken as the fault that is due makes it."""
        fault = self.device.faults.take(line) if line.strip() else None
        if fault == faults.STALL:
            self._stalled = True
        elif fault == faults.CUT:
            self._out(answer[: len(answer) // 2])
            self.close(broken=True)
        elif fault == faults.RELOAD:
            self.device.reload()
        elif fault == faults.GARBLE:
            self._finish(faults.garbled(answer))
        elif fault == faults.SYSLOG:
            self._finish(self._noisy(answer))
        else:
            self._finish(answer)

    def _noisy(self, answer: str) -> str:
        port = self.device.hardware.ports[0]
        noise = f"%LINEPROTO-5-UPDOWN: Line protocol on Interface {port}, changed state to up"
        self.device.logged(noise)
        lines = answer.splitlines(keepends=True)
        half = len(lines) // 2
        return "".join([*lines[:half], f"\n{self.device.log[-1]}\n", *lines[half:]])

    def _finish(self, answer: str) -> None:
        if self.closed:
            return
        lines = answer.splitlines(keepends=True)
        if self.length and len(lines) >= self.length and self._asked is None:
            self._out("".join(lines[: self.length - 1]) + MORE)
            self._pages = lines[self.length - 1 :]
            return
        self._out(answer + ("" if self._asked is not None else self.prompt))

    def _paged(self, letter: str) -> None:
        """At ``--More--``: a space shows a page, RETURN a line, any other letter ends the output."""
        count = {" ": self.length - 1, "\r": 1, "\n": 1}.get(letter, 0)
        shown, rest = self._pages[:count], self._pages[count:]
        self._pages = rest if count else []
        self._out(_ERASE + "".join(shown) + (MORE if self._pages else self.prompt))

    def _out(self, text: str) -> None:
        if text and not self.closed:
            self._write(text.replace("\n", "\r\n"))

    def _heard(self, line: str | None) -> None:
        """The device logs: shown with ``terminal monitor``. None: it goes down."""
        if line is None:
            self.close(broken=True)
        elif self.monitor:
            self._out(f"\n{line}\n")

    def close(self, broken: bool = False) -> None:
        if not self.closed:
            self.closed = True
            if self._heard in self.device.listeners:
                self.device.listeners.remove(self._heard)
            self._hang_up(broken)

    # prompts and questions

    @property
    def prompt(self) -> str:
        name = self.device.hostname
        if not self.stack:
            return name + ("#" if self.level > 1 else ">")
        word = self.stack[-1].title or MODES[self.stack[-1].mode].prompt
        return f"{name[:20]}({word})#"

    def ask(self, question: str, answered: Answered, echo: bool = True) -> str:
        """Put a question; ``answered`` gets the next line, and what it gives is the answer shown."""
        self._asked, self._echo = answered, echo
        return question

    # lines

    def _command(self, line: str) -> str:
        text = line.strip()
        if not text or text.startswith("!"):
            return ""
        if not self.stack:
            return self.execute(line)
        if text.split()[0].lower() == "do":
            return self.execute(line.lstrip()[2:])
        if text.lower() in {"end", "en"}:
            self.stack = ()
            self.device.logged(_CONFIGURED.format(user=self.user))
            return ""
        if text.lower() in {"exit", "ex", "exi"}:
            self.stack = self.stack[:-1]
            if not self.stack:
                self.device.logged(_CONFIGURED.format(user=self.user))
            return ""
        return self._configure(line)

    def _configure(self, line: str) -> str:
        prompt = len(self.prompt)
        outcome = self.device.configured(self.stack, line, self.user)
        self.stack = outcome.stack
        return outcome.answer if outcome.refusal is None else outcome.refusal.answer(prompt)

    def execute(self, line: str) -> str:
        """Do an exec command, its pipe included."""
        command, bar, pipe = line.partition("|")
        table = PRIVILEGED if self.level > 1 else USER
        match = table.match(command)
        if isinstance(match, Refusal):
            return self._refused(match, line)
        output = DOES[match.row.how](self, match)
        if not bar:
            return output
        if not _is_show(match) or (passed := filtered(output, pipe)) is None:
            return Refusal(INVALID, len(command) + 2).answer(len(self.prompt))
        return passed

    def _refused(self, refusal: Refusal, line: str) -> str:
        if refusal.column is not None and " " not in line.strip():
            return "% Unknown command or computer name, or unable to find computer address\n\n"
        return refusal.answer(len(self.prompt))


def _is_show(match: Match) -> bool:
    return match.words[0] == "show"
