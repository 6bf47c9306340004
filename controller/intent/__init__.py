"""Intents: YAML in, a checked ``Intent`` and ``Topology`` out, or every problem at once, each at its place."""

from clos.controller.intent.check import check
from clos.controller.intent.load import Loaded, Loader, load_intent
from clos.controller.intent.problem import Problem
from clos.controller.intent.schema.reference import json_schema
from clos.controller.intent.source import Text
from clos.controller.intent.topology.file import LoadedTopology, dump, keep_identities, load_topology

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
