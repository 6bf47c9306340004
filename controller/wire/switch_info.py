"""What a switch says about itself: maker, abilities, ports, room in its tables, our role. Knows no plans, no os-ken."""

from __future__ import annotations

from typing import NamedTuple, TypeVar

from clos.controller.wire.errors import SwitchError
from clos.controller.wire.session import Session
from clos.fabric.openflow import Message, decode
from clos.fabric.openflow.constants import PortConfig, PortState, Role
from clos.fabric.openflow.messages import (
    FeaturesReply,
    FeaturesRequest,
    Port,
    RoleReply,
    RoleRequest,
)
from clos.fabric.openflow.multipart import (
    DescReply,
    DescRequest,
    PortDescReply,
    PortDescRequest,
    TableFeaturesReply,
    TableFeaturesRequest,
)
from clos.fabric.openflow.table_features import max_entries

M = TypeVar("M", bound=Message)

TABLES = 255
"""Tables a switch may have (OpenFlow 1.3.5 §7.3.5.5: numbers 0 to 254)."""


class Facts(NamedTuple):
    """A switch by its own account (OpenFlow 1.3.5 §7.3.1, §7.3.5.1, §7.3.5.7). ``capabilities``: Capability bits."""

    switch: str
    dpid: int
    tables: int
    capabilities: int
    manufacturer: str
    hardware: str
    software: str
    serial: str
    ports: tuple[Port, ...]


def is_up(port: Port) -> bool:
    """Whether its link is up and it is not switched off."""
    return not (port.state & PortState.LINK_DOWN or port.config & PortConfig.PORT_DOWN)


async def facts(session: Session) -> Facts:
    """Raises Refused, Silent, Lost, DecodeError."""
    (features,) = await _ask(session, FeaturesRequest(), FeaturesReply)
    desc = (await _ask(session, DescRequest(), DescReply))[0]
    pages = await _ask(session, PortDescRequest(), PortDescReply)
    ports = sorted(port for page in pages for port in page.entries)
    about = (desc.manufacturer, desc.hardware, desc.software, desc.serial)
    return Facts(
        session.switch, features.datapath_id, features.tables, features.capabilities, *about, tuple(ports)
    )  # fmt: skip


async def capacity(session: Session) -> dict[int, int]:
    """Rules each table can hold, by table number. Raises Refused (a switch may keep it to itself), Silent, Lost."""
    pages = await _ask(session, TableFeaturesRequest(), TableFeaturesReply)
    return {table.table: table.max_entries for page in pages for table in page.entries}


async def room(session: Session) -> int:
    """Entries that all tables of the switch hold by its own account. Raises as ``capacity``.

    Nothing but that number is read of each table: what a table can do is a thousand bytes, and a switch may have 255.
    """
    tables: list[int] = []

    def reader(part: bytes) -> str:
        tables.extend(max_entries(part))
        return f"more than {TABLES} tables" if len(tables) > TABLES else ""

    await session.ask(TableFeaturesRequest(), reader)
    return sum(tables)


async def request_role(session: Session, role: Role, generation: int) -> Role:
    """The role the switch grants (OpenFlow 1.3.5 §6.3.6). Raises Refused (a stale generation), Silent, Lost."""
    return (await _ask(session, RoleRequest(role, generation), RoleReply))[0].role


async def role_of(session: Session) -> RoleReply:
    """The role we have towards the switch, and the generation it knows (NO_GENERATION: none). Raises as above."""
    return (await _ask(session, RoleRequest(Role.NOCHANGE, 0), RoleReply))[0]


async def _ask(session: Session, request: Message, kind: type[M]) -> list[M]:
    found = [decode(frame)[0] for frame in await session.ask(request)]
    wrong = [type(message).__name__ for message in found if not isinstance(message, kind)]
    if wrong:
        raise SwitchError(session.switch, f"answered {type(request).__name__} with {wrong[0]}")
    return [message for message in found if isinstance(message, kind)]
