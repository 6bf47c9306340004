"""What the commands of ``clos lab`` share: where a lab is, and what becomes of what it cannot do.

Must not know: what is asked.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from clos.controller.cli.answer import UNCHECKED, Stop, failed, usage
from clos.controller.cli.render.text import count
from clos.lab.order import Invalid
from clos.lab.ovs.processes import LabError

T = TypeVar("T")
Where = Annotated[Path, typer.Option("--dir", metavar="DIR", help="Where the lab keeps its files.")]


def tried(work: Callable[[], T]) -> T:
    """Its result; what the lab cannot do here ends the command."""
    try:
        return work()
    except Invalid as error:
        problems = str(error).splitlines()
        raise failed(count(len(problems), "problem"), problems) from None
    except LabError as error:
        *details, last = str(error).splitlines()
        raise Stop(UNCHECKED, last, details) from None


def there(*paths: Path) -> None:
    """Raises Stop (USAGE) for the first that is not."""
    for path in paths:
        if not path.exists():
            raise usage(f"{path}: no such file or directory")
