"""Change impact: what a change of intents means for packets, as sentences and as exact sets of packets."""
