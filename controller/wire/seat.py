"""Where this controller sits among several: master of its switches or slave, and whether it may change them.

Lives here: asking a switch for the role, and the rule that only a leader with a lease sends changes. Must not know:
leases, how a leader is found.

Mastership is fenced on the switch by the generation id (OpenFlow 1.3.5 §6.3.6): a switch that has heard of a later one
refuses ours as stale, and takes no change from who was master before. A slave asks with the generation that the switch
has, so it needs to know nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from clos.controller.wire.errors import Refused, SwitchError
from clos.controller.wire.session import Session
from clos.controller.wire.switch_info import request_role, role_of
from clos.fabric.openflow.constants import Role
from clos.fabric.openflow.errors import ErrorType, RoleRequestFailed

NO_GENERATION: Final = (1 << 64) - 1
"""What a switch reports that has never had a master."""
TRIES = 5
"""Of a slave, while generations come faster than it asks."""


class Seat:
    """``generation``: of a leader, None of a follower. ``turn`` is another whenever the seat is.

    ``valid``: whether the leader's lease certainly lasts.
    """

    def __init__(self) -> None:
        self.generation: int | None = None
        self.turn = 0
        self._valid: Callable[[], bool] = lambda: False

    def lead(self, generation: int, valid: Callable[[], bool]) -> None:
        self.generation, self._valid, self.turn = generation, valid, self.turn + 1

    def follow(self) -> None:
        self.generation, self.turn = None, self.turn + 1

    def may_change(self) -> bool:
        """Whether a change may be sent at this moment."""
        return self.generation is not None and self._valid()

    async def take(self, session: Session) -> int | None:
        """Have the switch give us our role; the generation that outranks ours, where one does.

        Raises SwitchError: it knows no roles, or is gone.
        """
        outranked = None
        if self.generation is not None:
            try:
                await request_role(session, Role.MASTER, self.generation)
                return None
            except Refused as error:
                if not _is_stale(error):
                    raise
                outranked = (await role_of(session)).generation
        for _ in range(TRIES):
            known = (await role_of(session)).generation
            try:
                await request_role(session, Role.SLAVE, 0 if known == NO_GENERATION else known)
                return outranked
            except Refused as error:
                if not _is_stale(error):
                    raise
        raise SwitchError(session.switch, "has another generation each time it is asked")


def _is_stale(error: Refused) -> bool:
    return (error.type, error.code) == (ErrorType.ROLE_REQUEST_FAILED, RoleRequestFailed.STALE)
