"""Atoms and classes of real forwarding tables: how many, how fast, and how fast a route more or less is taken in.

    python -m benchmarks.fib FILE...

A file has lines ``device destination length port``, the destination a decimal number. The peer, in the same run: cut
the address space at every prefix and look each piece up on every device, one length after another, as a router without
a trie would.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Mapping
from pathlib import Path
from random import Random

from benchmarks.algorithms.prefix_classes import Forwarding, Ports, Route
from benchmarks.timed import timed

ROUNDS, EDITS = 7, 2_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
    for path in parser.parse_args().files:
        _measure(path)


def tables_of(text: str) -> dict[str, list[Route]]:
    """The routes of each device, in the order of the text. Raises ValueError: a line that has not four words."""
    words = text.split()
    tables: dict[str, list[Route]] = {device: [] for device in words[::4]}
    for device, prefix, length, port in zip(
        words[::4], map(int, words[1::4]), map(int, words[2::4]), words[3::4], strict=True
    ):
        tables[device].append((prefix, length, port))
    return tables


def _measure(path: Path) -> None:
    tables, read = timed(lambda: tables_of(path.read_text()), ROUNDS)
    net, made = timed(lambda: Forwarding(tables), ROUNDS)
    _, whole = timed(lambda: Forwarding(tables_of(path.read_text())), ROUNDS)
    plain, peer = timed(lambda: _plain(tables), 1)
    if (net.atoms, len(net)) != plain:
        raise SystemExit(f"{path.name}: the peer finds {plain}, not {(net.atoms, len(net))} atoms and classes")
    routes = sum(map(len, tables.values()))
    print(f"{path.name}: {routes:,} routes, {len(tables)} devices: {net.atoms:,} atoms, {len(net):,} classes")
    print(f"  reading the file      {read}")
    print(f"  atoms and classes     {made}; {made.over(read)} reading")
    print(f"  both                  {whole}")
    print(f"  peer, after reading   {peer}; {peer.over(made)} ours")
    _edit(net, tables, min(made.processor))


def _edit(net: Forwarding, tables: Mapping[str, list[Route]], fresh: float) -> None:
    """Take random routes away and put them back, one by one."""
    held = [(device, route) for device, table in tables.items() for route in table]
    chosen = Random(1).sample(held, min(EDITS, len(held)))
    classes = net.classes()
    for name, change in (("a route removed", net.remove), ("a route inserted", net.insert)):
        times = []
        for device, route in chosen:
            start = time.perf_counter()
            change(device, route)
            times.append(time.perf_counter() - start)
        median, worst = statistics.median(times), statistics.quantiles(times, n=100)[98]
        print(f"  {name:<20}  p50 {median * 1e6:.0f} us, p99 {worst * 1e6:.0f} us; afresh {fresh / median:,.0f} x p50")
    if net.classes() != classes:
        raise SystemExit("the classes are not what they were before the routes went and came back")


def _plain(tables: Mapping[str, list[Route]]) -> tuple[int, int]:
    """Atoms and classes by looking every piece up on every device."""
    held: dict[str, dict[tuple[int, int], Ports]] = {device: {} for device in tables}
    starts = {0}
    for device, table in tables.items():
        for prefix, length, port in table:
            held[device][length, prefix] = held[device].get((length, prefix), frozenset()) | {port}
            starts |= {prefix, prefix + (1 << 32 - length)}
    starts.discard(1 << 32)
    lengths = {device: sorted({length for length, _ in table}, reverse=True) for device, table in held.items()}
    rows = {tuple(_look_up(held[device], lengths[device], start) for device in tables) for start in starts}
    return len(starts), len(rows)


def _look_up(table: Mapping[tuple[int, int], Ports], lengths: list[int], address: int) -> Ports | None:
    for length in lengths:
        ports = table.get((length, address >> 32 - length << 32 - length))
        if ports is not None:
            return ports
    return None


if __name__ == "__main__":
    main()
