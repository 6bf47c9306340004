"""A legacy device's third layer: interfaces, routes, ARP, access lists, HSRP and EIGRP."""
