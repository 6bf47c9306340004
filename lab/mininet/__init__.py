"""The lab's network: namespaces of its own, Mininet inside them, taps on hosts' cables."""
