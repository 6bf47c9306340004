"""A small certificate authority: for switches, each bound to its datapath id, and for controllers."""
