"""The control socket of a simulated fabric: operations and queries that a running simulator answers."""
