"""Plans for people and programs, made by the controller from the running revision; those made here are plans_here.

Lives here: where both ends of a plan come from, and its JSON form. Must not know: flags, how a plan is worked out:
whoever only asks the controller loads neither compiler nor prover.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from rich.text import Text

from clos.controller.cli.answer import CHANGES, OK, Answer, Json
from clos.controller.cli.documents import documents
from clos.controller.cli.remote import controller

if TYPE_CHECKING:
    from clos.controller.api.client import Client


class Planned(NamedTuple):
    """A plan in its JSON form, whence it starts, and which switches are spines."""

    start: str
    data: Json
    spines: tuple[str, ...]

    def lines(self, entries: bool = False, every: bool = False) -> Iterator[Text | str]:
        """``entries``: every entry too; ``every``: all sentences, not only the first."""
        from clos.controller.cli.render.impact import difference_lines  # noqa: PLC0415 - a plan that is not shown needs
        from clos.controller.cli.render.plan import plan_lines  # noqa: PLC0415 - neither

        if self.data.get("identities"):
            yield Text(f"Identities change: {'; '.join(self.data['identities'])}", "bold red")
        yield f"From {self.start}:"
        yield from difference_lines(self.data["difference"], every)
        yield ""
        yield from plan_lines(self.data, self.spines, entries)

    def __bool__(self) -> bool:
        return bool(self.data["switches"])


class Wanted(NamedTuple):
    """Documents for a change; ``base``: the revision that those of other tenants are from, None if there are none."""

    texts: dict[str, str]
    base: int | None = None


def wanted(state: Path, intents: list[Path], tenant: str | None) -> Wanted:
    """The documents given, and with a ``tenant`` those of all others as they are in force."""
    texts = documents(intents)
    if tenant is None:
        return Wanted(texts)
    from clos.controller.cli.one_tenant import with_tenant  # noqa: PLC0415 - reads documents, which others only send

    with controller(state) as client:
        base = client.status()["revision"]
        held = client.revision(base)["sources"] if base else {}
    return Wanted(with_tenant(held, texts, tenant), base)


def planned_there(state: Path, want: Wanted, topology: Path | None, limit: int = 0, thorough: bool = False) -> Planned:
    """The plan of the controller, from what the fabric holds."""
    texts, fabric = want.texts, named(topology)
    with controller(state) as client:
        data = client.plan(texts, fabric, limit, untouched=thorough)
        spines = _spines(client)
    start = f"revision {data['base']}" if data["base"] else "a fabric that has no revision yet"
    return Planned(start, data, spines)


def planned_back(client: Client, revision: int, limit: int = 0) -> Planned:
    """The controller's plan back to an earlier revision."""
    data = client.plan_rollback(revision, limit)
    return Planned(f"revision {data['base']}", data, _spines(client))


def _spines(client: Client) -> tuple[str, ...]:
    return tuple(switch["name"] for switch in client.switches() if switch["role"] == "spine")


def named(topology: Path | None) -> tuple[str, str] | None:
    """A topology file as the controller takes it."""
    return next(iter(documents([topology]).items())) if topology else None


def plan_answer(found: Planned, detailed: bool, entries: bool, every: bool) -> Answer:
    return Answer(found.data, lambda: found.lines(entries, every), CHANGES if detailed and found else OK)
