"""Analyses of what can never match: rules of single flow tables, and policies of intents."""
