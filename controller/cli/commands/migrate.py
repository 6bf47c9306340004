"""``migrate``: the table of its commands."""

from __future__ import annotations

import typer

from clos.controller.cli.loading import Place, commands_of

COMMANDS = (
    Place(
        "discover",
        "migrate_discover:discover",
        "Read a legacy network: configurations and tables of its devices, held against one another.",
    ),
    Place(
        "show",
        "migrate_discover:show",
        "Show a discovered network as tables, as a picture, or with --json every value of it.",
    ),
    Place(
        "predict",
        "migrate_predict:predict_",
        "Predict the spanning tree of each VLAN, which root ports a change moves, EIGRP routes and HSRP gateways.",
    ),
    Place(
        "plan",
        "migrate_plan:plan_",
        "Plan a migration: phases 0 to 6 with commands in safe order, checks, predictions, budgets and the way back.",
    ),
    Place(
        "run", "migrate_run:run_", "Carry out a migration's plan, phase by phase, or go on with one that was cut short."
    ),
    Place(
        "status",
        "migrate_run:status_",
        "Show where a migration stands: its phases, the act it is at, what is in doubt, and the borders' speakers.",
    ),
    Place("pause", "migrate_run:pause_", "Have a run stop before its next step; clos migrate run goes on from there."),
    Place(
        "rollback",
        "migrate_run:rollback_",
        "Undo phases of a migration, the last act first: commands leave before the flows that carry them close.",
    ),
)

app = typer.Typer(
    cls=commands_of(*COMMANDS),
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)


@app.callback()
def migrate() -> None:
    """Discover a legacy EIGRP/PVST+ network, predict changes, and carry a migration out."""
