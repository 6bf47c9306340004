"""What discovery may say to a device: the commands of one table, none of which changes anything."""

from __future__ import annotations

import re
from collections.abc import Iterator

from clos.controller.migrate.discover.readers import COMMANDS, NXOS, RUNNING_CONFIG, Command, reader_of

_EXTRA = frozenset(
    {
        "show vtp status", "show interfaces", "show interfaces status", "show interfaces switchport",
        "show spanning-tree summary", "show lldp neighbors detail", "show ip access-lists", "show ip eigrp interfaces detail",
    }
)  # fmt: skip
"""Asked though nothing needs them: they complete the picture, and are held against the configuration."""
_VRF = re.compile(r"[\w.:-]{1,64}")


class NotPermitted(Exception):
    """A command that is not in the table: it is not sent."""


def permitted(command: str) -> str:
    """The command, if discovery may send it. Raises NotPermitted."""
    if command == RUNNING_CONFIG:
        return command
    known = reader_of(command)
    if known is None or known.text != command or not command.isprintable() or "|" in command:
        raise NotPermitted(f"{command!r} is not among the commands that discovery may send")
    if known.vrf is not None and not _VRF.fullmatch(known.vrf):
        raise NotPermitted(f"{known.vrf!r} is no name of a VRF")
    return command


def to_ask(vrfs: tuple[str, ...], platform: str = "ios") -> Iterator[Command]:
    """The commands after the running-config, in order; those of VRFs for each VRF."""
    if platform == "nxos":
        yield from (Command(text, known.reader) for text in NXOS if (known := reader_of(text)) is not None)
        return
    for command in COMMANDS:
        if "{vrf}" not in command.text and (command.needed or command.text in _EXTRA):
            yield command
    for vrf in vrfs:
        for text in ("show ip route vrf {vrf}", "show ip arp vrf {vrf}", "show ip eigrp vrf {vrf} neighbors",
                     "show ip eigrp vrf {vrf} topology"):  # fmt: skip
            found = next(command for command in COMMANDS if command.text == text)
            if _VRF.fullmatch(vrf):
                yield found._replace(text=text.format(vrf=vrf))
