"""The lab: the same topologies and intents on Open vSwitch, with real packets, compared with what Clos computes.

Two grounds. ``lab.ovs.dummy_datapath`` runs Open vSwitch's dummy datapath: real packets through the real switch, no
root, no
interfaces. ``lab.mininet.network`` runs Mininet in private namespaces: real hosts, real cables, failures by the
millisecond.
Both are probed by the same code. Only this package may import mininet and scapy; nothing imports it but ``clos lab``.
"""
