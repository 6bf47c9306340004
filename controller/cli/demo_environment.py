"""What the demonstration of a fabric plays on: the controller as a process, switches over real TCP, intents to edit.

Must not know: the story.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from clos.controller.api.access import Addresses
from clos.controller.cli.answer import unchecked
from clos.controller.cli.demo_stage import Program, Ran, folder, run, start_controller, wait_in_line
from clos.controller.cli.simulated_hosts import attach
from clos.controller.explain.inputs import Inputs, load_inputs
from clos.fabric.sim.openflow.server import SimThread

INTENTS, TOPOLOGY = Path("intents/demo.yaml"), Path("topologies/demo.yaml")


class DemoEnvironment:
    """The demonstration's folder with its files, and what runs in it."""

    def __init__(self) -> None:
        self.controller: Program | None = None
        self.addresses: Addresses
        self.sim: SimThread

    @property
    def wanted(self) -> Inputs:
        """What the intent file says right now."""
        return load_inputs(TOPOLOGY, [INTENTS])

    def clos(self, *words: str) -> Ran:
        """Run a command as a person would, with its output on the screen."""
        return run(*words)

    def edit(self, old: str, new: str) -> None:
        """Change one line of the intents, and show it."""
        text = INTENTS.read_text()
        if text.count(old) != 1:
            raise unchecked(f"{INTENTS} has changed: the demonstration looks for {old!r}")
        INTENTS.write_text(text.replace(old, new))
        for number, (one, other) in enumerate(zip(text.splitlines(), INTENTS.read_text().splitlines(), strict=True), 1):
            if one != other:
                print(f"{INTENTS}:{number}\n- {one.strip()}\n+ {other.strip()}")

    def start(self, openflow: int = 0) -> None:
        """Start the controller, and wait until it says where it is."""
        self.controller, self.addresses = start_controller(TOPOLOGY, openflow)

    def kill(self) -> None:
        """End the controller as a power cut would."""
        if self.controller is not None:
            self.controller.kill()
            self.controller = None

    def wait_in_line(self) -> bool:
        """Until every switch holds what it should; False when that takes too long."""
        return wait_in_line()


@contextmanager
def stage() -> Iterator[DemoEnvironment]:
    """A stage with the controller and the simulated switches up; whatever happens, nothing of it stays."""
    with folder({INTENTS: INTENTS, TOPOLOGY: TOPOLOGY}, {}), ExitStack() as closing:
        found = DemoEnvironment()
        closing.callback(found.kill)
        found.start()
        wanted = found.wanted
        found.sim = closing.enter_context(SimThread(wanted.topology, found.addresses.openflow))
        attach(found.sim, wanted.intent, wanted.topology)
        found.sim.wait_connected()
        yield found
