"""Options of the commands that change the fabric: who, why, and which brakes are released."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer

from clos.controller.cli.option_groups import OptionGroup

Who = Annotated[str, typer.Option(metavar="NAME", help="Your name for the history; default: the login name.")]
Why = Annotated[str, typer.Option("--why", "-m", metavar="TEXT", help="The reason, for the history.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Apply without asking for confirmation.")]
Deletes = Annotated[bool, typer.Option("--allow-deletes", help="Allow a plan that deletes more than 30% of the rules.")]
Empty = Annotated[bool, typer.Option("--allow-empty", help="Allow a plan that leaves no rules.")]
Overflow = Annotated[bool, typer.Option("--allow-overflow", help="Allow a plan that exceeds a switch's capacity.")]
Uplink = Annotated[bool, typer.Option("--allow-uplink", help="Allow changes to spines, uplinks and egress groups.")]
Identity = Annotated[bool, typer.Option("--allow-identity", help="Make a switch another box, or change a node tag.")]
Adopt = Annotated[
    bool, typer.Option("--allow-adopt", help="Replace entries of Clos that no revision in the store accounts for.")
]
DeleteTenant = Annotated[
    list[str] | None,
    typer.Option("--allow-delete-tenant", metavar="NAME", help="Delete this tenant. May be given several times."),
]
Absent = Annotated[bool, typer.Option("--allow-offline", help="Skip switches that are not connected.")]
Unproven = Annotated[
    bool, typer.Option("--unproven", help="Apply even if a claim is not proved; the history records it.")
]


@dataclass(frozen=True, slots=True)
class Brakes(OptionGroup):
    """The brakes that a change may release."""

    deletes: Deletes = False
    empty: Empty = False
    overflow: Overflow = False
    uplink: Uplink = False
    identity: Identity = False
    adopt: Adopt = False
    delete_tenant: DeleteTenant = None
    absent: Absent = False
    unproven: Unproven = False

    def released(self) -> list[str]:
        """The names of those that are."""
        given = {
            "deletes": self.deletes,
            "empty": self.empty,
            "overflow": self.overflow,
            "uplink": self.uplink,
            "identity": self.identity,
            "adopt": self.adopt,
            "offline": self.absent,
            "unproven": self.unproven,
        }
        names = [name for name, released in given.items() if released]
        if not self.delete_tenant:
            return names
        from clos.controller.plan import DELETE_TENANT  # noqa: PLC0415 - seldom asked for, and the planner comes with it

        return names + [f"{DELETE_TENANT}{name}" for name in self.delete_tenant]
