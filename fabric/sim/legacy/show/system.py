"""``show running-config``, ``startup-config``, ``version``, ``inventory``, ``archive``, ``clock``, ``logging``."""

from __future__ import annotations

from collections.abc import Iterator

from clos.fabric.sim.clock import SECOND
from clos.fabric.sim.legacy.device import LegacyDevice
from clos.fabric.sim.legacy.grammar import Match
from clos.fabric.sim.legacy.show.software import image_name, software
from clos.fabric.sim.legacy.show.words import text_of, uptime
from clos.fabric.sim.legacy.tree import Tree, block, render, value

_DAYS = "%H:%M:%S UTC %a %b %-d %Y"


def running_config(device: LegacyDevice, match: Match) -> str:
    """The whole of it, or one interface's section."""
    if match.arguments:
        return _one_interface(device, match.arguments[0])
    body = text_of(_config(device, device.running))
    return f"Building configuration...\n\nCurrent configuration : {len(body)} bytes\n{body}\n"


def startup_config(device: LegacyDevice, match: Match) -> str:
    if device.startup == ():
        return "startup-config is not present\n"
    body = text_of(_config(device, device.startup))
    return f"Using {len(body)} out of 524288 bytes\n{body}\n"


def _config(device: LegacyDevice, tree: Tree) -> Iterator[str]:
    when, who = device.changed
    yield "!"
    if when:
        yield f"! Last configuration change at {device.at(when):{_DAYS}} by {who}"
        yield "!"
    yield f"version {device.hardware.version.partition('(')[0]}"
    yield from (line for line in render(tree) if not line.startswith("version "))
    yield "!"
    yield "end"


def _one_interface(device: LegacyDevice, name: str) -> str:
    lines = [line for line in device.running if line.key == f"interface {name}"]
    if not lines:
        return "% Invalid interface\n"
    body = text_of([*(line for line in render(tuple(lines)) if line != "!"), "end"])
    return f"Building configuration...\n\nCurrent configuration : {len(body)} bytes\n!\n{body}\n"


def version(device: LegacyDevice, match: Match) -> str:
    """The lines from which others read a device's version, model and serial number."""
    hardware, boot = device.hardware, device.at(device.since)
    gigabit = sum("Gigabit" in port for port in hardware.ports)
    lines = [
        *software(device),
        "",
        "ROM: Bootstrap program is a simulated boot loader",
        "",
        f"{device.hostname} uptime is {uptime((device.clock.now - device.since) // SECOND)}",
        "System returned to ROM by reload",
        f"System restarted at {boot:{_DAYS}}",
        f'System image file is "flash:{image_name(device).lower()}-universalk9-mz.bin"',
        "",
        f"cisco {hardware.model} (PowerPC405) processor (revision A0) with 262144K bytes of memory.",
        f"Processor board ID {hardware.serial}",
        f"{gigabit} Gigabit Ethernet interfaces",
        "512K bytes of flash-simulated non-volatile configuration memory.",
    ]
    if not hardware.router:
        lines.append(f"Base ethernet MAC Address       : {hardware.mac.to_bytes(6).hex(':').upper()}")
        lines.append(f"Model number                    : {hardware.model}")
        lines.append(f"System serial number            : {hardware.serial}")
    return text_of([*lines, "Configuration register is 0xF", ""])


def inventory(device: LegacyDevice, match: Match) -> str:
    hardware = device.hardware
    return text_of(
        [
            f'NAME: "1", DESCR: "{hardware.model}"',
            f"PID: {hardware.model:<18}, VID: V01  , SN: {hardware.serial}",
            "",
        ]
    )


def archive(device: LegacyDevice, match: Match) -> str:
    path = value(block(device.running, ("archive",)), "path")
    if path is None:
        return "Archive feature not enabled\n"
    lines = [
        f"The maximum archive configurations allowed is {value(block(device.running, ('archive',)), 'maximum') or 10}.",
        f"The next archive file will be named {path}-{len(device.archives) + 1}",
        " Archive #  Name",
    ]
    last = len(device.archives)
    lines += [f"   {at:<9}{path}-{at}{' <- Most Recent' if at == last else ''}" for at in range(1, last + 1)]
    return text_of(lines)


def clock(device: LegacyDevice, match: Match) -> str:
    return f"*{device.time:%H:%M:%S}.{device.time.microsecond // 1000:03d} UTC {device.time:%a %b %-d %Y}\n"


def logging(device: LegacyDevice, match: Match) -> str:
    head = ("Syslog logging: enabled (0 messages dropped, 0 flushes, 0 overruns)", "", "Log Buffer (8192 bytes):", "")
    return text_of([*head, *device.log])
