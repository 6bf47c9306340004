"""Evaluator, prover and Open vSwitch compared on the same packets."""
