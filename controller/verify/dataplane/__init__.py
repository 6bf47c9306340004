"""OpenFlow 1.3 over sets of packets: tables, groups, one switch, the fabric."""
