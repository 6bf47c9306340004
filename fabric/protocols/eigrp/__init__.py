"""EIGRP (RFC 7868) without I/O: packets, reliable transport, DUAL. Must not know: sockets, clocks, devices."""
