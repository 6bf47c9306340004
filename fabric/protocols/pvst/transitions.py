"""What a port's machines do next: information, role, state, topology change, transmission.

Lives here: one step of each machine of IEEE 802.1D-2004 §17.26-17.31 for one port, as conditions over its variables.
Each function says whether it changed anything. Must not know: reception, role selection (``machine``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from clos.fabric.protocols.pvst.packet import (
    ALTERNATE_OR_BACKUP,
    CONFIGURATION,
    DESIGNATED_ROLE,
    NOTIFICATION,
    RAPID,
    ROOT_ROLE,
    Bpdu,
)
from clos.fabric.protocols.pvst.port import (
    ALTERNATE,
    BACKUP,
    DESIGNATED,
    DISABLED,
    MINE,
    ROOT,
    Flush,
    Port,
    Send,
)
from clos.fabric.protocols.pvst.vector import Times

if TYPE_CHECKING:
    from clos.fabric.protocols.pvst.machine import Machine

TX_HOLD_COUNT = 6
"""BPDUs a port may send in a second (§17.13.12)."""
_ROLES = {ROOT: ROOT_ROLE, DESIGNATED: DESIGNATED_ROLE, ALTERNATE: ALTERNATE_OR_BACKUP, BACKUP: ALTERNATE_OR_BACKUP}


def step(machine: Machine, port: Port) -> bool:
    """Every machine of the port once."""
    changed = _inform(port)
    changed |= _enter_role(machine, port)
    changed |= _BY_ROLE[port.role](machine, port)
    changed |= _topology_change(machine, port)
    _transmit(machine, port)
    return changed


def _inform(port: Port) -> bool:
    """The UPDATE state of the port information machine (§17.27)."""
    if not port.update:
        return False
    port.proposing = port.proposed = False
    port.agreed = port.agreed and port.info == MINE and port.vector <= port.designated_vector
    port.synced = port.synced and port.agreed
    port.vector, port.times, port.info = port.designated_vector, port.designated_times, MINE
    port.update, port.new_info = False, True
    return True


def _enter_role(machine: Machine, port: Port) -> bool:
    """From one role to the selected one (§17.29); timers that the old role held start to run."""
    if port.role == port.selected_role:
        return False
    now, times = machine.now, machine.root_times
    if port.role == ROOT:
        port.recent_root_until = now + times.forward_delay
    elif port.role == BACKUP:
        port.recent_backup_until = now + 2 * times.hello
    if port.role in (ALTERNATE, BACKUP, DISABLED):
        port.forward_delay_until = now + _forward_delay(machine, port)
    if port.selected_role in (ALTERNATE, BACKUP, DISABLED):
        port.learn = port.forward = port.sync = port.re_root = False
        port.synced, port.recent_root_until = True, 0
    port.role = port.selected_role
    return True


def _forward_delay(machine: Machine, port: Port) -> float:
    """§17.20.5: between rapid bridges a hello time is long enough."""
    return machine.root_times.hello if port.send_rapid else machine.root_times.forward_delay


def _disabled(machine: Machine, port: Port) -> bool:
    return False


def _root(machine: Machine, port: Port) -> bool:
    """§17.29.2."""
    now = machine.now
    if port.proposed and not port.agree:
        port.proposed = False
        for other in machine.ports.values():
            other.sync = True
        return True
    if (_all_synced(machine, port) and not port.agree) or (port.proposed and port.agree):
        port.proposed, port.sync, port.agree, port.new_info = False, False, True, True
        return True
    if port.re_root and port.forward:
        port.re_root = False
        return True
    if not port.forward and not port.re_root:
        for other in machine.ports.values():
            other.re_root = True
        return True
    rerooted = machine.rapid and port.recent_backup_until <= now and _re_rooted(machine, port)
    return _advance(machine, port) if port.forward_delay_until <= now or rerooted else False


def _designated(machine: Machine, port: Port) -> bool:
    """§17.29.3."""
    now = machine.now
    if machine.rapid and not port.forward and not port.agreed and not port.proposing and not port.edge:
        port.proposing = port.new_info = True
        return True
    idle = not port.learn and not port.forward
    if (not port.synced and (idle or port.agreed or port.edge)) or (port.sync and port.synced):
        port.recent_root_until, port.synced, port.sync = 0, True, False
        return True
    if port.re_root and port.recent_root_until <= now:
        port.re_root = False
        return True
    held = (port.sync and not port.synced) or (port.re_root and port.recent_root_until > now) or port.disputed
    if ((held and not port.edge) or port.broken) and not idle:
        port.learn = port.forward = port.disputed = False
        port.forward_delay_until = now + _forward_delay(machine, port)
        return True
    port.disputed = port.disputed and not idle
    ready = port.forward_delay_until <= now or port.agreed or port.edge
    waits = port.sync or port.broken or (port.re_root and port.recent_root_until > now)
    return _advance(machine, port) if ready and not waits else False


def _blocked(machine: Machine, port: Port) -> bool:
    """Alternate and backup ports (§17.29.4)."""
    if port.proposed and not port.agree:
        port.proposed = False
        for other in machine.ports.values():
            other.sync = True
        return True
    if (_all_synced(machine, port) and not port.agree) or (port.proposed and port.agree):
        port.proposed, port.agree, port.new_info = False, True, True
        return True
    if port.sync or port.re_root or not port.synced:
        port.sync, port.re_root, port.synced = False, False, True
        return True
    return False


_BY_ROLE = {DISABLED: _disabled, ROOT: _root, DESIGNATED: _designated, ALTERNATE: _blocked, BACKUP: _blocked}


def _advance(machine: Machine, port: Port) -> bool:
    """From discarding to learning, from learning to forwarding."""
    if not port.learn:
        port.learn = True
        port.forward_delay_until = machine.now + _forward_delay(machine, port)
        return True
    if not port.forward:
        port.forward, port.forward_delay_until = True, 0
        if port.role == DESIGNATED:
            port.agreed = port.send_rapid
        return True
    return False


def _all_synced(machine: Machine, port: Port) -> bool:
    """§17.20.3: every port has its selected role and is synced, or is the root port."""
    return all(
        other.role == other.selected_role and not other.update and (other.synced or other.role == ROOT)
        for other in machine.ports.values()
        if other is not port
    )


def _re_rooted(machine: Machine, port: Port) -> bool:
    """§17.20.10: no other port was a root port a moment ago."""
    return all(other.recent_root_until <= machine.now for other in machine.ports.values() if other is not port)


def _topology_change(machine: Machine, port: Port) -> bool:
    """§17.31."""
    takes_part = port.role in (ROOT, DESIGNATED) and port.forward and not port.edge
    if not port.tc_active:
        port.rcvd_tc = port.rcvd_tcn = port.rcvd_tc_ack = port.tc_prop = False
        if not takes_part:
            return False
        port.tc_active = port.new_info = True
        _detect(machine, port)
        return True
    if not takes_part:
        port.tc_active, port.tc_until, port.tc_ack = False, 0, False
        machine.effects.append(Flush(port.config.number))
        return True
    if port.rcvd_tcn or port.rcvd_tc:
        if port.rcvd_tcn:
            _count_change(machine, port)
        port.tc_ack = port.tc_ack or (port.rcvd_tcn and port.role == DESIGNATED)
        port.rcvd_tcn = port.rcvd_tc = False
        _propagate(machine, port)
        return True
    if port.tc_prop:
        port.tc_prop = False
        _count_change(machine, port)
        machine.effects.append(Flush(port.config.number))
        return True
    if port.rcvd_tc_ack:
        port.rcvd_tc_ack, port.tc_until = False, 0
        return True
    return False


def _detect(machine: Machine, port: Port) -> None:
    _count_change(machine, port)
    _propagate(machine, port)


def _propagate(machine: Machine, port: Port) -> None:
    """setTcPropTree (§17.21.18)."""
    for other in machine.ports.values():
        other.tc_prop = other.tc_prop or other is not port


def _count_change(machine: Machine, port: Port) -> None:
    """newTcWhile (§17.21.7)."""
    if port.tc_until <= machine.now:
        times = machine.root_times
        lasts = times.hello + 1 if port.send_rapid else times.max_age + times.forward_delay
        port.tc_until, port.new_info = machine.now + lasts, True


def _transmit(machine: Machine, port: Port) -> None:
    """§17.26: what is new, and every hello time; at most TX_HOLD_COUNT a second."""
    now, changing = machine.now, port.tc_until > machine.now
    if not port.enabled:
        return
    if port.hello_at <= now:
        port.hello_at = now + machine.root_times.hello
        originates = port.role == DESIGNATED and (machine.rapid or machine.is_root)
        port.new_info = port.new_info or originates or (port.role == ROOT and changing)
    if port.sent_until <= now and port.sent:
        port.sent, port.sent_until = port.sent - 1, now + 1 if port.sent > 1 else 0
    if not port.new_info or port.sent >= TX_HOLD_COUNT or port.update:
        return
    port.new_info = False
    bpdu = _bpdu(machine, port, changing)
    if bpdu is not None:
        port.tc_ack = False
        port.sent, port.sent_until = port.sent + 1, port.sent_until or now + 1
        machine.effects.append(Send(port.config.number, bpdu))


def _aged(machine: Machine, times: Times) -> Times:
    """What a classic bridge passes on is as old as its root port's information has become here (802.1D-1998
    §8.6.1.3.2): so what nobody says any more dies, whoever repeats it."""
    root = None if machine.root_port is None else machine.ports.get(machine.root_port)
    if root is None:
        return times
    return times._replace(age=root.times.max_age - (root.info_until - machine.now) + 1)


def _bpdu(machine: Machine, port: Port, changing: bool) -> Bpdu | None:
    """What the port has to say now; None: nothing in the version it speaks."""
    designated = port.role == DESIGNATED
    vector = port.designated_vector
    if port.send_rapid:
        offers, agrees = port.proposing and designated, port.agree and not designated
        role, times = _ROLES[port.role], port.designated_times
        return Bpdu(RAPID, vector, times, role, changing, False, offers, agrees, port.learn, port.forward)
    if designated:
        times = _aged(machine, port.designated_times)
        if times.age >= times.max_age:
            return None
        return Bpdu(CONFIGURATION, vector, times, DESIGNATED_ROLE, changing, port.tc_ack)
    return NOTIFICATION if port.role == ROOT and changing else None
