"""Path probes: leaves hand what the controller sends itself through the fabric back to it.

A probe bears the node tag of the leaf it is for, so that spines carry it as they carry everything else; at that leaf it
goes to the controller, metered, and nowhere else. Only in fabrics whose topology says ``probes: true``. Must not know:
who sends them, what is in them.
"""

from __future__ import annotations

from clos.controller.compile.numbering import MAX_METER
from clos.controller.compile.stages import PORT
from clos.fabric.dataplane.action import CONTROLLER, Output
from clos.fabric.dataplane.match import Match
from clos.fabric.dataplane.rule import Band, Instructions, Meter, Rule
from clos.fabric.packet.fields import VID_PRESENT
from clos.fabric.protocols.path_probe import PROBED

PROBE_METER = MAX_METER - 2
"""The meter of what arrives as a probe: a number that is given to no policy."""
PROBE_RATE = 500
"""Frames a second that a leaf hands to the controller as probes."""

TELL = Instructions(meter=PROBE_METER, write=(Output(CONTROLLER),))


def probe_rule(port: int, tag: int, why: int) -> Rule:
    """A probe for this leaf, from this uplink."""
    return PORT.rule(300, Match.of(in_port=port, eth_dst=PROBED, vlan_vid=VID_PRESENT | tag), TELL, why)


def probe_meter() -> Meter:
    return Meter(PROBE_METER, (Band(PROBE_RATE, PROBE_RATE),), packets=True)
