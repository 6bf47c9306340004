"""Topology files: YAML to a checked Topology, and back to text."""
