"""A small legacy network for tests: two switches and a router, and sessions at it by netmiko."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from clos.fabric.sim.legacy.device import Hardware
from clos.fabric.sim.legacy.network import DevicePlan, HostPlan, LegacyNetwork, NetworkPlan
from tests.support.legacy_thread import LegacyThread

PASSWORD = "legacy"
BASICS = f"""\
hostname {{name}}
enable secret 0 {PASSWORD}
username clos privilege 1 secret 0 {PASSWORD}
username root privilege 15 secret 0 {PASSWORD}
archive
 path flash:bk
 maximum 5
lldp run
"""
SWITCH = """\
vtp mode transparent
spanning-tree mode pvst
vlan 10
 name USERS
vlan 20
interface GigabitEthernet1/0/1
 switchport mode trunk
 switchport trunk allowed vlan 10,20
interface GigabitEthernet1/0/2
 switchport access vlan 10
 switchport mode access
interface Vlan10
 ip address 10.10.10.{number} 255.255.255.0
 ip access-group USERS in
 standby 10 ip 10.10.10.1
router eigrp 100
 network 10.0.0.0
 passive-interface default
 no passive-interface Vlan10
ip access-list extended USERS
 permit tcp any host 10.1.1.1 eq 443
 deny ip any any log
line vty 0 4
 login local
"""


def switch(name: str, number: int, sha1_only: bool = False) -> DevicePlan:
    ports = tuple(f"GigabitEthernet1/0/{port}" for port in range(1, 9))
    hardware = Hardware("WS-C3750X-24T-S", f"FDO1234X00{number}", 0x001A_0000_0000 + (number << 8), ports)
    lines = BASICS.format(name=name) + SWITCH.format(number=number)
    return DevicePlan(name, hardware, tuple(lines.splitlines()), sha1_only)


def plan() -> NetworkPlan:
    """sw1 and sw2 with a trunk between them, the old ``sw3`` alone, and a host at sw1."""
    devices = (switch("sw1", 2), switch("sw2", 3), switch("sw3", 4, sha1_only=True))
    cable = (("sw1", "GigabitEthernet1/0/1"), ("sw2", "GigabitEthernet1/0/1"))
    return NetworkPlan("small", devices, (cable,), (HostPlan("h1", ("sw1", "GigabitEthernet1/0/2"), 0x02_0000_0001),))


def network() -> LegacyNetwork:
    made = LegacyNetwork(plan())
    assert not any(made.problems.values()), made.problems
    return made


@contextmanager
def netmiko_session(running: LegacyThread, device: str, **changed: Any) -> Iterator[Any]:
    """A netmiko session as ``cisco_ios``; closed afterwards, whatever became of it."""
    from netmiko import ConnectHandler  # noqa: PLC0415 - seconds to import, and only these tests need it

    options = {
        "device_type": "cisco_ios", "host": "127.0.0.1", "port": running.listening.ports[device], "username": "clos",
        "password": PASSWORD, "secret": PASSWORD, "conn_timeout": 20, **changed,
    }  # fmt: skip
    session = ConnectHandler(**options)
    try:
        yield session
    finally:
        session.paramiko_cleanup()
