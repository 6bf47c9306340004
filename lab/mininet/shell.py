"""``clos lab shell``: Mininet's command line on a running lab, as a program that joins the lab and owns nothing of it.

    python -m lab.mininet.shell DIRECTORY      (started by lab.cli, inside the lab, in process and mount namespaces
    of its own)

Lives here: Mininet nodes that are shells in namespaces that exist already, and ``iperf`` with an end. Must not know:
how a lab is built. The lab's keeper has no part in it, so that other commands go on; with the terminal's process the
kernel ends all that was started here.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from mininet.cli import CLI
from mininet.log import error, output, setLogLevel
from mininet.net import Mininet
from mininet.node import Host

from clos.lab.mininet.keeper import ordered
from clos.lab.mininet.layout import Layout
from clos.lab.mininet.network import ClosTopo, LabSwitch, MadeLink

NODES = "nodes"
"""Where, in the lab's directory and for this program only, the lab's /proc is seen: the way to nodes' namespaces."""
PORT, SECONDS, PATIENCE = 5001, 5, 10
"""Of iperf: its port, how long it sends, and how long it may take besides."""


class Joined(Host):  # type: ignore[misc]
    """A host that runs already: its shell enters the network namespace in the file ``net``."""

    def __init__(self, name: str, net: str, **options: Any) -> None:
        self._net = net
        super().__init__(name, **{**options, "inNamespace": False})

    def _popen(self, cmd: list[str], **params: Any) -> Any:
        return super()._popen(["nsenter", f"--net={self._net}", "--", *cmd], **params)


def joined(layout: Layout, nodes: dict[str, int], proc: Path) -> Any:
    """The running network as Mininet sees it; nothing is made or changed."""
    Mininet.inited = True
    net = Mininet(
        ClosTopo(layout, cabled=False), switch=_switch, controller=None, build=False,
        host=lambda name, **o: Joined(name, str(proc / str(nodes[name]) / "ns/net"), **o), waitConnected=False,
    )  # fmt: skip
    net.buildFromTopo(net.topo)
    for cable in layout.cables:
        (a, port_a, name_a), (b, port_b, name_b) = cable.a, cable.b
        net.addLink(a, b, port_a, port_b, cls=MadeLink, intfName1=name_a, intfName2=name_b, up=None)
    for station in layout.stations:
        interface, (ip, _, prefix) = net[station.name].defaultIntf(), station.address.partition("/")
        interface.ip, interface.prefixLen, interface.mac = ip or None, prefix, net[station.name].params.get("mac")
    return net


def _switch(name: str, **options: Any) -> LabSwitch:
    """No class, of which Mininet would ask more (whether it starts in batches)."""
    return LabSwitch(name, **options)


class Shell(CLI):  # type: ignore[misc]
    """Mininet's own, but for ``iperf``, which there waits for ever where no policy permits it."""

    prompt = "lab> "
    identchars = CLI.identchars + "-."  # of hosts' names

    def do_iperf(self, line: str) -> None:
        """The rate of TCP between two hosts: iperf CLIENT SERVER [PORT]"""
        words = line.split()
        if len(words) not in (2, 3):
            error("iperf CLIENT SERVER [PORT]\n")
        else:
            self._rate(*words)

    def do_iperfudp(self, line: str) -> None:
        """How much UDP of a rate arrives: iperfudp RATE CLIENT SERVER [PORT], as in iperfudp 10M web1 app1"""
        words = line.split()
        if len(words) not in (3, 4) or not re.fullmatch(r"\d+(\.\d+)?[kKmMgG]?", words[0]):
            error("iperfudp RATE CLIENT SERVER [PORT]\n")
        else:
            rate, source, target, port = [*words, str(PORT)][:4]
            self._rate(source, target, port, rate)

    def _rate(self, source: str, target: str, port: str = str(PORT), udp: str = "") -> None:
        if strange := [name for name in (source, target) if name not in self.mn]:
            error(f"{strange[0]}: no such host\n")
        elif not port.isdecimal():
            error(f"{port}: not a port\n")
        else:
            output(measured(self.mn[source], self.mn[target], int(port), udp) + "\n")


def measured(client: Any, server: Any, port: int, udp: str = "") -> str:
    """What iperf says; where nothing comes through, so, after PATIENCE seconds at most."""
    if not client.cmd("command -v iperf").strip():
        return "iperf is not installed: apt-get install iperf"
    kind, flags, listing = ("udp", f"-u -b {udp}", "-lun") if udp else ("tcp", "", "-ltn")
    server.cmd(f"iperf -s {'-u' if udp else ''} -p {port} > /dev/null 2>&1 &")
    server.cmd(f"for i in $(seq 100); do ss {listing} | grep -q ':{port} ' && break; sleep 0.05; done")
    try:
        words = f"timeout -s KILL {SECONDS + PATIENCE} iperf -f m -t {SECONDS} -p {port} -c {server.IP()} {flags}"
        told = str(client.cmd(words))
    finally:
        server.cmd("kill -9 %%; wait %% 2> /dev/null")
    rates = re.findall(r"([\d.]+ Mbits/sec.*)", told.partition("Server Report" if udp else "Client connecting")[2])
    if not rates:
        return f"nothing came back: may {client.name} talk to {server.name} with {kind}/{port}? {_last(told)}".strip()
    return f"{client.name} -> {server.name} {kind}/{port}: {' '.join(rates[-1].split())}"


def _last(told: str) -> str:
    return next((f"(iperf: {line.strip()})" for line in reversed(told.splitlines()) if re.search("[a-z]", line)), "")


def main() -> None:
    directory = Path(sys.argv[1])
    proc = directory / NODES
    proc.mkdir(exist_ok=True)
    for words in (("--rbind", "/proc", str(proc)), ("-t", "proc", "proc", "/proc")):
        subprocess.run(["mount", *words], check=True)
    order, ready = (json.loads((directory / name).read_text()) for name in ("order.json", "ready.json"))
    layout = ordered(order)
    setLogLevel("info")
    os.environ.setdefault("HOME", "/root")
    Shell(joined(layout, ready["nodes"], proc))


if __name__ == "__main__":
    main()
