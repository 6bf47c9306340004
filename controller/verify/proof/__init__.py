"""Claims proved or refuted: sender classes checked against the specification, counterexamples, incremental proofs."""
