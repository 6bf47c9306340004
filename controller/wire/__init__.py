"""OpenFlow to real switches, through os-ken: the only place that imports it. Performs plans and decides nothing.

``controller.wire.controller.Controller`` is what the rest of Clos uses; ``osken`` is where the framework is patched.
Importing this package imports neither, so that commands which need no switch start quickly.
"""
