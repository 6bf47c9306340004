"""The prover: all packets at once, over the very rules that switches hold. Independent of the compiler."""
