"""A legacy network and a fabric joined in one virtual time: hosts that move from one to the other, flows."""
