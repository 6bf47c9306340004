"""The exec commands: what is typed outside configuration.

Lives here: the tables of commands and what those do that are not ``show``. Must not know: letters, SSH, layouts.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from clos.fabric.sim.legacy.configure import Context
from clos.fabric.sim.legacy.grammar import Match, Row, Table
from clos.fabric.sim.legacy.show.table import SHOW, SHOWS, Show
from clos.fabric.sim.legacy.tree import block, value

if TYPE_CHECKING:
    from clos.fabric.sim.legacy.session import Session

Does = Callable[["Session", Match], str]

_USER = (
    Row("enable", "enable"),
    Row("disable", "disable"),
    Row("exit", "leave"),
    Row("logout", "leave"),
    Row("quit", "leave"),
    Row("terminal length <0-512>", "length"),
    Row("terminal width <0-512>", "width"),
    Row("terminal monitor", "monitor"),
    Row("terminal no monitor", "quiet"),
    *(row for row in SHOW if row.mode is None),
)
_PRIVILEGED = (
    Row("configure terminal [revert timer <1-120>]", "configure"),
    Row("configure confirm", "confirm"),
    Row("configure revert now", "revert"),
    Row("configure revert timer <1-120>", "rearm"),
    Row("configure replace <word> [force]", "replace"),
    Row("copy running-config startup-config", "copy"),
    Row("write [memory]", "write"),
    Row("write terminal", "show running-config [interface <interface>]"),
    Row("archive config", "archive"),
    Row("reload", "reload"),
    Row("clear mac address-table dynamic", "clear mac"),
    Row("clear arp-cache", "clear arp"),
    Row("clear {ip access-list | access-list} counters", "clear counters"),
    *(row for row in SHOW if row.mode is not None),
)
USER = Table(_USER)
PRIVILEGED = Table((*_USER, *_PRIVILEGED))

SAVED = "Building configuration...\n[OK]\n"
ENTER = "Enter configuration commands, one per line.  End with CNTL/Z.\n"
ROLLED_BACK = "Total number of passes: 1\nRollback Done\n\n"
NO_ARCHIVE = "%The archive path is not configured: Rollback Confirmed Change needs it\n"
NOTHING_TO_CONFIRM = "%No Rollback Confirmed Change pending\n"


def _enable(session: Session, match: Match) -> str:
    if session.level == 15 or value(session.device.running, "enable secret") is None:
        session.level = 15
        return ""
    return _ask_secret(session, 3)


def _ask_secret(session: Session, left: int) -> str:
    def answered(password: str) -> str:
        if session.device.enables(password):
            session.level = 15
            return ""
        return _ask_secret(session, left - 1) if left > 1 else "% Bad secrets\n\n"

    return session.ask("Password: ", answered, echo=False)


def _disable(session: Session, match: Match) -> str:
    session.level = 1
    return ""


def _leave(session: Session, match: Match) -> str:
    session.close()
    return ""


def _length(session: Session, match: Match) -> str:
    session.length = int(match.arguments[0])
    return ""


def _width(session: Session, match: Match) -> str:
    session.width = int(match.arguments[0])
    return ""


def _monitor(session: Session, match: Match) -> str:
    session.monitor = True
    return ""


def _quiet(session: Session, match: Match) -> str:
    session.monitor = False
    return ""


def _configure(session: Session, match: Match) -> str:
    backing = ""
    if match.arguments:
        if not session.device.arm(int(match.arguments[0])):
            return NO_ARCHIVE
        backing = f"Rollback Confirmed Change: Backing up current running config to {_archive_name(session)}\n\n"
    session.stack = (Context(),)
    return backing + ENTER


def _archive_name(session: Session) -> str:
    path = value(block(session.device.running, ("archive",)), "path") or "flash:"
    return f"{path}-{len(session.device.archives)}"


def _confirm(session: Session, match: Match) -> str:
    return "" if session.device.confirm() else NOTHING_TO_CONFIRM


def _revert(session: Session, match: Match) -> str:
    if not session.device.revert_now():
        return NOTHING_TO_CONFIRM
    return "Rollback Confirmed Change: rolling to the configuration before it\n\n" + ROLLED_BACK


def _rearm(session: Session, match: Match) -> str:
    return "" if session.device.rearm(int(match.arguments[0])) else NOTHING_TO_CONFIRM


def _replace(session: Session, match: Match) -> str:
    """``configure replace PATH-N force``: an archive, or the startup configuration."""
    _, _, number = match.arguments[0].rpartition("-")
    device = session.device
    if match.arguments[0].endswith("startup-config"):
        tree = device.startup
    elif number.isdecimal() and 1 <= int(number) <= len(device.archives):
        tree = device.archives[int(number) - 1]
    else:
        return f"%Error opening {match.arguments[0]} (No such file or directory)\n"

    def replaced(answer: str) -> str:
        if answer.strip().lower() not in {"", "y", "yes"}:
            return ""
        device.replaced(tree, session.user)
        return ROLLED_BACK

    if match.words[-1] == "force":
        return replaced("")
    return session.ask(
        "This will apply all necessary additions and deletions\n"
        "to replace the current running configuration with the\n"
        "contents of the specified configuration file, which is\n"
        "assumed to be a complete configuration, not a partial\n"
        "configuration. Enter Y if you are sure you want to proceed. ? [no]: ",
        lambda answer: replaced(answer) if answer.strip() else "",
    )


def _copy(session: Session, match: Match) -> str:
    def answered(name: str) -> str:
        if name.strip() not in {"", "startup-config"}:
            return f"%Error opening {name.strip()} (Permission denied)\n"
        return _write(session, match)

    return session.ask("Destination filename [startup-config]? ", answered)


def _write(session: Session, match: Match) -> str:
    session.device.save()
    return SAVED


def _archive(session: Session, match: Match) -> str:
    return "" if session.device.archive() else NO_ARCHIVE


def _reload(session: Session, match: Match) -> str:
    def proceed(answer: str) -> str:
        if answer.strip().lower() not in {"", "y", "yes"}:
            return ""
        session.device.reload()
        return ""

    def ask() -> str:
        return session.ask("Proceed with reload? [confirm]", proceed)

    def save(answer: str) -> str:
        word = answer.strip().lower()
        if word in {"y", "yes"}:
            session.device.save()
            return SAVED + ask()
        if word in {"n", "no"}:
            return ask()
        return "% Please answer 'yes' or 'no'.\n" + question()

    def question() -> str:
        return session.ask("\nSystem configuration has been modified. Save? [yes/no]: ", save)

    return question() if session.device.running != session.device.startup else ask()


def _clear(session: Session, match: Match) -> str:
    session.device.machines.cleared(match.row.how.split()[1])
    return ""


def _shows(show: Show) -> Does:
    return lambda session, match: show(session.device, match)


DOES: dict[str, Does] = {
    "enable": _enable,
    "disable": _disable,
    "leave": _leave,
    "length": _length,
    "width": _width,
    "monitor": _monitor,
    "quiet": _quiet,
    "configure": _configure,
    "confirm": _confirm,
    "revert": _revert,
    "rearm": _rearm,
    "replace": _replace,
    "copy": _copy,
    "write": _write,
    "archive": _archive,
    "reload": _reload,
    "clear mac": _clear,
    "clear arp": _clear,
    "clear counters": _clear,
    **{name: _shows(show) for name, show in SHOWS.items()},
}
