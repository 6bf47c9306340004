"""Claims under failures: which failures there are, which are equal by symmetry, and what holds in each."""
