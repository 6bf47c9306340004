"""HSRP (RFC 2281 and Cisco's version 2) without I/O: packets and state machine. Must not know: sockets, clocks."""
