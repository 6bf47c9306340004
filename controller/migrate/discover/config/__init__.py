"""The running-config: a tree by indentation, and what its statements mean."""
