"""Probes in words and as JSON: pairs of endpoints with what was delivered; a covering set and what it leaves out.

Must not know: how probes are made or sent.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from rich.text import Text

from clos.controller.cli.answer import FAILED, OK, Answer, Json
from clos.controller.cli.render.text import columns, count, some
from clos.controller.explain.register_names import Names, table_name
from clos.controller.probe.cover import Cover
from clos.controller.probe.coverage import Bucket, Down, Entry
from clos.controller.probe.gather import Candidate
from clos.controller.probe.report import Verdict
from clos.controller.probe.simulated import Counted
from clos.controller.probe.uncovered import Uncovered
from clos.fabric.dataplane.match import Match


def probes_answer(verdicts: Sequence[Verdict], every: bool) -> Answer:
    """Verdicts as an answer: by pair for people, one by one as JSON."""
    wrong = [verdict for verdict in verdicts if not verdict.agrees]
    passed = sum(verdict.delivered for verdict in verdicts)

    def lines() -> Iterator[Text | str]:
        yield f"{count(len(verdicts), 'probe')}, {passed:,} delivered, {len(wrong):,} against the intents"
        yield from by_pair(verdicts, every)
        yield from (Text(str(verdict), "red") for verdict in wrong)

    data = {"agree": not wrong, "delivered": passed, "probes": [verdict.row() for verdict in verdicts]}
    return Answer(data, lines, FAILED if wrong else OK)


def by_pair(verdicts: Iterable[Verdict], every: bool) -> Iterator[Text | str]:
    """A line for each pair: what was delivered, and where the rest was stopped."""
    pairs: dict[tuple[str, str], list[Verdict]] = {}
    for one in verdicts:
        pairs.setdefault((one.question.source.name, one.question.target.name), []).append(one)
    rows = [("from", "to", "delivered", "stopped")]
    for (source, target), told in pairs.items():
        passed = some([str(one.question.service) for one in told if one.delivered], 6)
        if passed or every:
            rows.append((source, target, passed or "nothing", _stops(one for one in told if not one.delivered)))
    yield from columns(rows)
    silent = [one for told in pairs.values() if not any(v.delivered for v in told) for one in told]
    if silent and not every:
        yield f"No other pair exchanges packets (--all lists them): {_stops(silent)}"


def _stops(verdicts: Iterable[Verdict]) -> str:
    """``10 at table 5 policy``; by table, whatever the switch."""
    tables = Counter(one.stopped.partition(" ")[2] for one in verdicts)
    return ", ".join(f"{number:,} at {table}" for table, number in sorted(tables.items()))


ABSENT = "no endpoint at the switch matches "


class Proof(NamedTuple):
    """What counters say of a covering set. ``uncounted``: met by the evaluator's account, and not counted."""

    uncounted: tuple[Entry, ...]
    astray: int
    """Probes that did not arrive where they should have, or did where they should not."""


def uncounted(found: Cover, counts: dict[str, Counted]) -> Iterator[Entry]:
    """Entries that the covering set meets, and whose counters say it did not."""
    for number in sorted(frozenset[int]().union(*(one.meeting.met for one in found.chosen))):
        entry = found.entries.all[number]
        here = counts[entry.switch]
        seen = here.buckets.get(entry.what, 0) if isinstance(entry.what, Bucket) else here.rules.get(entry.what.key, 0)
        if not seen:
            yield entry


def cover_answer(found: Cover, proof: Proof, names: Names, every: bool = False) -> Answer:
    """The covering set, what it covers in percent, and what it leaves and why; ``every``: each of these by name."""
    sound = not proof.uncounted and not proof.astray
    rules, buckets = (_share(found, kind, proof) for kind in (False, True))

    def lines() -> Iterator[Text | str]:
        yield f"{count(len(found.for_rules), 'probe')} meet {rules}"
        yield f"  lower bound {found.bound:,}: that many rules, no two of which one candidate packet can match"
        yield f"{count(len(found.for_buckets), 'probe')} more meet {buckets}"
        yield from (f"  with {state}: {count(len(some_), 'probe')}" for state, (_, some_) in _broken(found).items())
        yield "Not covered, and why:"
        yield from columns(_reasons(found.unmet, names), right=(0,), indent=2)
        for one in found.unmet if every else ():
            yield f"not met: {entry_text(one.entry, names)}: {why_text(one, names)}"
        yield from (Text(f"not counted: {entry_text(entry, names)}", "red") for entry in proof.uncounted)
        if proof.astray:
            yield Text(f"{count(proof.astray, 'probe')} ended elsewhere than computed", "red")

    return Answer(_cover_json(found, proof, names), lines, OK if sound else FAILED)


def _broken(found: Cover) -> dict[str, tuple[Down, tuple[Candidate, ...]]]:
    return {state: row for state, row in found.rounds().items() if state}


class Share(NamedTuple):
    """How many of all entries of a kind were counted; ``idle``: those that no packet can meet."""

    counted: int
    all: int
    idle: int
    kind: str

    @property
    def percent(self) -> float:
        """Of those that a packet can meet, as far as is known."""
        return 100.0 * self.counted / max(1, self.all - self.idle)

    def __str__(self) -> str:
        plain = f"{self.counted:,} of {self.all:,} {self.kind}"
        return f"{plain}: {self.percent:.1f} % of the {self.all - self.idle:,} that a host's packet can meet"


def _share(found: Cover, buckets: bool, proof: Proof) -> Share:
    entries = found.entries.buckets if buckets else found.entries.rules
    unmet = [one for one in found.unmet if isinstance(one.entry.what, Bucket) is buckets]
    missed = len(unmet) + sum(isinstance(entry.what, Bucket) is buckets for entry in proof.uncounted)
    idle = sum(one.why.sure for one in unmet)
    return Share(len(entries) - missed, len(entries), idle, "buckets" if buckets else "rules")


def _reasons(unmet: Iterable[Uncovered], names: Names) -> list[tuple[str, str, str]]:
    """How many, of what, and why; the most first."""
    found: dict[tuple[str, str], list[Uncovered]] = {}
    for one in unmet:
        kind = "buckets" if isinstance(one.entry.what, Bucket) else f"rules of {_table(one.entry, names)}"
        found.setdefault((kind, ABSENT if one.why.term is not None else one.why.text), []).append(one)
    rows = sorted(found.items(), key=lambda row: -len(row[1]))
    return [(f"{len(entries):,}", kind, why + _where(why, entries, names)) for (kind, why), entries in rows]


def _where(why: str, entries: Sequence[Uncovered], names: Names) -> str:
    """Who is not there, or on which switches it is so."""
    if why == ABSENT:
        lacking = Counter(_lacking(one, names) for one in entries)
        return some([f"{name} ({number:,})" for name, number in lacking.most_common()], 3)
    return "" if entries[0].why.sure else f" ({some(sorted({one.entry.switch for one in entries}))})"


def _lacking(one: Uncovered, names: Names) -> str:
    return names.match(Match.trusted(() if one.why.term is None else (one.why.term,)))


def _table(entry: Entry, names: Names) -> str:
    return "" if entry.rule is None else table_name(names.topology, entry.switch, entry.rule.table)


def why_text(one: Uncovered, names: Names) -> str:
    return one.why.text if one.why.term is None else f"{ABSENT}{_lacking(one, names)}"


def entry_text(entry: Entry, names: Names) -> str:
    """``leaf1/5 #30000 source=shop/web,...``."""
    rule = entry.rule
    if rule is None:
        return f"{entry.switch} {entry.what}"
    return f"{entry.switch}/{rule.table} #{rule.priority} {names.match(rule.match)}"


def _cover_json(found: Cover, proof: Proof, names: Names) -> Json:
    rules, buckets = (_share(found, kind, proof) for kind in (False, True))
    return {
        "probes": len(found.for_rules),
        "bound": found.bound,
        "probes_for_buckets": len(found.for_buckets),
        "astray": proof.astray,
        "rules": {"all": rules.all, "counted": rules.counted, "idle": rules.idle, "percent": round(rules.percent, 2)},
        "buckets": {
            "all": buckets.all,
            "counted": buckets.counted,
            "idle": buckets.idle,
            "percent": round(buckets.percent, 2),
        },
        "rounds": [
            {
                "down": sorted(map(str, down)),
                "state": state,
                "probes": [
                    {"at": str(one.probe.at), "what": one.probe.what, "packet": one.probe.packet.to_bytes().hex()}
                    for one in chosen
                ],
            }
            for state, (down, chosen) in found.rounds().items()
        ],
        "unmet": [
            {"entry": entry_text(one.entry, names), "why": why_text(one, names), "sure": one.why.sure}
            for one in found.unmet
        ],
        "uncounted": [entry_text(entry, names) for entry in proof.uncounted],
    }
