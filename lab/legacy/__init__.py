"""A legacy network on real packets, beside a fabric on Open vSwitch."""
