"""A plan carried out, and taken back: act after act, until it is done, fails, or has to be looked at.

Lives here: the two ways, and how they end. Must not know: what acts do (performing), SSH, HTTP, terminals, SQL. Which
act is next is decided by ``progress`` from the journal alone, so that a run that was killed goes on where it was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from clos.controller.migrate.plan.model import Phase, Plan
from clos.controller.migrate.run import acts as a
from clos.controller.migrate.run import progress as p
from clos.controller.migrate.run.acts import Act
from clos.controller.migrate.run.faults import Paused, StepFailed, Stopped
from clos.controller.migrate.run.journal import Journal
from clos.controller.migrate.run.looking import Ports
from clos.controller.migrate.run.performing import Performing, Say
from clos.controller.migrate.run.ports import FabricLost
from clos.controller.migrate.run.progress import Progress, next_act, to_undo

COMPLETE, PAUSED, ROLLED_BACK, STOPPED = "complete", "paused", "rolled back", "stopped"
PATIENCE = 180.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended. ``known``: False: what is in force could not be found out."""

    how: str
    reason: str = ""
    known: bool = True


class Executor:
    """Carries out the plan of ``directory``. ``allow``: what a person said yes to by name.

    ``patience``: seconds in which a device that does not answer may come back. ``accepts``: asked of each phase that is
    done; only then is anything saved.
    """

    def __init__(
        self,
        plan: Plan,
        directory: Path,
        journal: Journal,
        ports: Ports,
        say: Say = lambda _kind, _text: None,
        allow: Iterable[str] = (),
        patience: float = PATIENCE,
        accepts: Callable[[Phase], bool] = lambda _: True,
    ) -> None:
        self.plan, self.journal, self._say = plan, journal, say
        self._acts = Performing(plan, directory, journal, ports, say, allow, patience, accepts)

    @property
    def now(self) -> Progress:
        """Where the migration stands."""
        return self._acts.now

    def forward(self, to: int | None = None) -> Outcome:
        """All phases up to ``to``. A phase that fails is rolled back."""
        self.journal.ask_pause(False)
        self.journal.write(p.STARTED, direction=p.FORWARD, to=to)
        act = Act(0, "", a.OPEN)
        try:
            self._half_undone()
            self._acts.forget_expired()
            while (found := next_act(self.plan, self.now, to)) is not None:
                act = found
                if act.kind in (a.OPEN, a.BEFORE) and self.journal.pause_wanted:
                    raise Paused(f"before {act}")
                self._acts.perform(act)
        except StepFailed as failure:
            return self._failed(act, str(failure))
        except Paused as pause:
            return self._ended(PAUSED, str(pause))
        except Stopped as stop:
            return self._ended(STOPPED, str(stop), stop.known)
        except FabricLost as lost:
            return self._ended(STOPPED, str(lost), False)
        return self._ended(COMPLETE)

    def back(self, to: int) -> Outcome:
        """Undo everything of the phases behind ``to``, the last act first; saved devices are saved again at the end."""
        self.journal.write(p.STARTED, direction=p.BACK, to=to)
        try:
            undoing = to_undo(self.plan, self.now, to)
            self._acts.count_losses()
            for act in sorted(undoing, key=lambda act: act.kind == a.SAVE):
                self._acts.undo(act)
            self._acts.note_losses()
        except (Stopped, FabricLost) as stop:
            return self._ended(STOPPED, str(stop), getattr(stop, "known", False))
        except StepFailed as failure:
            return self._ended(STOPPED, str(failure))
        return self._ended(COMPLETE)

    def _failed(self, act: Act, reason: str) -> Outcome:
        self.journal.write(p.FAILED, str(act), reason=reason)
        self._say("failed", f"{act}: {reason}")
        self._say("back", f"phase {act.phase} is rolled back")
        back = self.back(act.phase - 1)
        if back.how == STOPPED:
            return self._ended(STOPPED, f"{act}: {reason}; on the way back: {back.reason}", back.known)
        return self._ended(ROLLED_BACK, f"{act}: {reason}")

    def _half_undone(self) -> None:
        """What was being undone when a run was cut short is undone."""
        for act in to_undo(self.plan, self.now, -1):
            if self.now.state(act) == p.UNDOING:
                self._acts.undo(act)

    def _ended(self, how: str, reason: str = "", known: bool = True) -> Outcome:
        self.journal.write(p.ENDED, how=how, reason=reason)
        return Outcome(how, reason, known)
