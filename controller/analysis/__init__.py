"""Analyses of single flow tables: rules that can never match."""
