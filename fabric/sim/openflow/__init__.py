"""The OpenFlow agent of a simulated switch: messages in, messages out, and its TCP connection."""
