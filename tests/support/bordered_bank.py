"""The legacy bank in virtual time with our speakers at one of its ports: what they hear, and what checks make of it.

Everything is real but the wire between: the devices' protocols and their show outputs, the speakers, the readers and
the verdicts of a run. No SSH, no fabric: a minute of the bank's time passes in a second.
"""

from __future__ import annotations

from clos.controller.migrate.plan.model import FORMAT, Check, Phase, Plan, Speakers, Step
from clos.controller.migrate.run.checks import Verdict, judge
from clos.controller.migrate.run.seen import Seen, read_device, to_ask
from clos.controller.migrate.speakers.speakers import BorderSpeakers
from clos.fabric.packet.value import Packet
from clos.fabric.sim.clock import SECOND
from clos.fabric.sim.journey import Journey
from clos.fabric.sim.legacy.network import LegacyNetwork
from clos.fabric.sim.legacy.session import Session
from tests.legacy.shared import configured, settled_bank

BORDER, END = "border1", ("dist1", "TenGigabitEthernet1/15")
STEP_MS = 100
DEVICES = ("dist1", "dist2", "acc1")
"""Those that checks look at."""


class Bordered:
    """The bank, settled, with a cable from ``end`` to the border."""

    def __init__(self, end: tuple[str, str] = END) -> None:
        self.network, self.end = settled_bank(), end
        self.ours = speakers()
        self.network.attach_at(end, BORDER, self._heard)
        self._tick()

    @property
    def now(self) -> int:
        return self.network.clock.now * 1000 // SECOND

    def _heard(self, packet: Packet, journey: Journey) -> None:
        self._send(self.ours.heard(BORDER, packet.to_bytes(), self.now))
        journey.land()

    def _send(self, out: object) -> None:
        for each in out:  # type: ignore[attr-defined]
            self.network.enter(self.end, Packet.parse(each.data), Journey())

    def _tick(self) -> None:
        self._send(self.ours.tick(self.now))
        self.network.clock.after(STEP_MS * SECOND // 1000, self._tick)

    def plug(self, end: tuple[str, str]) -> None:
        """Move the cable to another port."""
        self.network.cut(*self.end)
        self.end = end
        if end in self.network.plant.cables:
            self.network.restore(*end)
        else:
            self.network.attach_at(end, BORDER, self._heard)
            self.network.devices[end[0]].machines.reconfigured()

    def speak(self, speakers: Speakers) -> None:
        self._send(self.ours.configure(speakers, self.now))

    def type(self, device: str, *lines: str) -> None:
        configured(self.network, device, *lines)

    def run(self, seconds: float) -> None:
        clock = self.network.clock
        clock.advance(clock.now + round(seconds * SECOND))

    def verdict(self, check: Check, trunk: tuple[str, str] = END) -> Verdict:
        """What a run would make of the check now, as it reads devices; ``trunk``: where the plan has the border."""
        border = Check("trunk", device=trunk[0], port=trunk[1], expect=("70",))
        step = Step("2.x", "x", checks=(border, check))
        plan = Plan(FORMAT, "x", "d", "f", (Phase(2, "x", "", "", (step,)),), configs=dict.fromkeys(DEVICES, ""))
        devices, configs = {}, {}
        for name, commands in to_ask(plan, [check]).items():
            configs[name] = answer(self.network, name, "show running-config")
            devices[name] = read_device(
                name, configs[name], {each: answer(self.network, name, each) for each in commands}
            )
        return judge(check, Seen(devices, configs, speakers=self.ours.report(self.now)), plan)

    def wrong(self) -> str:
        return "\n".join(self.ours.wrong(self.now))


def speakers() -> BorderSpeakers:
    """Without keys."""
    return BorderSpeakers(lambda _: None, lambda _: None)


def answer(network: LegacyNetwork, device: str, command: str) -> str:
    """What a device answers to a privileged user, without echo and prompt."""
    written: list[str] = []
    session = Session(network.devices[device], "clos", 15, written.append, lambda _: None)
    session.length = 0
    session.feed(command + "\n")
    session.close()
    return "\n".join("".join(written).replace("\r\n", "\n").split("\n")[1:-1]) + "\n"
