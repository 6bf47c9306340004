"""Spanning tree per VLAN, without I/O: BPDUs as bytes, one tree's machine, and a PVST+ switch of many trees."""
