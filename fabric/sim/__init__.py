"""The simulated fabric: switches, hosts and cables in virtual time, speaking OpenFlow 1.3 to any controller.

    network = SimNetwork(topology)                     virtual time only: fabric.sim.network, fabric.sim.control.query
    with SimThread(topology, ("127.0.0.1", 6653)):     real time and TCP: fabric.sim.openflow.server
    with controlled(running, Path("control")):         questions from other processes: fabric.sim.control.server

Knows no tenants and no controller. Cables have latency and fail; their speed is not simulated.
"""
