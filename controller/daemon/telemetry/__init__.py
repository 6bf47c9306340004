"""What is seen of the fabric while it runs: path probes, and gray failures found by them."""
