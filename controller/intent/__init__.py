"""Intents: YAML in, a checked ``Intent`` and ``Topology`` out, or every problem at once, each at its place."""

from controller.intent.check import check
from controller.intent.load import Loaded, Loader, load_intent
from controller.intent.problem import Problem
from controller.intent.reference import json_schema
from controller.intent.source import Text
from controller.intent.topology_file import LoadedTopology, dump, keep_identities, load_topology

__all__ = [
    "Loaded",
    "LoadedTopology",
    "Loader",
    "Problem",
    "Text",
    "check",
    "dump",
    "json_schema",
    "keep_identities",
    "load_intent",
    "load_topology",
]
