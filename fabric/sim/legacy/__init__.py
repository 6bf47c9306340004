"""Legacy switches and routers, simulated: IOS-like devices with a running configuration, a command line and SSH."""
