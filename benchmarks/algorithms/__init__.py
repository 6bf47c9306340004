"""Algorithms that were built and measured, and that no command uses: kept apart from the product, for benchmarks."""
