"""The OpenFlow 1.3 data plane as values and pure functions: rules, tables, one switch's step, a packet's walk."""
