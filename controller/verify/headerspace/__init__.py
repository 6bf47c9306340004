"""Header space: sets of packets as unions of boxes over atoms of field values, and symbolic header changes."""
