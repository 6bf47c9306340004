"""The switches of a running fabric: inventory, reconciliation, onboarding."""
