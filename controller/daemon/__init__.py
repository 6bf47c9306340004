"""The daemon: holds a fabric to its current revision, and is asked and told to over HTTP (controller.api)."""

from clos.controller.daemon.changes.apply import Gate
from clos.controller.daemon.changes.recovery import FINISH, UNDO
from clos.controller.daemon.daemon import Daemon
from clos.controller.daemon.errors import CODES, Refused
from clos.controller.daemon.lock import Locked
from clos.controller.daemon.status import Applied, Begun, Drift, Status, Step, TakingBack

__all__ = [
    "CODES",
    "FINISH",
    "UNDO",
    "Applied",
    "Begun",
    "Daemon",
    "Drift",
    "Gate",
    "Locked",
    "Refused",
    "Status",
    "Step",
    "TakingBack",
]
