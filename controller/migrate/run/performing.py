"""Single acts performed and undone, through the ports.

Lives here: what each kind of act does. Must not know: which act is next, how a run ends. An act is noted in the journal
before its effect; one that had begun is brought back to where it began, or is such that twice is once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from clos.controller.migrate.plan.model import AFTER, BEFORE, THROUGHOUT, Check, DeviceCommands, Phase, Plan, Step
from clos.controller.migrate.run import acts as a
from clos.controller.migrate.run import progress as p
from clos.controller.migrate.run.acts import Act, speakers_before, step_of
from clos.controller.migrate.run.checks import HELD
from clos.controller.migrate.run.configuration import digest
from clos.controller.migrate.run.faults import Conflict, Paused, StepFailed, Stopped
from clos.controller.migrate.run.journal import Event, Journal
from clos.controller.migrate.run.looking import AT_ONCE, Looking, Ports
from clos.controller.migrate.run.losses import by_host
from clos.controller.migrate.run.ports import FabricRefused
from clos.controller.migrate.run.progress import Progress, progress
from clos.controller.migrate.run.pushes import Pushes

Say = Callable[[str, str], object]
"""Told what happens: a word for it, and a sentence."""
Detail = dict[str, Any]
STANDS_BY = "Standby"
"""The HSRP state of who takes over at once (RFC 2281, 5.5)."""
COUNTED_MS = 30_000
"""In which every switch has told its counters, after a change as well."""
FABRIC_BRAKES = frozenset({"deletes", "empty", "overflow", "uplink", "identity", "adopt", "offline", "unproven"})
"""Names that the controller knows; of tenants also ``delete-tenant=NAME``."""


class Performing:
    """Acts of the plan of ``directory``. ``allow``: what a person said yes to by name."""

    def __init__(
        self,
        plan: Plan,
        directory: Path,
        journal: Journal,
        ports: Ports,
        say: Say,
        allow: Iterable[str],
        patience: float,
        accepts: Callable[[Phase], bool],
    ) -> None:
        self.plan, self.directory, self.journal, self.ports, self.say = plan, directory, journal, ports, say
        self.allow, self.accepts = frozenset(allow), accepts
        self.pushes = Pushes(ports.devices, journal, patience)
        self.looking = Looking(plan, ports, allow)
        self._events: list[Event] = []
        self._do: Mapping[str, Callable[[Act], Detail]] = {
            a.OPEN: self._open, a.BEFORE: self._before, a.PUSH: self._push, a.STATE: self._state, a.PLUG: self._plug,
            a.AFTER: self._after, a.KEEP: self._keep, a.SAVE: self._save, a.ACCEPT: self._accept,
        }  # fmt: skip
        self._un: Mapping[str, Callable[[Act], None]] = {
            a.PUSH: self._unpush, a.STATE: self._unstate, a.PLUG: self._unplug, a.SAVE: self._unsave,
        }  # fmt: skip

    @property
    def now(self) -> Progress:
        """Where the migration stands."""
        self._events += self.journal.events(self._events[-1].number if self._events else 0)
        return progress(self._events)

    # One act.

    def perform(self, act: Act) -> None:
        """From wherever it was cut short. Raises StepFailed, Stopped, FabricLost."""
        self.say(act.kind, self._words(act))
        if act.kind != a.PUSH:
            self.journal.write(p.ACT_BEGUN, str(act), **self._noted(act))
        self.journal.write(p.ACT_DONE, str(act), **self._do[act.kind](act))

    def undo(self, act: Act) -> None:
        """What changed nothing is only forgotten. Raises Stopped, FabricLost."""
        if act.kind in self._un:
            self.say("undo", f"{act.kind} {self._words(act)}")
            self.journal.write(p.ACT_UNDOING, str(act))
            self._un[act.kind](act)
        self.journal.write(p.ACT_UNDONE, str(act))

    def count_losses(self) -> None:
        """Of the way back, from now on."""
        self.ports.probes.begin()

    def note_losses(self) -> None:
        """Note what was lost on the way back since it began."""
        for loss in by_host(self.ports.probes.losses() or (), {}):
            self.journal.write(p.LOSS, p.BACK, **loss._asdict())

    def forget_expired(self) -> None:
        """Pushes that nobody confirmed in time are gone from their devices: they are to be made again."""
        now = self.now
        for act in a.acts(self.plan):
            if act.kind != a.PUSH or now.state(act) != p.DONE or now.state(act._replace(kind=a.KEEP)) == p.DONE:
                continue
            device = self._commands(act).device
            text = self.pushes.running(device)
            if digest(text) == now.begun[str(act)]["before"] != now.configs.get(device):
                self.journal.write(p.CONFIG, device=device, digest=digest(text))
                self.journal.write(p.ACT_UNDONE, str(act), why="its timer took it back")

    # There.

    def _open(self, act: Act) -> Detail:
        """A phase begins: somebody said yes to its brakes, and nobody changed anything since it was last seen."""
        brakes = [brake for brake in self._phase(act).brakes if brake.name not in self.allow]
        if brakes:
            words = "; ".join(f"{brake.text} (--allow {brake.name}: {brake.who})" for brake in brakes)
            raise Stopped(f"phase {act.phase} waits for a yes: {words}")
        now = self.now
        with ThreadPoolExecutor(AT_ONCE) as pool:
            texts = dict(zip(self.plan.configs, pool.map(self.pushes.running, self.plan.configs), strict=True))
        for device, text in texts.items():
            self.pushes.unchanged(device, now.configs.get(device, self.plan.configs[device]), text)
            if now.configs.get(device) != digest(text):
                self.journal.write(p.CONFIG, device=device, digest=digest(text))
        if a.uses_fabric(self.plan):
            self.journal.write(p.REVISION, str(act), revision=self._revision())
        self.ports.probes.begin()
        return {}

    def _before(self, act: Act) -> Detail:
        step = step_of(self.plan, act)
        self.ports.probes.begin()
        checks = [check for check in step.checks if check.when == BEFORE]
        self._check(act, step, checks, COUNTED_MS if any(check.kind == "denies" for check in checks) else 0)
        return {}

    def _push(self, act: Act) -> Detail:
        step, commands, now = step_of(self.plan, act), self._commands(act), self.now
        begun = now.begun.get(str(act), {})
        if now.state(act) == p.BEGUN and (text := self.journal.text(begun["before"])) is not None:
            self.pushes.take_back(str(act), commands, text, begun["timer"])
        before = self.pushes.unchanged(commands.device, self.now.configs.get(commands.device))
        pushed = self.pushes.push(str(act), step, commands, before)
        if pushed.why_none:
            self.say("timer", f"{commands.device} has none ({pushed.why_none}): the inverse commands lead back")
        return {"timer": pushed.timer, "why_none": pushed.why_none, "after": self.now.configs[commands.device]}

    def _keep(self, act: Act) -> Detail:
        done = self._detail(act._replace(kind=a.PUSH))
        if done.get("timer") is not None:
            self.pushes.keep(self._commands(act).device, str(done["after"]))
        return {}

    def _accept(self, act: Act) -> Detail:
        """Only then is anything written to a startup configuration. Raises Paused."""
        phase = self._phase(act)
        if phase.steps and not self.accepts(phase):
            raise Paused(f"phase {phase.number} is done and waits for a yes: clos migrate run again, or rollback")
        return {}

    def _save(self, act: Act) -> Detail:
        self.pushes.unchanged(act.subject, self.now.configs.get(act.subject))
        self.pushes.save(act.subject)
        return {}

    def _state(self, act: Act) -> Detail:
        """The fabric's intents, then its speakers."""
        step = step_of(self.plan, act)
        detail: Detail = {}
        try:
            if step.intents is not None:
                where = (self.directory / step.intents, self.directory / self.plan.topology)
                named = {name for name in self.allow if is_of_fabric(name)}
                done = self.ports.fabric.apply(
                    *where, f"migration {self.plan.name}, step {step.id}", tuple(sorted(named))
                )
                self.journal.write(p.REVISION, str(act), **done._asdict())
                detail = dict(done._asdict())
            self.ports.fabric.speak(step.speakers)
        except FabricRefused as refusal:
            flags = "".join(f" (--allow {name})" for name in refusal.allow)
            raise StepFailed(f"the controller refuses: {refusal}{flags}") from None
        return detail

    def _plug(self, act: Act) -> Detail:
        plug = next(each for each in step_of(self.plan, act).plugs if each.host == act.subject)
        if not self.ports.hands.move(plug, back=False):
            raise StepFailed(f"{plug.host} was not moved")
        return {"text": str(plug)}

    def _after(self, act: Act) -> Detail:
        step = step_of(self.plan, act)
        try:
            self._check(
                act, step, [check for check in step.checks if check.when in (AFTER, THROUGHOUT)], step.settle_ms
            )
        finally:
            budgets = {budget.host: budget.ms for budget in step.budgets}
            for loss in by_host(self.ports.probes.losses() or (), budgets):
                self.journal.write(p.LOSS, str(act), **loss._asdict())
        return {}

    def _check(self, act: Act, step: Step, checks: list[Check], settle_ms: int) -> None:
        """All of them, until they hold or their time is over. Raises StepFailed with those that do not."""
        verdicts = self.looking.until_held(checks, step.budgets, settle_ms / 1000)
        for each in verdicts:
            self.journal.write(p.CHECKED, str(act), check=str(each.check), result=each.result, words=each.words)
            if each.result != HELD:
                self.say("check", str(each))
        wrong = [each for each in verdicts if not self.looking.lets_pass(each)]
        if wrong:
            more = f", and {len(wrong) - 3} more" if len(wrong) > 3 else ""
            raise StepFailed("; ".join(map(str, wrong[:3])) + more)

    # Back.

    def _unpush(self, act: Act) -> None:
        begun = self.now.begun[str(act)]
        text = self.journal.text(begun["before"])
        if text is None:
            raise Stopped(f"the journal has lost what {begun['device']} held before {act}: see to it by hand")
        self.pushes.take_back(str(act), self._commands(act), text, begun["timer"])

    def _unstate(self, act: Act) -> None:
        step, begun = step_of(self.plan, act), self.now.begun[str(act)]
        self._await_standby(act, step)
        try:
            self.ports.fabric.speak(speakers_before(self.plan, act))
            if step.intents is not None and self.ports.fabric.state().revision != begun["revision"]:
                done = self.ports.fabric.back(begun["revision"], f"migration {self.plan.name}: back before {step.id}")
                self.journal.write(p.REVISION, str(act), **done._asdict())
        except FabricRefused as refusal:
            raise Stopped(f"the controller refuses the way back: {refusal}") from None

    def _await_standby(self, act: Act, step: Step) -> None:
        """Who takes a gateway back must stand by before it is given up: an election takes twice the hold time.

        The way back is not held up for longer than the step's checks were: what does not hold by then is told.
        """
        heirs = [check for check in step.checks if check.kind == "hsrp" and STANDS_BY in check.expect]
        for each in self.looking.until_held(heirs, (), step.settle_ms / 1000) if heirs else ():
            self.journal.write(p.CHECKED, str(act), check=str(each.check), result=each.result, words=each.words)
            if each.result != HELD:
                self.say("check", str(each))

    def _unplug(self, act: Act) -> None:
        plug = next(each for each in step_of(self.plan, act).plugs if each.host == act.subject)
        if not self.ports.hands.move(plug, back=True):
            raise Stopped(f"{plug.host} was not moved back: move it, then clos migrate rollback again")

    def _unsave(self, act: Act) -> None:
        """Its pushes undone, the device is saved again: it comes up as it was before."""
        self.pushes.save(act.subject)

    # Words and numbers for the above.

    def _noted(self, act: Act) -> Detail:
        """What must be known to undo the act, read before it. Raises Conflict, FabricLost."""
        if act.kind != a.STATE:
            return {}
        now = self.now
        if now.state(act) is not None:
            return dict(now.begun[str(act)])
        return {"revision": self._revision()}

    def _revision(self) -> int:
        """The fabric's, which must be the one that the migration left. Raises Conflict, FabricLost."""
        revision, known = self.ports.fabric.state().revision, self.now.revision
        if known not in (None, revision):
            raise Conflict(
                f"the fabric is at revision {revision}, the migration left it at {known}: somebody else changed it; "
                f"clos history shows who, clos rollback {known} leads back"
            )
        return revision

    def _words(self, act: Act) -> str:
        phase = self._phase(act)
        if not act.step:
            named = {a.OPEN: f"phase {phase.number}: {phase.name}", a.ACCEPT: f"phase {phase.number} is in force"}
            return named.get(act.kind, act.subject)
        if act.kind in (a.PUSH, a.KEEP):
            return f"{self._commands(act).device} ({act.step})"
        return f"{act.step}: {step_of(self.plan, act).what}" if act.kind == a.BEFORE else f"{act.subject or act.step}"

    def _phase(self, act: Act) -> Phase:
        return next(phase for phase in self.plan.phases if phase.number == act.phase)

    def _commands(self, act: Act) -> DeviceCommands:
        return step_of(self.plan, act).commands[int(act.subject)]

    def _detail(self, act: Act) -> Detail:
        """What was noted when the act was done last."""
        done = [event.detail for event in self.journal.events() if (event.kind, event.act) == (p.ACT_DONE, str(act))]
        return done[-1] if done else {}


def is_of_fabric(name: str) -> bool:
    """Whether the controller has a brake of this name."""
    return name in FABRIC_BRAKES or name.startswith("delete-tenant=")
