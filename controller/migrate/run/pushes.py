"""One device's part of a step: pushed, kept, taken back, each so that it can be cut short anywhere and done again.

Lives here: what is compared with what. Must not know: order of acts, the fabric.

Before a push the device must be as it was last seen: else somebody else changed it. After it, what differs must be
what our lines do. To take a push back is to bring the device to what was read before it: by its own revert timer where
that runs and nobody else changed anything, else by the inverse lines; and then to read it again.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from clos.controller.migrate.plan.model import DeviceCommands, Step
from clos.controller.migrate.run.answers import ACCEPTED, REFUSED, UNKNOWN, LineResult
from clos.controller.migrate.run.configuration import Difference, difference, digest, unexplained
from clos.controller.migrate.run.device import REVERT_MINUTES, DeviceProblem, Devices, Lost, Pushed
from clos.controller.migrate.run.faults import Conflict, StepFailed, Stopped
from clos.controller.migrate.run.journal import Journal
from clos.controller.migrate.run.progress import ACT_BEGUN, CONFIG, LINE_ANSWERED, LINE_SENT, NOTED

T = TypeVar("T")
TRIES = 3
"""Pushes of one set whose outcome stays unknown, or inverse sets that do not lead back, after which somebody looks."""
RETRY_SECONDS = 1.0


class Pushes:
    """``patience``: seconds in which a device that does not answer may come back (a reload takes minutes)."""

    def __init__(self, devices: Devices, journal: Journal, patience: float) -> None:
        self._devices, self._journal, self._patience = devices, journal, patience

    # What a device holds.

    def running(self, device: str) -> str:
        """Its running configuration. Raises Stopped."""
        return self.patiently(device, lambda: self._devices.running(device))

    def read(self, device: str) -> str:
        """Its running configuration, now noted as what was last seen. Raises Stopped."""
        text = self.running(device)
        name = digest(text)
        self._journal.keep(name, text)
        self._journal.write(CONFIG, device=device, digest=name)
        return text

    def unchanged(self, device: str, known: str | None, text: str | None = None) -> str:
        """Its running configuration (``text``, where it was just read), which must be the known one, if any is.

        Raises Conflict, Stopped."""
        text = self.running(device) if text is None else text
        if known and digest(text) != known:
            before = self._journal.text(known)
            raise Conflict(
                f"{device}'s running configuration is not as it was last seen: somebody else changed it"
                + (_listed(difference(before, text)) if before else "")
                + "; see what they want, undo it or accept it with --accept-config "
                + device
            )
        self._journal.keep(digest(text), text)
        if not known:
            self._journal.write(CONFIG, device=device, digest=digest(text))
        return text

    # There.

    def push(self, act: str, step: Step, commands: DeviceCommands, before: str) -> Pushed:
        """Push a device's lines; it held ``before``. Raises StepFailed, Conflict, Stopped; begun is begun then."""
        timer = minutes(step) if commands.risky else None
        self._journal.write(ACT_BEGUN, act, device=commands.device, before=digest(before), timer=timer)
        for _ in range(TRIES):
            pushed = self._once(act, commands, timer)
            if not pushed.unknown:
                break
            self.take_back(act, commands, before, timer)
        refused = next((each for each in pushed.results if each.result != ACCEPTED), None)
        if refused is not None:
            what = "refuses" if refused.result == REFUSED else "leaves unknown"
            raise StepFailed(f"{commands.device} {what} {refused.line.strip()!r}: {refused.words}")
        found = difference(before, self.read(commands.device))
        foreign = unexplained(found, (*commands.lines, *commands.inverse))
        if foreign:
            raise StepFailed(f"{commands.device}: while it was configured somebody else changed it{_listed(foreign)}")
        return pushed

    def _once(self, act: str, commands: DeviceCommands, timer: int | None) -> Pushed:
        device = commands.device

        def heard(line: str, result: LineResult | None) -> None:
            if result is None:
                self._journal.write(LINE_SENT, act, device=device, line=line)
            else:
                self._journal.write(LINE_ANSWERED, act, device=device, **result._asdict())

        try:
            return self._devices.push(device, commands.lines, timer, heard)
        except Lost as lost:
            return Pushed(device, (LineResult("configure terminal", UNKNOWN, lost.why),))
        except DeviceProblem as problem:
            raise StepFailed(str(problem)) from None

    def keep(self, device: str, after: str) -> None:
        """Confirm a change that takes itself back; it is there, or StepFailed."""
        kept = self.patiently(device, lambda: self._devices.confirm(device))
        if not kept and digest(self.read(device)) != after:
            raise StepFailed(f"{device} took the change back by its timer before it was confirmed")

    def save(self, device: str) -> None:
        """Write its running configuration to its startup configuration. Raises Stopped."""
        self.patiently(device, lambda: self._devices.save(device))

    # Back.

    def take_back(self, act: str, commands: DeviceCommands, before: str, timer: int | None) -> None:
        """Bring the device to what it held before the push, others' changes aside. Raises Stopped."""
        device, ours = commands.device, (*commands.lines, *commands.inverse)
        foreign = Difference((), ())
        for turn in range(TRIES):
            found = difference(before, self.running(device))
            foreign = unexplained(found, ours)
            if _without(found, foreign):
                self._undo(act, commands, by_timer=timer is not None and not foreign and turn == 0)
            else:
                break
        else:
            left = _without(difference(before, self.read(device)), foreign)
            raise Stopped(f"{device} does not go back to what it held before{_listed(left)}; see to it by hand")
        if timer is not None:
            self.patiently(device, lambda: self._devices.confirm(device))  # no timer of ours runs on
        if foreign:
            self._journal.write(NOTED, act, text=f"{device}: others' changes stay as they are{_listed(foreign)}")
        self.read(device)

    def _undo(self, act: str, commands: DeviceCommands, by_timer: bool) -> None:
        device = commands.device
        try:
            if by_timer and self._devices.revert(device):
                self._journal.write(NOTED, act, text=f"{device} took the lines back: configure revert now")
                return
            rest = commands.inverse
            while rest:
                pushed = self._once(act, DeviceCommands(device, rest, ()), None)
                if pushed.unknown:
                    return
                rest = rest[len(pushed.results) :]  # a line that undoes nothing may be refused
        except (DeviceProblem, StepFailed) as problem:
            self._journal.write(NOTED, act, text=str(problem))

    def patiently(self, device: str, do: Callable[[], T]) -> T:
        """Do it, again and again while the device does not answer. Raises Stopped."""
        until = time.monotonic() + self._patience
        while True:
            try:
                return do()
            except DeviceProblem as problem:
                if time.monotonic() >= until:
                    raise Stopped(
                        f"{problem}: what it holds is not known; once it answers, clos migrate run or rollback goes on",
                        known=False,
                    ) from None
                self._journal.write(NOTED, text=f"{problem}; it is asked again")
                time.sleep(RETRY_SECONDS)


def minutes(step: Step) -> int:
    """How long a device waits for the confirmation of a step: longer than the step's checks may take."""
    return min(120, REVERT_MINUTES + 2 * -(-step.settle_ms // 60_000))


def _without(found: Difference, part: Difference) -> Difference:
    return Difference(
        tuple(each for each in found.added if each not in part.added),
        tuple(each for each in found.removed if each not in part.removed),
    )


def _listed(found: Difference) -> str:
    lines = found.lines()
    more = f", and {len(lines) - 5} more" if len(lines) > 5 else ""
    return f": {'; '.join(lines[:5])}{more}" if lines else ""
