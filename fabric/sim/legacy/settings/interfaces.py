"""Lines about interfaces: which there are, their addresses, access lists and port-channels.

Lives here: what IOS refuses on a port of the wrong kind, and what one line makes beside itself.
Must not know: what a setting does to the network.
"""

from __future__ import annotations

from dataclasses import replace

from clos.fabric.sim.legacy.grammar import INVALID
from clos.fabric.sim.legacy.names import name_order, split_name
from clos.fabric.sim.legacy.settings.lines import set_line
from clos.fabric.sim.legacy.settings.request import Request, Result, row_of
from clos.fabric.sim.legacy.tree import Line, placed, without

VIRTUAL = ("Vlan", "Loopback", "Port-channel")


def set_interface(request: Request) -> Result:
    """Virtual interfaces come and go; physical ones are there, and none other can be made."""
    name = request.match.arguments[0]
    virtual = split_name(name)[0] in VIRTUAL or ("." in name and name.partition(".")[0] in request.chassis.ports)
    if not virtual and name not in request.chassis.ports:
        return request.tree, INVALID
    if request.negated and not virtual:
        return request.tree, "% You may not delete physical interfaces.\n"
    return set_line(request)


def set_address(request: Request) -> Result:
    """The primary address in place of the last one; none on a port that switches."""
    if not request.negated and _switches(request):
        return request.tree, "\n% IP addresses may not be configured on L2 links.\n"
    if not request.negated:
        mask = request.match.arguments[1]
        if not _is_mask(mask):
            return request.tree, f"Bad mask {mask} for address {request.match.arguments[0]}\n"
        return set_line(request)
    if request.match.words[-1] == "secondary":
        return request.kept(lambda lines: without(lines, lambda line: line.text == request.match.text)), ""
    return request.kept(lambda lines: without(lines, lambda line: line.text.startswith("ip address "))), ""


def _switches(request: Request) -> bool:
    name = request.path[-1].split()[-1] if request.path else ""
    layer3 = request.chassis.routed or split_name(name)[0] in {"Vlan", "Loopback", "Serial"} or "." in name
    return not layer3 and not any(line.text == "no switchport" for line in request.block)


def _is_mask(text: str) -> bool:
    bits = "".join(f"{int(part):08b}" for part in text.split("."))
    return "01" not in bits and "1" in bits


def set_group(request: Request) -> Result:
    """One access list a direction, whatever its name."""
    direction = request.match.words[-1]
    tree = request.kept(
        lambda lines: without(
            lines, lambda line: line.text.startswith("ip access-group ") and line.text.endswith(f" {direction}")
        )
    )
    if request.negated:
        return tree, ""
    return set_line(replace(request, tree=tree))


def set_channel(request: Request) -> Result:
    """A port that joins a port-channel makes it, where there is none."""
    tree, _ = set_line(request)
    if request.negated:
        return tree, ""
    name = f"Port-channel{request.match.arguments[0]}"
    if any(line.key == f"interface {name}" for line in tree):
        return tree, ""
    made = Line(f"interface {name}", f"interface {name}", (row_of("interface"), *name_order(name)))
    return placed(tree, made), f"Creating a port-channel interface {name.replace('channel', 'channel ')}\n"
