"""The cabling as switches hear it by LLDP, compared with the topology."""
