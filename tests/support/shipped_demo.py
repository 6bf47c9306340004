"""The shipped demonstration as values: its topology and its intent."""

from __future__ import annotations

from clos.controller.intent import load_intent, load_topology
from tests.support.cli_run import ROOT

DEMO = load_topology(ROOT / "topologies/demo.yaml").topology
SHIPPED = load_intent([ROOT / "intents/demo.yaml"], DEMO).intent
