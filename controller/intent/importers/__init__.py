"""Topologies of other tools, read and made a sound topology of ours."""
