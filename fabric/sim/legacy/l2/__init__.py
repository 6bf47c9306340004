"""A legacy device's data plane at the second layer: ports and VLANs, learned addresses, switching of frames."""
