"""``migrate predict``: spanning trees of a discovered network, what a change does to them, routes and gateways."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from clos.controller.cli.answer import FAILED, OK, UNCHECKED, Answer, Json, answering, usage
from clos.controller.cli.render.routing import eigrp_json, gateways_json, routing_lines
from clos.controller.cli.render.text import columns, count
from clos.controller.migrate.discover.files import NoOutputs, load
from clos.controller.migrate.discover.names import vlan_text
from clos.controller.migrate.model import Network
from clos.controller.migrate.predict.eigrp import predict_eigrp
from clos.controller.migrate.predict.gateway import predict_gateways
from clos.controller.migrate.predict.spanning_tree import Tree, predict
from clos.controller.migrate.predict.stp_changes import FORMS, BadChange, changed, vlan_list
from clos.controller.migrate.predict.stp_fates import Key
from clos.controller.migrate.predict.stp_moves import Move, moves, new_loops

if TYPE_CHECKING:
    from rich.text import Text

Trees = Mapping[int, Tree]
_ASSUMED = 10
"""Lines of assumptions in text; JSON has all."""


@answering
def predict_(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="Where outputs were kept.")],
    vlan: Annotated[str | None, typer.Option("--vlan", metavar="LIST", help="Only these VLANs: 10,20-29.")] = None,
    change: Annotated[
        list[str] | None,
        typer.Option("--change", metavar="CHANGE", help=f"A change to predict, several in order: {'; '.join(FORMS)}."),
    ] = None,
) -> Answer:
    """Predict the spanning tree of each VLAN, which root ports a change moves, EIGRP routes and HSRP gateways.

    Exits with 1 when a root port moves on a path in use, or frames would go round; with 3 when nothing can be said of a
    VLAN.
    """
    network = _network(directory)
    try:
        vlans = None if vlan is None else vlan_list(vlan)
        after = _after(network, change or [])
    except BadChange as fault:
        raise usage(str(fault)) from None
    before, then = predict(network, vlans), predict(after, vlans)
    if nowhere := [tree.vlan for tree in then.values() if vlans and not tree.roots and not tree.unknown]:
        raise usage(f"--vlan {vlan_text(nowhere)}: no switch has a tree there")
    moved = moves(network, before, then) if change else ()
    loops = new_loops(before if change else {}, then)
    refuted = any(move.live for move in moved) or loops
    unknown = any(tree.unknown for tree in then.values())
    code = FAILED if refuted else UNCHECKED if unknown else OK
    eigrp, gateways = predict_eigrp(after), predict_gateways(after)
    document = {**_json(then, moved, loops), "eigrp": eigrp_json(eigrp), "gateways": gateways_json(gateways)}
    lines = (*_lines(then, moved, loops, bool(change)), *routing_lines(eigrp, gateways))
    return Answer(document, lambda: iter(lines), code)


def _network(directory: Path) -> Network:
    try:
        return load(directory)
    except NoOutputs as fault:
        raise usage(str(fault)) from None
    except OSError as fault:
        raise usage(f"{fault.filename or directory} cannot be read: {fault.strerror}") from None


def _after(network: Network, changes: list[str]) -> Network:
    for text in changes:
        network = changed(network, text)
    return network


def _json(trees: Trees, moved: tuple[Move, ...], loops: tuple[int, ...]) -> Json:
    return {
        "vlans": [
            {
                "vlan": tree.vlan,
                "roots": list(tree.roots),
                "root_ports": {name: tree.root_port(name) for name in tree.layout.paths},
                "root_costs": {name: path.cost for name, path in tree.layout.paths.items()},
                "ports": [_port_json(key, tree) for key in sorted(tree.layout.ports)],
                "loops": [list(key) for key in tree.layout.loops],
                "assumed": list(tree.layout.assumed),
                "unknown": list(tree.unknown),
            }
            for tree in trees.values()
        ],
        "moves": [move._asdict() for move in moved],
        "new_loops": list(loops),
    }


def _port_json(key: Key, tree: Tree) -> Json:
    fate = tree.layout.ports[key]
    return {"device": key[0], "port": key[1], "role": fate.role, "state": fate.state, "inconsistent": fate.inconsistent}


def _lines(trees: Trees, moved: tuple[Move, ...], loops: tuple[int, ...], changes: bool) -> Iterator[Text | str]:
    yield from _tree_lines(trees)
    yield from _unknown_lines(trees)
    assumed = sorted({text for tree in trees.values() for text in tree.layout.assumed})
    yield from (f"assumed: {text}" for text in assumed[:_ASSUMED])
    if len(assumed) > _ASSUMED:
        yield f"assumed: {len(assumed) - _ASSUMED} more (--json has all)"
    if loops:
        yield f"loop: in VLANs {vlan_text(loops)} frames go round; a BPDU filter hides a cable from the tree"
    if not changes:
        return
    live = [move for move in moved if move.live]
    yield from _move_lines(moved)
    many = count(len({move.device for move in live}), "device")
    known = count(sum(not tree.unknown for tree in trees.values()), "VLAN")
    yield (
        f"{count(len(live), 'root port')} of {many} moves on paths in use."
        if live
        else (f"No root port moves on a path in use, in {known}.")
    )


def _tree_lines(trees: Trees) -> Iterator[Text | str]:
    """VLANs with the same roots and blocked ports on one row."""
    groups: dict[tuple[str, str], list[int]] = {}
    for tree in trees.values():
        if not tree.unknown:
            blocked = ", ".join(_blocked(tree, key) for key in sorted(tree.blocked))
            groups.setdefault((", ".join(tree.roots), blocked or "none"), []).append(tree.vlan)
    if groups:
        rows = [("VLANs", "root", "blocked ports")]
        rows += [(vlan_text(vlans), root, blocked) for (root, blocked), vlans in groups.items()]
        yield from columns(rows)


def _blocked(tree: Tree, key: Key) -> str:
    fate = tree.layout.ports[key]
    return f"{key[0]} {key[1]} ({fate.inconsistent or fate.role})"


def _unknown_lines(trees: Trees) -> Iterator[str]:
    groups: dict[str, list[int]] = {}
    for tree in trees.values():
        for reason in tree.unknown:
            groups.setdefault(reason, []).append(tree.vlan)
    for reason, vlans in groups.items():
        yield f"cannot say: VLANs {vlan_text(vlans)}: {reason}"


def _move_lines(moved: tuple[Move, ...]) -> Iterator[str]:
    groups: dict[tuple[object, ...], list[int]] = {}
    for vlan, *rest in moved:
        groups.setdefault(tuple(rest), []).append(vlan)
    for (device, before, after, seconds, live), vlans in groups.items():
        use = "" if live else ", on no path in use"
        if seconds is None:
            text = f"loses its root, behind {before}" if before else "is the root no longer of those it was"
        else:
            text = f"root port {before or 'none (root)'} -> {after or 'none (root)'}, no frames for {seconds} s"
        yield f"VLANs {vlan_text(vlans)}: {device}: {text}{use}"
