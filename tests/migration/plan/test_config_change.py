"""What lines do to a configuration, and that their inverse leads back: by our model and by the simulated devices'."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from clos.controller.migrate.discover.secrets import without_secrets
from clos.controller.migrate.plan.config_change import NoInverse, after, inverse, same
from tests.migration.plan.simulated_config import on_the_simulator
from tests.support.examples import EXAMPLES

BANK = Path(__file__).parents[3] / "topologies" / "legacy-bank" / "startup-configs"
PORTS = tuple(f"TenGigabitEthernet1/{n}" for n in range(1, 17))
LINES = (
    "description x", "no description", "shutdown", "no shutdown", "switchport trunk allowed vlan none",
    "switchport trunk allowed vlan add 10,20", "switchport trunk allowed vlan remove 20-30",
    "switchport trunk native vlan 99", "switchport mode trunk", "switchport nonegotiate",
    "spanning-tree portfast trunk", "spanning-tree bpduguard enable", "spanning-tree guard root",
    "spanning-tree cost 20000", "no spanning-tree cost",
)  # fmt: skip
SVI = ("shutdown", "no shutdown", "ip access-group A in", "ip access-group B in", "no ip redirects", "description y")


def sections(rng: random.Random) -> list[str]:
    """A random set of lines, such as plans type."""
    found = []
    for _ in range(rng.randrange(1, 6)):
        kind = rng.randrange(6)
        if kind < 3:
            found += [f"interface {rng.choice(PORTS)}", *(f" {rng.choice(LINES)}" for _ in range(rng.randrange(1, 6)))]
        elif kind == 3:
            vlan = rng.choice((10, 20, 50, 97))
            found += [f"interface Vlan{vlan}", *(f" {line}" for line in rng.sample(SVI, rng.randrange(1, 4)))]
        elif kind == 4:
            found += [
                "vlan 97",
                " name FABRIC",
                "ip access-list extended NEW",
                " permit ip any any",
                " deny tcp any any",
            ]
        else:
            found += ["router eigrp 100", " no passive-interface Vlan97", " no passive-interface Vlan98"]
    return found


@pytest.mark.parametrize("device", ["dist1", "dist2", "acc3", "core1"])
def test_lines_and_then_their_inverse_give_the_configuration_back(device: str) -> None:
    config = without_secrets((BANK / f"{device}.cfg").read_text())
    for seed in range(EXAMPLES):
        lines = sections(random.Random(seed))
        assert same(after(after(config, lines), inverse(config, lines)), config), (seed, lines)


def test_a_change_is_seen_where_there_is_one() -> None:
    config = (BANK / "dist1.cfg").read_text()
    assert not same(after(config, ["interface Vlan10", " shutdown"]), config)
    assert same(after(config, ["interface Vlan10", " no shutdown"]), config)


def test_the_simulated_devices_come_to_the_same_and_back() -> None:
    config = without_secrets((BANK / "dist1.cfg").read_text())
    start = on_the_simulator(config, [])
    for seed in range(max(10, EXAMPLES // 4)):
        lines = sections(random.Random(seed))
        there = on_the_simulator(start, lines)
        assert same(there, after(start, lines)), (seed, lines)
        assert same(on_the_simulator(there, inverse(start, lines)), start), (seed, lines)


def test_what_opens_last_is_closed_first() -> None:
    config = (BANK / "dist1.cfg").read_text()
    lines = ["interface TenGigabitEthernet1/15", " switchport trunk allowed vlan none", " no shutdown"]
    lines += [" switchport trunk allowed vlan add 10"]
    assert inverse(config, lines) == (
        "interface TenGigabitEthernet1/15",
        " switchport trunk allowed vlan none",
        " shutdown",
        " no switchport trunk allowed vlan",
    )


def test_secrets_are_never_taken_away_for_they_cannot_be_given_back() -> None:
    config = "interface Vlan30\n standby 30 authentication md5 key-string <removed>\n"
    with pytest.raises(NoInverse, match="secret"):
        inverse(config, ["no interface Vlan30"])
