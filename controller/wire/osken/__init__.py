"""Everything that imports os_ken: its faults patched, the app, its connections on one event loop."""
