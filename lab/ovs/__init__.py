"""A private Open vSwitch: its processes, its control socket, its counters, OpenFlow straight to a bridge."""
