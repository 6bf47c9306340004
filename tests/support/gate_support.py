"""What the tests of the proof gate share: a rule that leaks, and intents read from documents."""

from __future__ import annotations

from clos.controller.intent import load_intent
from clos.fabric.dataplane.action import Output
from clos.fabric.dataplane.match import Match
from clos.fabric.dataplane.rule import Instructions, Rule
from tests.support.daemon_harness import FABRIC

LEAK = Rule(0, 9999, Match.of(in_port=11), Instructions(write=(Output(12),)), 0xC105 << 48)
"""On a leaf: whatever comes in by port 11 goes out by port 12."""


def intent_of(sources):
    intent, problems = load_intent(sources, FABRIC)
    assert not problems
    return intent
