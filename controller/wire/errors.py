"""What goes wrong with a switch: the network's fault, not the user's and not ours. Values only."""

from __future__ import annotations

from clos.controller.plan import Entry
from clos.fabric.openflow.errors import error_text


class SwitchError(Exception):
    """Something went wrong at the switch named; the text says what."""

    def __init__(self, switch: str, text: str) -> None:
        super().__init__(f"{switch}: {text}")
        self.switch = switch


class Lost(SwitchError):
    """The connection to the switch ended before it had confirmed; what it holds is known after reading it back."""


class Silent(SwitchError):
    """The switch did not answer in time, or with something else than what it was asked."""


class Refused(SwitchError):
    """The switch answered with an OpenFlow error.

    ``type`` and ``code`` are those of ofp_error_msg (OpenFlow 1.3.5 §7.4.4); ``entry`` is the rule, group or meter
    it refused, None when the error speaks of another request.
    """

    def __init__(self, switch: str, type: int, code: int, entry: Entry | None = None) -> None:
        super().__init__(switch, f"{error_text(type, code)}{'' if entry is None else f' for {entry}'}")
        self.type = type
        self.code = code
        self.entry = entry


class Unexplained(Refused):
    """An error arrived while the switch took a change, and does not say what it is about; ``so`` is what follows."""

    def __init__(self, switch: str, type: int, code: int, so: str) -> None:
        super().__init__(switch, type, code)
        self.args = (f"{switch}: reported {error_text(type, code)} while it took a change, for no message of it: {so}",)
