"""The life of a change: candidate, proof gate, apply, recovery."""
