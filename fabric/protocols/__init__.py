"""Network protocols without I/O: packets and state machines. Must not know: sockets, clocks, switches."""
