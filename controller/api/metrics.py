"""Metrics for Prometheus: the state of the fabric and its counters, by its conventions for names and units.

Lives here: names, labels, help texts. Must not know: how counters are read. A value is what the watch saw last; a
counter begins anew when a switch installs its rule anew, as counters of Prometheus may.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from prometheus_client import CONTENT_TYPE_LATEST as CONTENT_TYPE
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from clos.controller.daemon.hits import hits
from clos.controller.wire.glance import UNKNOWN

if TYPE_CHECKING:
    from clos.controller.daemon import Daemon

__all__ = ["CONTENT_TYPE", "exposition"]

_PORT = (
    ("receive_packets", "rx_packets", "Packets received."),
    ("transmit_packets", "tx_packets", "Packets sent."),
    ("receive_bytes", "rx_bytes", "Bytes received."),
    ("transmit_bytes", "tx_bytes", "Bytes sent."),
    ("receive_dropped_packets", "rx_dropped", "Packets received and dropped."),
    ("transmit_dropped_packets", "tx_dropped", "Packets dropped instead of being sent."),
    ("receive_errors", "rx_errors", "Errors of reception."),
    ("transmit_errors", "tx_errors", "Errors of transmission."),
)
"""Counters of a port: name, field of OpenFlow (1.3.5 §7.3.5.6), help."""


def exposition(daemon: Daemon) -> bytes:
    """All metrics, in the text format."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Fabric(daemon))
    return generate_latest(registry)


class _Fabric(Collector):
    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon

    def collect(self) -> Iterator[Metric]:
        yield from self._status()
        yield from self._drift()
        yield from self._ports()
        yield from self._paths()
        yield from self._tables()
        yield from self._policies()

    def _status(self) -> Iterator[Metric]:
        status = self._daemon.queries.status()
        yield _gauge("clos_revision", "The revision in force; 0: none.", status.revision)
        yield _gauge("clos_switches_expected", "Switches of the topology.", status.expected)
        yield _gauge("clos_faults", "What went wrong and is not over (clos status).", len(status.faults))
        yield _gauge("clos_links_miscabled", "Links that are not as designed (clos links).", status.miscabled)
        yield _gauge("clos_change_in_progress", "Whether a change is under way.", bool(status.doing))
        labels = ("switch", "role")
        up = GaugeMetricFamily("clos_switch_up", "Whether the switch is connected.", labels=labels)
        line = GaugeMetricFamily("clos_switch_in_sync", "Whether it holds what it should.", labels=labels)
        others = GaugeMetricFamily("clos_switch_foreign_entries", "Entries that Clos did not install.", labels=labels)
        for switch in status.switches:
            where = (switch.name, switch.role)
            up.add_metric(where, switch.connected)
            line.add_metric(where, switch.in_line)
            others.add_metric(where, switch.foreign)
        yield from (up, line, others)

    def _drift(self) -> Iterator[Metric]:
        watch = self._daemon.watch
        drift = GaugeMetricFamily(
            "clos_switch_drift", "Whether another has changed its entries; harm: whether packets notice.",
            labels=("switch", "harm"),
        )  # fmt: skip
        for name, found in sorted(watch.found().items()):
            harm = {True: "yes", False: "no", None: "unknown"}[found.meaning.harm]
            drift.add_metric((name, harm), 1)
        yield drift
        yield _counter("clos_watch_glances", "Looks that the watch took at switches.", watch.glances)
        yield _counter("clos_drift_repairs", "Switches that the watch has repaired.", watch.repairs)

    def _ports(self) -> Iterator[Metric]:
        seen = sorted(self._daemon.watch.seen().items())
        for name, field, text in _PORT:
            family = CounterMetricFamily(f"clos_port_{name}", text, labels=("switch", "port"))
            for switch, glance in seen:
                for port in glance.ports:
                    value = getattr(port, field)
                    if value != UNKNOWN:
                        family.add_metric((switch, _port(port.port)), value)
            yield family

    def _paths(self) -> Iterator[Metric]:
        daemon = self._daemon
        labels = ("leaf_port",)
        sent = CounterMetricFamily("clos_cable_probes", "Path probes sent over a cable.", labels=labels)
        bad = CounterMetricFamily("clos_cable_probes_bad", "Of these, lost, corrupted or late.", labels=labels)
        for cable, (total, wrong) in daemon.gray.counts().items():
            sent.add_metric((str(cable),), total)
            bad.add_metric((str(cable),), wrong)
        at = ("part", "at", "avoided")
        share = GaugeMetricFamily("clos_gray_failure_ratio", "Share of frames that a part spoils.", labels=at)
        for told in daemon.steering.told():
            cause = told.alarm.cause
            where = str(cause.part.at) if cause.part.cable else cause.part.at.switch
            share.add_metric((cause.part.kind, where, "yes" if told.avoided else "no"), cause.share)
        yield from (sent, bad, share)
        yield _gauge("clos_cables_probed", "Cables that are probed now (clos paths).", daemon.gray.probed[0])

    def _tables(self) -> Iterator[Metric]:
        labels = ("switch", "table")
        rules = GaugeMetricFamily("clos_table_rules", "Rules of a table.", labels=labels)
        packets = CounterMetricFamily("clos_table_matched_packets", "Packets its rules have matched.", labels=labels)
        for switch, glance in sorted(self._daemon.watch.seen().items()):
            sums: dict[int, tuple[int, int]] = {}
            for (table, _), counts in glance.hits.items():
                held, matched = sums.get(table, (0, 0))
                sums[table] = held + counts.rules, matched + counts.packets
            for table, (held, matched) in sorted(sums.items()):
                rules.add_metric((switch, str(table)), held)
                packets.add_metric((switch, str(table)), matched)
        yield from (rules, packets)

    def _policies(self) -> Iterator[Metric]:
        compiled = self._daemon.revisions.running.compiled
        if compiled is None:
            return
        found = hits(compiled, self._daemon.watch.seen())
        labels = ("policy", "action")
        packets = CounterMetricFamily("clos_policy_packets", "Packets a policy or share has matched.", labels=labels)
        size = CounterMetricFamily("clos_policy_bytes", "Bytes of them.", labels=labels)
        for line in found.lines:
            where = (line.path, "deny" if line.denies else "allow")
            packets.add_metric(where, line.packets)
            size.add_metric(where, line.bytes)
        yield from (packets, size)
        yield _counter("clos_denied_packets", "Packets dropped because no policy names them.", found.denied.packets)


def _port(number: int) -> str:
    return "local" if number == 0xFFFFFFFE else str(number)


def _gauge(name: str, text: str, value: float) -> Metric:
    family = GaugeMetricFamily(name, text)
    family.add_metric((), value)
    return family


def _counter(name: str, text: str, value: float) -> Metric:
    family = CounterMetricFamily(name, text)
    family.add_metric((), value)
    return family
