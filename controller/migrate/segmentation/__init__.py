"""The segmentation of a legacy network as intents: endpoints, zones, policies, and the proof that they are equal."""
