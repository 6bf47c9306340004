"""What a legacy network will do, computed for the whole network at once. Must not know: the protocols' machines."""
