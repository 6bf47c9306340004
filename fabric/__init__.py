"""What a network is and does: topology, packets, OpenFlow 1.3 rules and what they mean.

Pure: the standard library and networkx only. Knows no sockets, no clock, no files.
"""
