"""What is measured in the lab: probes, attacks, limits, losses."""
