"""Readers of ``show`` outputs, one module per subject; every line is taken, or named as unparsed."""
