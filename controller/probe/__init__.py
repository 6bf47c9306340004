"""Probes: packets whose fate shows whether a fabric does what its intents say.

Who sends what to whom (``packets``), what a packet meets on its way (``meet``), which packets meet every rule
(``candidates``, ``craft``, ``cover``), and the simulated fabric they are sent through (``simulated``).
"""
