"""Discovery of many devices over SSH, against the same netmiko sessions one after another.

    python -m benchmarks.discovery [--devices 100] [--serial 5] [--think 0.1] [--parallel 64] [--rounds 3]

The devices answer over real SSH on loopback, from a process of their own, each command after ``--think`` seconds. One
side is what ``clos migrate discover`` does; the other asks netmiko for the same commands, one session after another:
``--serial`` devices are timed, and the median of these is taken for every device. Both are of the wall clock, for both
mostly wait; what they read must be the same.
"""

from __future__ import annotations

import argparse
import logging
import multiprocessing
import statistics
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path

from netmiko import ConnectHandler

from clos.controller.migrate.discover.inventory import Host
from clos.controller.migrate.discover.ssh import Access, discover
from tests.support.replayed_device import PASSWORD, USER, Replay, served

LINES = 400
"""Of the running-config, the routes, and the MAC and ARP tables of a device."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--devices", type=int, default=100)
    parser.add_argument("--serial", type=int, default=5, help="Devices that netmiko alone is timed with.")
    parser.add_argument("--think", type=float, default=0.1, help="Seconds before each answer.")
    parser.add_argument("--parallel", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        known = Path(directory) / "known_hosts"
        ours, theirs = multiprocessing.Pipe()
        process = multiprocessing.get_context("spawn").Process(
            target=_serve, args=(asked.devices, asked.think, known, theirs), daemon=True
        )
        process.start()
        try:
            _measure(asked, known, ours.recv())
        finally:
            ours.send("end")
            process.join(30)


def _serve(many: int, think: float, known: Path, pipe: Connection) -> None:
    """Serve the devices until told to end; sessions that are ended while the last words are sent are no news."""
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    devices = [Replay(f"sw{number}", _outputs(number), think=think) for number in range(many)]
    with served(devices, known) as ports:
        pipe.send(ports)
        pipe.recv()


def _outputs(number: int) -> dict[str, str]:
    vlans = "".join(f"vlan {vlan}\n name v{vlan}\n" for vlan in range(2, LINES // 4))
    ports = "".join(f"interface GigabitEthernet1/0/{n}\n switchport mode access\n" for n in range(1, 49))
    table = "".join(f"  10    0011.2233.{n:04x}    DYNAMIC     Gi1/0/1\n" for n in range(LINES))
    arp = "".join(
        f"Internet  10.0.{n // 250}.{n % 250 + 1}   7   0011.2233.{n:04x}  ARPA   Vlan10\n" for n in range(LINES)
    )
    routes = "".join(
        f"D        10.{n // 250}.{n % 250}.0/24 [90/3072] via 10.9.9.9, 1d02h, Vlan10\n" for n in range(LINES)
    )
    return {
        "show running-config": f"hostname sw{number}\n{vlans}{ports}"
        "interface Vlan10\n ip address 10.0.0.1 255.0.0.0\nend\n",
        "show version": "Cisco IOS Software, C3750 Software (C3750-M), Version 15.2(4)E8, RELEASE SOFTWARE (fc3)\n",
        "show mac address-table": f"Vlan    Mac Address       Type        Ports\n{table}",
        "show ip arp": f"Protocol  Address          Age (min)  Hardware Addr   Type   Interface\n{arp}",
        "show ip route": f"Gateway of last resort is not set\n\n{routes}",
    }


def _measure(asked: argparse.Namespace, known: Path, ports: dict[str, int]) -> None:
    hosts = tuple(Host(name, "127.0.0.1", port) for name, port in ports.items())
    access = Access(USER, PASSWORD, known_hosts=known)
    ours, collected = [], ()
    for _ in range(asked.rounds):
        begun = time.perf_counter()
        collected = discover(hosts, access, asked.parallel, lambda one: None)
        ours.append(time.perf_counter() - begun)
    failed = [one.failed for one in collected if one.failed]
    if failed:
        raise SystemExit(f"{len(failed)} devices were not read whole: {failed[0]}")
    commands = [output.command for output in collected[0].outputs]
    theirs = []
    for host in hosts[: asked.serial]:
        begun = time.perf_counter()
        answers = _netmiko(host, known, commands)
        theirs.append(time.perf_counter() - begun)
        mine = {
            output.command: output.text for output in next(one for one in collected if one.name == host.name).outputs
        }
        wrong = [command for command, text in answers.items() if text.split() != mine[command].split()]
        if wrong:
            raise SystemExit(f"{host.name}: the answers to {', '.join(wrong)} differ")
    each, took = statistics.median(theirs), statistics.median(ours)
    serial = each * len(hosts)
    print(f"{len(hosts)} devices, {len(commands)} commands each, answered after {asked.think * 1000:.0f} ms")
    print(f"  discovery, {asked.parallel} at once        {took:.2f} s (median of {asked.rounds})")
    print(f"  netmiko, one after another   {serial:.1f} s ({each:.2f} s a device, median of {len(theirs)})")
    print(f"  {serial / took:.1f} x as fast")


def _netmiko(host: Host, known: Path, commands: list[str]) -> dict[str, str]:
    """A session as netmiko's documentation has it."""
    with ConnectHandler(
        device_type="cisco_ios", host=host.address, port=host.port, username=USER, password=PASSWORD,
        ssh_strict=True, alt_host_keys=True, alt_key_file=str(known),
    ) as session:  # fmt: skip
        return {command: session.send_command(command, read_timeout=60) for command in commands}


if __name__ == "__main__":
    main()
