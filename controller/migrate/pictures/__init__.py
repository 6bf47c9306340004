"""Pictures of a discovered network, as SVG: layer 2 of a VLAN, and layer 3. Must not know: how networks are read."""
