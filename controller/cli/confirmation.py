"""Questions that a person answers before the fabric is changed. Must not know: what a change does."""

from __future__ import annotations

import sys

import typer

from clos.controller.cli.answer import (
    Lines,
    failed,
    show,
    usage,
)

DANGER = "without a proof, tenants may reach each other, or traffic that the intents permit may be lost"


def confirm(lines: Lines, question: str) -> None:
    """Show what would be done and ask. Raises Stop unless the answer is yes."""
    if not sys.stdin.isatty():
        raise usage("stdin is not a terminal: review the plan, then pass --yes")
    show(lines)
    if not typer.confirm(question):
        raise failed("nothing was changed")


def confirm_unproven(unproven: bool, yes: bool) -> None:
    """Say what --unproven means, and ask again. Raises Stop unless the answer is yes."""
    if not unproven:
        return
    typer.secho(f"WARNING: --unproven: {DANGER}.", fg="red", bold=True, err=True)
    if not yes and not typer.confirm("Apply without a proof? The history records your name."):
        raise failed("nothing was changed")
