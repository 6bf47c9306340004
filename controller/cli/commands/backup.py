"""``backup``, ``restore``: a controller's store, copied and put back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from clos.controller.cli.answer import Answer, Json, answering, unchecked, usage
from clos.controller.cli.change_options import Yes
from clos.controller.cli.confirmation import confirm
from clos.controller.cli.remote import DEFAULT, StateDir
from clos.controller.cli.render.text import count
from clos.controller.printable import escaped

if TYPE_CHECKING:
    from clos.controller.store.backup import Contents

STORE = "clos.db"


@answering
def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The copy; it must not be there yet.")],
    state: StateDir = DEFAULT,
) -> Answer:
    """Copy a controller's store: revisions, proofs, people, proposals, the audit log.

    The controller may run meanwhile. The copy is checked, and only its owner can read it. It holds neither the token of
    the state directory nor private keys: keep .clos/token and .clos/pki apart.
    """
    from clos.controller.store import StoreError  # noqa: PLC0415 - for who has a store
    from clos.controller.store.backup import back_up  # noqa: PLC0415

    try:
        found = back_up(state / STORE, file)
    except StoreError as error:
        raise unchecked(str(error)) from None
    return Answer(
        {"file": str(file), **_json(found)}, lambda: [f"{escaped(str(file))}: {_text(found)}", *_doubts(found)]
    )


@answering
def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A copy that clos backup made.")],
    state: StateDir = DEFAULT,
    yes: Yes = False,
) -> Answer:
    """Put a copy in place of a controller's store. Stop the controller first.

    The old store is kept beside it. At the next start the controller reads every switch back, and brings it to the
    revision that was in force when the copy was made.
    """
    from clos.controller.daemon.lock import Locked, Unsafe, lock_directory  # noqa: PLC0415 - as above
    from clos.controller.store import StoreError  # noqa: PLC0415
    from clos.controller.store.backup import contents  # noqa: PLC0415
    from clos.controller.store.backup import restore as put_back  # noqa: PLC0415

    if not file.is_file():
        raise usage(f"{file}: there is no such file; clos backup makes one")
    try:
        held = contents(file)
        if not yes:
            confirm([f"{escaped(str(file))}: {_text(held)}", *_doubts(held)], f"Put it in place of {state / STORE}?")
        with lock_directory(state):
            found, kept = put_back(file, state / STORE)
    except (StoreError, Locked, Unsafe) as error:
        raise unchecked(str(error)) from None
    except OSError as error:
        raise unchecked(f"{state}: {error.strerror}") from None
    data = {"file": str(file), "kept": str(kept) if kept else None, **_json(found)}
    aside = [f"The store that was there is {escaped(str(kept))} now."] if kept else []
    return Answer(data, lambda: [f"Restored: {_text(found)}", *aside, *_doubts(found)])


def _text(found: Contents) -> str:
    force = f"revision {found.revision} in force" if found.revision else "no revision in force"
    many = count(found.revisions, "revision")
    return f"{force}, {many} in all, {count(found.entries, 'entry', 'entries')} of the audit log"


def _doubts(found: Contents) -> Iterator[Text | str]:
    if found.broken is not None:
        yield Text(f"Its audit log is not what was written: entry {found.broken.number}: {found.broken.text}", "red")


def _json(found: Contents) -> Json:
    broken = found.broken and {"number": found.broken.number, "text": found.broken.text}
    return {**found._asdict(), "broken": broken}
