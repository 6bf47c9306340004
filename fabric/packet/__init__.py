"""Packets: header fields, the layout of frames, one frame as a value, builders. Must not know: rules, switches."""
