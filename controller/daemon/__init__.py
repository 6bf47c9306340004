"""The daemon: holds a fabric to its current revision, and is asked and told to over HTTP (controller.api)."""

from controller.daemon.change import Gate
from controller.daemon.claim import Claimed
from controller.daemon.daemon import Daemon
from controller.daemon.recovery import FINISH, UNDO
from controller.daemon.refusal import CODES, Refused
from controller.daemon.report import Applied, Begun, Drift, Status, Step, TakingBack

__all__ = [
    "CODES",
    "FINISH",
    "UNDO",
    "Applied",
    "Begun",
    "Claimed",
    "Daemon",
    "Drift",
    "Gate",
    "Refused",
    "Status",
    "Step",
    "TakingBack",
]
