"""Running configurations compared: what is ours and what is somebody else's."""

from __future__ import annotations

import pytest

from clos.controller.migrate.run.answers import ACCEPTED, REFUSED, understood
from clos.controller.migrate.run.configuration import difference, digest, unexplained

BASE = """\
hostname sw1
!
vlan 10
 name USERS
!
interface GigabitEthernet1/0/1
 description trunk
 switchport trunk allowed vlan 10,20
!
interface Vlan10
 ip address 10.0.0.1 255.255.255.0
!
router eigrp 100
 network 10.0.0.0
!
ip access-list extended A
 permit ip any any
 deny ip any any
!
end
"""


def edited(old: str, new: str) -> str:
    assert old in BASE
    return BASE.replace(old, new)


@pytest.mark.parametrize(
    "other",
    [
        "Building configuration...\n\nCurrent configuration : 1234 bytes\n!\n! Last configuration change\n" + BASE,
        BASE.replace("end\n", "ntp clock-period 36028797\nend\n"),
        BASE.replace("vlan 10\n name USERS\n!\n", "").replace("end\n", "vlan 10\n name USERS\nend\n"),
    ],
)
def test_what_says_the_same_has_the_same_digest(other: str) -> None:
    assert digest(other) == digest(BASE) and not difference(BASE, other)


def test_the_order_of_an_access_list_counts() -> None:
    turned = edited(" permit ip any any\n deny ip any any\n", " deny ip any any\n permit ip any any\n")
    assert digest(turned) != digest(BASE) and difference(BASE, turned)


OURS = ("interface Gi1/0/1", " switchport trunk allowed vlan add 30", "vlan 30,31", "no router eigrp 100")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("vlan 10,20\n", "vlan 10,20,30\n"),
        ("interface Vlan10\n", "vlan 31\n!\ninterface Vlan10\n"),
        ("router eigrp 100\n network 10.0.0.0\n!\n", ""),
    ],
)
def test_what_our_lines_do_is_explained(old: str, new: str) -> None:
    found = difference(BASE, edited(old, new))
    assert found and not unexplained(found, OURS)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (" description trunk\n", " description other\n"),
        (" ip address 10.0.0.1 255.255.255.0\n", " ip address 10.0.0.9 255.255.255.0\n"),
        ("interface Vlan10\n", "interface Vlan11\n"),
        ("hostname sw1\n", "hostname sw1\nip routing\n"),
        (" name USERS\n", " name OTHERS\n"),
        ("interface Vlan10\n", "interface Vlan10\n switchport trunk allowed vlan 10\n"),
        (" permit ip any any\n", " permit ip any any log\n"),
    ],
)
def test_what_somebody_else_did_is_not(old: str, new: str) -> None:
    found = difference(BASE, edited(old, new))
    assert found and unexplained(found, OURS) == found


def test_a_difference_reads_with_its_sections() -> None:
    found = difference(BASE, edited(" description trunk\n", " description other\n"))
    assert found.lines() == (
        "+ interface GigabitEthernet1/0/1 / description other",
        "- interface GigabitEthernet1/0/1 / description trunk",
    )


@pytest.mark.parametrize(
    ("answer", "result"),
    [
        ("", ACCEPTED),
        ("\n*Jan  5 06:00:00.000: %SYS-5-CONFIG_I: Configured from console by x on vty0\n", ACCEPTED),
        ("%LINEPROTO-5-UPDOWN: Line protocol on Interface Gi1, changed state to up\n", ACCEPTED),
        ("% Access VLAN does not exist. Creating vlan 77\n", ACCEPTED),
        ("%Warning: portfast should only be enabled on ports connected to a single host.\n", ACCEPTED),
        ("         ^\n% Invalid input detected at '^' marker.\n", REFUSED),
        ("% Incomplete command.\n", REFUSED),
        ("% 10.0.0.0 overlaps with Vlan20\n", REFUSED),
        ("%Error: something\n", REFUSED),
        ("Command rejected: Bad VLAN allowed list.\n", REFUSED),
    ],
)
def test_a_line_is_refused_where_the_device_objects(answer: str, result: str) -> None:
    assert understood("line", answer).result == result
