"""``clos migrate predict`` over kept outputs: what it prints, and its exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.cli_run import run

TREE = """VLAN0010
  Spanning tree enabled protocol ieee
  Root ID    Priority    4106
             Address     0000.0000.0001
             {root}
             Hello Time   2 sec  Max Age 20 sec  Forward Delay 15 sec

  Bridge ID  Priority    {priority}   (priority {plain} sys-id-ext 10)
             Address     0000.0000.000{number}
             Hello Time   2 sec  Max Age 20 sec  Forward Delay 15 sec
             Aging Time  300 sec

Interface           Role Sts Cost      Prio.Nbr Type
------------------- ---- --- --------- -------- --------------------------------
{ports}
"""
