"""Discovery over real SSH, by netmiko: read-only, host keys checked, every failure named by its true cause."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("netmiko", reason="discovery over SSH needs netmiko")
pytest.importorskip("asyncssh", reason="replayed devices need asyncssh")

import asyncssh

from clos.controller.cli import main
from clos.controller.migrate.discover.inventory import Host, InventoryProblem, read_inventory
from clos.controller.migrate.discover.permitted import NotPermitted, permitted
from clos.controller.migrate.discover.ssh import Access, HostKeys, ask, discover
from tests.support.replayed_device import PASSWORD, USER, Replay, served

CONFIG = "hostname {name}\nvrf definition red\ninterface Vlan10\n ip address 10.0.10.{n} 255.255.255.0\nend\n"
ARP = "Protocol  Address          Age (min)  Hardware Addr   Type   Interface\n"
LONG = ARP + "".join(f"Internet  10.0.{n // 250}.{n % 250}   7   0011.2233.4455  ARPA   Vlan10\n" for n in range(4000))


def device(name: str, number: int = 1, **changes: object) -> Replay:
    outputs = {
        "show running-config": CONFIG.format(name=name, n=number),
        "show version": "Cisco IOS Software, C3750 Software (C3750-M), Version 15.2(4)E8, RELEASE SOFTWARE (fc3)\n"
        f"{name} uptime is 3 weeks\n",
        "show ip arp": LONG,
        "show ip route": "C        10.0.10.0/24 is directly connected, Vlan10\n",
        "show ip route vrf red": "Routing Table: red\n",
    }
    return Replay(name, outputs, **changes)  # type: ignore[arg-type]


def access(known: Path, **changes: object) -> Access:
    return Access(**{"user": USER, "password": PASSWORD, "known_hosts": known, "quiet": 30.0, **changes})  # type: ignore[arg-type]


def asked(one: Replay, known: Path, **changes: object):
    """What one device answers, and what it was sent."""
    with served([one], known) as ports:
        settings = access(known, **changes)
        return ask(Host(one.name, "127.0.0.1", ports[one.name]), settings, HostKeys(settings))


def test_only_permitted_commands_are_sent_and_answers_are_whole(tmp_path):
    one = device("core1")
    collected = asked(one, tmp_path / "known")
    assert collected.failed == ()
    assert {line for line in one.asked if not line.startswith("show ")} == {"terminal width 511", "terminal length 0"}
    answers = {output.command: output.text for output in collected.outputs}
    assert answers["show ip arp"] == LONG
    assert answers["show running-config"] == CONFIG.format(name="core1", n=1)
    assert "show ip route vrf red" in answers and "show vlan brief" in answers  # instead of show vlan, refused


@pytest.mark.parametrize(
    "command",
    [
        "configure terminal", "reload", "show running-config | redirect flash:x", "show ip route\nreload",
        "show ip route vrf a;reload", "show ip route vrf red\rreload", "show tech-support", "copy run start",
        "SHOW VLAN",
    ],
)  # fmt: skip
def test_other_commands_are_refused_before_they_are_sent(command):
    with pytest.raises(NotPermitted):
        permitted(command)


@pytest.mark.parametrize(
    ("changes", "settings", "words"),
    [
        ({"kex": ("diffie-hellman-group14-sha1",)}, {}, "offers only old ones (SHA-1)"),
        ({}, {"password": "wrong"}, "refused the user name or password"),
        (
            {},
            {"password": None},
            "there is no password for it, and no SSH agent's key opens it: set CLOS_MIGRATE_PASSWORD",
        ),
        ({"cut": "show ip arp"}, {}, "the session ended in the answer to show ip arp"),
        ({"silent": "show ip route"}, {"quiet": 0.5}, "no answer to show ip route"),
    ],
)
def test_failures_are_named_by_their_cause_and_what_came_before_is_kept(tmp_path, changes, settings, words):
    collected = asked(device("core1", **changes), tmp_path / "known", **settings)
    (failure,) = collected.failed
    assert words in failure
    assert bool(collected.outputs) == bool(changes.keys() & {"cut", "silent"})


def test_an_unknown_host_key_is_refused_unless_accepted_and_a_changed_one_always(tmp_path):
    one, known = device("core1"), tmp_path / "known"
    with served([one]) as ports:
        host = Host("core1", "127.0.0.1", ports["core1"])
        strict, trusting = access(known), access(known, accept=True)
        assert "its host key is not known" in ask(host, strict, HostKeys(strict)).failed[0]
        assert one.asked == []
        assert ask(host, trusting, HostKeys(trusting)).failed == ()
        assert ask(host, strict, HostKeys(strict)).failed == ()  # its key was kept
        other = asyncssh.generate_private_key("ecdsa-sha2-nistp256").export_public_key().decode()
        known.write_text(f"[127.0.0.1]:{host.port} {other}", encoding="ascii")
        one.asked.clear()
        assert "not the one that is known" in ask(host, trusting, HostKeys(trusting)).failed[0]
        assert one.asked == []


def test_a_jump_host_leads_to_a_device_and_its_key_is_checked_too(tmp_path):
    inner, jump, known = device("core1"), device("bastion"), tmp_path / "known"
    with served([inner, jump], known) as ports:
        host = Host("core1", "127.0.0.1", ports["core1"], jump=f"{USER}@127.0.0.1:{ports['bastion']}")
        settings = access(known)
        collected = ask(host, settings, HostKeys(settings))
        assert collected.failed == () and jump.asked == []
        lines = known.read_text(encoding="ascii").splitlines(keepends=True)
        known.write_text("".join(line for line in lines if str(ports["bastion"]) not in line), encoding="ascii")
        (failure,) = ask(host, settings, HostKeys(settings)).failed
        assert "jump host" in failure and "host key is not known" in failure
        known.unlink()
        trusting = access(known, accept=True)
        assert ask(host, trusting, HostKeys(trusting)).failed == ()
        assert len(known.read_text(encoding="ascii").splitlines()) == 2


def test_a_port_without_a_listener_is_named(tmp_path):
    settings = access(tmp_path / "known", timeout=2.0)
    assert "does not answer on its SSH port" in ask(Host("a", "127.0.0.1", 1), settings, HostKeys(settings)).failed[0]


def test_devices_are_asked_together_and_results_are_in_the_inventory_s_order(tmp_path):
    devices = [device(f"sw{n}", n) for n in range(1, 6)]
    heard: list[str] = []
    with served(devices, tmp_path / "known") as ports:
        hosts = tuple(Host(one.name, "127.0.0.1", ports[one.name]) for one in devices)
        found = discover(hosts, access(tmp_path / "known"), 5, lambda one: heard.append(one.name))
    assert [one.name for one in found] == [host.name for host in hosts] and sorted(heard) == sorted(ports)
    assert all(not one.failed for one in found)


def test_a_whole_run_keeps_what_it_got_and_exits_with_3_where_a_device_is_lost(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("CLOS_MIGRATE_PASSWORD", PASSWORD)
    monkeypatch.setenv("CLOS_MIGRATE_USER", USER)
    with served(
        [device("core1"), device("core2", 2, kex=("diffie-hellman-group14-sha1",))], tmp_path / "known"
    ) as ports:
        hosts = [{"name": name, "address": "127.0.0.1", "port": port} for name, port in ports.items()]
        (tmp_path / "inventory.yaml").write_text(json.dumps({"hosts": hosts}), encoding="utf-8")
        words = ["--known-hosts", str(tmp_path / "known"), "--out", str(tmp_path / "out")]
        with pytest.raises(SystemExit) as end:
            main(["migrate", "discover", str(tmp_path / "inventory.yaml"), *words])
    shown = capsys.readouterr()
    assert end.value.code == 3 and "2 of 2" in shown.err and "SHA-1" in shown.out
    with pytest.raises(SystemExit):
        main(["migrate", "show", str(tmp_path / "out"), "--json"])
    kept = json.loads(capsys.readouterr().out)
    assert len(kept["devices"]["core1"]["state"]["arp"]) == 4000
    assert "SHA-1" in kept["missing"]["core2"][0]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("hosts: []", "a mapping of devices by name is needed"),
        ("devices: {a: 3}", "devices.a: an address or a mapping is needed"),
        ("hosts: [{name: a, password: x}]", "secrets do not belong"),
        ("hosts: [{name: a, port: 0}]", "0 is no port"),
        ("hosts: [{name: a, platform: junos}]", "'junos' is not supported"),
        ("hosts: [a, a]", "named 2 times"),
        ("hosts: [{name: ../a, address: b}]", "cannot be the name of a directory"),
        ("hosts: [{nmae: a}]", "nmae: unknown"),
        ("hosts: [", "inventory.yaml:2:1"),
        ("hosts: [3]", "an address or a mapping is needed"),
    ],
)
def test_an_inventory_that_cannot_be_used_is_named_with_its_place(tmp_path, text, words):
    path = tmp_path / "inventory.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InventoryProblem, match=r"inventory\.yaml") as found:
        read_inventory(path)
    assert words in str(found.value)


def test_defaults_hold_for_every_host(tmp_path):
    path = tmp_path / "inventory.yaml"
    path.write_text("defaults: {user: u, port: 2222}\nhosts: [10.0.0.1, {name: b, port: 22}]", encoding="utf-8")
    assert read_inventory(path) == (Host("10.0.0.1", "10.0.0.1", 2222, "u"), Host("b", "b", 22, "u"))
    path.write_text("devices: {a: {host: 10.0.0.1, username: u, model: C3750}}", encoding="utf-8")
    assert read_inventory(path) == (Host("a", "10.0.0.1", 22, "u"),)
