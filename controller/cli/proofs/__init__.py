"""What ``clos verify`` proves: the states it is asked about, and their answers with the lines behind them."""
