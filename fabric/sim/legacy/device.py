"""A legacy device: its hardware, its running and startup configuration, archive, log, links and power.

Lives here: LegacyDevice and what others do to it without a command line. Must not know: how commands are typed, SSH,
layouts of outputs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from clos.fabric.sim.clock import SECOND, Clock
from clos.fabric.sim.legacy.configure import Context, Outcome, configure
from clos.fabric.sim.legacy.faults import Faults
from clos.fabric.sim.legacy.modes import MODES
from clos.fabric.sim.legacy.names import name_order, split_name
from clos.fabric.sim.legacy.passwords import matches
from clos.fabric.sim.legacy.settings.request import Chassis
from clos.fabric.sim.legacy.state import Machines, NoMachines
from clos.fabric.sim.legacy.tree import Tree, block, starting, value
from clos.fabric.sim.legacy.vlans import EVERY, read_vlans

BOOT = 60 * SECOND
"""How long a device takes to come up again."""
_EPOCH = datetime(2026, 1, 5, 6, 0, tzinfo=UTC)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True, slots=True)
class Hardware:
    """What a device is. ``mac``: its base MAC; interfaces have the ones behind it. ``ports``: names in full."""

    model: str
    serial: str
    mac: int
    ports: tuple[str, ...]
    version: str = "15.2(7)E8"
    router: bool = False
    """A router has no VLANs, and its ports never switch."""


@dataclass(frozen=True, slots=True)
class Far:
    """What is at a link's other end: a device's port, or a host."""

    name: str
    port: str
    host: bool = False


@dataclass(slots=True)
class Revert:
    """A change that undoes itself: what comes back, and the number by which its timer knows that it is still on."""

    tree: Tree
    number: int
    minutes: int


@dataclass(frozen=True, slots=True)
class StartupProblem:
    """A line of a startup configuration that the device does not take. ``line``: its number, from 1."""

    line: int
    text: str
    reason: str


@dataclass(slots=True)
class LegacyDevice:
    """One device in virtual time. ``links``: by port, what is at the cable's other end and whether it has power there.

    A change of the configuration, a link or the power is passed to ``machines.reconfigured``."""

    name: str
    hardware: Hardware
    clock: Clock
    running: Tree = ()
    startup: Tree = ()
    links: dict[str, Far] = field(default_factory=dict)
    carrier: Callable[[str], bool] = lambda _: True
    """Whether the far end of a port's cable sends light."""
    peer: Callable[[str], LegacyDevice | None] = lambda _: None
    """Another device of the network by its name."""
    machines: Machines = field(default_factory=NoMachines)
    faults: Faults = field(default_factory=Faults)
    archives: list[Tree] = field(default_factory=list)
    log: list[str] = field(default_factory=list)
    errdisabled: set[str] = field(default_factory=set)
    """Ports that a guard has taken down; ``shutdown`` frees them."""
    alive: bool = True
    since: int = 0
    changed: tuple[int, str] = (0, "console")
    """When the running configuration last changed, and by whom."""
    saved: int | None = None
    listeners: list[Callable[[str | None], object]] = field(default_factory=list)
    """Sessions: called with each line that is logged, and with None when the device goes down."""
    _revert: Revert | None = None
    _reverts: int = 0

    # configuration

    def boot(self, lines: Iterable[str]) -> tuple[StartupProblem, ...]:
        """Start with this startup configuration; the lines of it that the device did not take."""
        problems = self._load(lines)
        self.startup = self.running
        return problems

    def _load(self, lines: Iterable[str]) -> tuple[StartupProblem, ...]:
        self.running = self._bare()
        problems: list[StartupProblem] = []
        stack: tuple[Context, ...] = (Context(),)
        depths: list[int] = []
        for number, line in enumerate(lines, 1):
            text = line.strip()
            if not text or text.startswith("!") or text == "end":
                continue
            depth = len(line) - len(line.lstrip())
            while depths and depth <= depths[-1] and text != MODES[stack[-1].mode].closing:
                stack, depths = stack[:-1], depths[:-1]
            outcome = configure(self.running, stack, text, self.chassis)
            if outcome.refused:
                reason = outcome.words
                problems.append(StartupProblem(number, text, reason.strip().splitlines()[0]))
            depths = [*depths, depth] if len(outcome.stack) > len(stack) else depths[: len(outcome.stack) - 1]
            self.running, stack = outcome.tree, outcome.stack
        self.machines.reconfigured()
        return tuple(problems)

    def _bare(self) -> Tree:
        """What no configuration can take away: the physical interfaces."""
        tree: Tree = ()
        for name in self.hardware.ports:
            tree = configure(tree, (Context(),), f"interface {name}", self.chassis).tree
        return tree

    @property
    def ports(self) -> frozenset[str]:
        return frozenset(self.hardware.ports)

    @property
    def chassis(self) -> Chassis:
        return Chassis(self.ports, self.hardware.router)

    def configured(self, stack: tuple[Context, ...], line: str, by: str) -> Outcome:
        """Do one line of configuration; the running configuration is then what the outcome says."""
        outcome = configure(self.running, stack, line, self.chassis)
        if outcome.tree != self.running:
            self.running = outcome.tree
            self.changed = (self.clock.now, by)
            self.machines.reconfigured()
        return outcome

    def edit(self, lines: Iterable[str], by: str = "operator2") -> None:
        """Somebody else's change, made elsewhere: at the console, or in another session.

        Raises ValueError: the device refuses a line; those before it are in force, as they would be."""
        stack: tuple[Context, ...] = (Context(),)
        for line in lines:
            outcome = self.configured(stack, line, by)
            if outcome.refused:
                raise ValueError(f"{self.name}: {line}: {outcome.words}")
            stack = outcome.stack
        self.logged(f"%SYS-5-CONFIG_I: Configured from console by {by} on vty1 (10.255.0.9)")

    def save(self) -> None:
        self.startup, self.saved = self.running, self.clock.now
        if any(line.text == "write-memory" for line in block(self.running, ("archive",))):
            self.archive()

    def archive(self) -> bool:
        """Keep a copy of the running configuration; False where no ``archive path`` says where."""
        if value(block(self.running, ("archive",)), "path") is None:
            return False
        kept = int(value(block(self.running, ("archive",)), "maximum") or 10)
        self.archives = [*self.archives, self.running][-kept:]
        return True

    def replaced(self, tree: Tree, by: str) -> None:
        """Another running configuration as a whole."""
        self.running = tree
        self.changed = (self.clock.now, by)
        self.machines.reconfigured()

    # the change that undoes itself

    def arm(self, minutes: int) -> bool:
        """From now on the configuration comes back in so many minutes unless confirmed; False without an archive."""
        if not self.archive():
            return False
        self._time(self.running, minutes)
        return True

    def rearm(self, minutes: int) -> bool:
        """Give a change that waits to be confirmed another time; False where there is none."""
        if self._revert is None:
            return False
        self._time(self._revert.tree, minutes)
        return True

    def _time(self, tree: Tree, minutes: int) -> None:
        self._reverts += 1
        self._revert = Revert(tree, self._reverts, minutes)
        number = self._reverts
        self.clock.after(minutes * 60 * SECOND, lambda: self._expired(number))

    def _expired(self, number: int) -> None:
        if self._revert is not None and self._revert.number == number and self.alive:
            self.revert_now()

    @property
    def waits(self) -> bool:
        """Whether a change waits to be confirmed."""
        return self._revert is not None

    def confirm(self) -> bool:
        there, self._revert = self._revert is not None, None
        return there

    def revert_now(self) -> bool:
        """Take the change back; False where there is none."""
        if self._revert is None:
            return False
        tree, self._revert = self._revert.tree, None
        self.logged("%ARCHIVE_DIFF-5-ROLLBK_CNFMD_CHG_ROLLBACK_START: Start rolling to: flash:bk-1")
        self.replaced(tree, "rollback")
        return True

    # names, log, power

    @property
    def hostname(self) -> str:
        return value(self.running, "hostname") or ("Router" if self.hardware.router else "Switch")

    @property
    def time(self) -> datetime:
        return self.at(self.clock.now)

    @staticmethod
    def at(instant: int) -> datetime:
        """An instant of the virtual clock as a date."""
        return _EPOCH + timedelta(microseconds=instant)

    def logged(self, message: str) -> None:
        """A line of the log: kept, and passed to the sessions that listen."""
        now = self.time
        stamp = f"*{_MONTHS[now.month - 1]} {now.day:>2} {now:%H:%M:%S}.{now.microsecond // 1000:03d}"
        self.log.append(f"{stamp}: {message}")
        for listener in tuple(self.listeners):
            listener(self.log[-1])

    def reload(self, boot: int = BOOT) -> None:
        """Go down, all sessions with it, and come up with the startup configuration after ``boot`` microseconds."""
        self.alive = False
        self._revert = None
        self.machines.reconfigured()
        for listener in tuple(self.listeners):
            listener(None)
        self.listeners.clear()
        self.clock.after(boot, self._up)

    def _up(self) -> None:
        self.alive, self.since = True, self.clock.now
        self.running = self.startup
        self.log = []
        self.machines.reconfigured()
        self.logged("%SYS-5-RESTART: System restarted --")

    # logins

    def login(self, user: str, password: str) -> int | None:
        """The privilege of this user, None where user or password is not right."""
        line = next(starting(self.running, f"username {user}"), None)
        if line is None or self.faults.take_login() or not matches(password, line.words()[-1]):
            return None
        words = line.words()
        return int(words[words.index("privilege") + 1]) if "privilege" in words else 1

    def privilege(self, user: str) -> int | None:
        """The privilege of a user who came with a key; None for nobody's name."""
        line = next(starting(self.running, f"username {user}"), None)
        if line is None:
            return None
        words = line.words()
        return int(words[words.index("privilege") + 1]) if "privilege" in words else 1

    def enables(self, password: str) -> bool:
        kept = value(self.running, "enable secret")
        return kept is not None and matches(password, kept.split()[-1])

    # interfaces

    def interfaces(self) -> tuple[str, ...]:
        """All interfaces that there are, in IOS' order."""
        return tuple(line.text.split(" ", 1)[1] for line in starting(self.running, "interface"))

    def interface(self, name: str) -> Tree:
        return block(self.running, (f"interface {name}",))

    def shut(self, name: str) -> bool:
        return any(line.text == "shutdown" for line in self.interface(name))

    def switches(self, name: str) -> bool:
        """Whether a port is one of a switch (and not routed)."""
        kind = split_name(name)[0]
        virtual = kind in {"Vlan", "Loopback", "Serial", "Null"}
        return (
            not virtual
            and not self.hardware.router
            and not any(line.text == "no switchport" for line in self.interface(name))
        )

    def up(self, name: str) -> bool:
        """Whether an interface works: with power and light at both ends, or with a member or a port below it."""
        if not self.alive or self.shut(name) or name in self.errdisabled:
            return False
        kind, number = split_name(name)
        if name in self.ports:
            return name in self.links and self.carrier(name)
        if kind == "Port-channel":
            return any(self.up(member) for member in self.members(int(number)))
        if kind == "Vlan":
            known = self.machines.works(name)
            if known is not None:
                return known
            return int(number) in self.vlans() and any(int(number) in self.carries(port) for port in self.switchports())
        return True

    def members(self, channel: int) -> tuple[str, ...]:
        """The ports of a port-channel."""
        return tuple(name for name in self.hardware.ports if self.channel(name) == channel)

    def channel(self, name: str) -> int | None:
        words = value(self.interface(name), "channel-group")
        return int(words.split()[0]) if words else None

    def switchports(self) -> tuple[str, ...]:
        """Ports that switch, up, as spanning trees see them: a port-channel in the place of its members."""
        names = (name for name in self.interfaces() if split_name(name)[0] != "Vlan")
        return tuple(name for name in names if self.switches(name) and self.channel(name) is None and self.up(name))

    def carries(self, name: str) -> frozenset[int]:
        """The VLANs of a port that works as configured: its access VLAN, or those allowed on its trunk."""
        lines = self.interface(name)
        if value(lines, "switchport mode") == "trunk":
            listed = value(lines, "switchport trunk allowed vlan")
            return EVERY if listed is None else read_vlans(listed) or frozenset()
        voice = value(lines, "switchport voice vlan")
        return frozenset({int(value(lines, "switchport access vlan") or 1), *([int(voice)] if voice else [])})

    def vlans(self) -> dict[int, str]:
        """The VLANs that are there, by number, with their names."""
        if self.hardware.router:
            return {}
        found = {1: "default"}
        for line in starting(self.running, "vlan"):
            number = line.text.split()[1]
            if number.isdecimal():
                found[int(number)] = value(line.children, "name") or f"VLAN{int(number):04d}"
        return dict(sorted(found.items()))

    def mac(self, name: str) -> int:
        """The MAC of an interface: ports have the ones behind the base MAC; SVIs that of the device's router."""
        if name in self.ports:
            return self.hardware.mac + 1 + sorted(self.hardware.ports, key=name_order).index(name)
        return self.hardware.mac + 0x40
