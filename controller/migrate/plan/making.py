"""Steps one after the other: each meets the configurations and the fabric's state that the one before it left.

Lives here: the course of a plan while it is made: configurations, predictions, intents. Must not know: what steps do.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from clos.controller.intent.model import Intent
from clos.controller.migrate.model import Network
from clos.controller.migrate.plan.commands import commands
from clos.controller.migrate.plan.config_change import after
from clos.controller.migrate.plan.fabric_state import FabricState, intent
from clos.controller.migrate.plan.ground import Ground
from clos.controller.migrate.plan.model import Budget, Check, Plug, Prediction, Speakers, Step
from clos.controller.migrate.plan.predicted import Predictor, Routes, changed_routes, configured

Lines = Sequence[tuple[str, Sequence[str]]]
"""Devices and what is typed on them, in this order."""


@dataclass
class Course:
    """What holds after the steps made so far. ``intents``: by file, in the order of steps."""

    ground: Ground
    configs: dict[str, str]
    network: Network
    state: FabricState
    speakers: Speakers
    predicted: Prediction
    routes: Routes
    predictor: Predictor
    intents: dict[str, Intent] = field(default_factory=dict)

    @classmethod
    def start(cls, ground: Ground) -> Course:
        predictor = Predictor(ground)
        predicted, routes = predictor.predict(ground.network, frozenset(), False)
        predicted = replace(predicted, routes=changed_routes({}, routes))
        empty = FabricState()
        return cls(ground, dict(ground.configs), ground.network, empty, Speakers(), predicted, routes, predictor)

    def step(
        self,
        name: str,
        what: str,
        *,
        lines: Lines = (),
        risky: bool = False,
        state: FabricState | None = None,
        speakers: Speakers | None = None,
        fabric_first: bool = False,
        plugs: Sequence[Plug] = (),
        checks: Iterable[Check] = (),
        settle_ms: int = 0,
        budgets: Iterable[Budget] = (),
        vlan: int | None = None,
        host: str | None = None,
    ) -> Step:
        """The next step. Raises NoInverse where the way back of a line is not known."""
        typed = []
        for device, text in lines:
            typed.append(commands(device, text, self.configs, risky))
            self.configs[device] = after(self.configs[device], text)
        file = self._advance(name, state, speakers, [device for device, _ in lines])
        return Step(
            name, what, vlan, host, tuple(typed), fabric_first, file, self.speakers, tuple(plugs), tuple(checks),
            settle_ms, self.predicted, tuple(budgets),
        )  # fmt: skip

    def _advance(
        self, name: str, state: FabricState | None, speakers: Speakers | None, changed: Sequence[str]
    ) -> str | None:
        """Takes the state of the step; the file of its intents, where they are new."""
        self.speakers = self.speakers if speakers is None else speakers
        before = self.state
        self.state = before if state is None else state
        if changed:
            self.network = configured(self.network, self.configs, changed)
        if changed or (before.routed, before.coexists) != (self.state.routed, self.state.coexists):
            predicted, routes = self.predictor.predict(self.network, self.state.routed, self.state.coexists)
            self.predicted = replace(predicted, routes=changed_routes(self.routes, routes))
            self.routes = routes
        else:
            self.predicted = replace(self.predicted, routes=())
        if self.state == before:
            return None
        file = f"intents/{name}.yaml"
        self.intents[file] = intent(self.ground, self.state)
        return file
