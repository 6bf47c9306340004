"""Signals of the programs that tests start: as a terminal gives them, whatever this process has inherited.

A job in the background ignores SIGINT, what runs under nohup SIGHUP, and their children inherit that.
"""

from __future__ import annotations

import sys

_PROGRAM = """
import os, signal, sys
names = (signal.SIGINT, signal.SIGHUP, signal.SIGTERM, signal.SIGQUIT)
for name in names: signal.signal(name, signal.SIG_DFL)
signal.pthread_sigmask(signal.SIG_UNBLOCK, names)
os.execvp(sys.argv[1], sys.argv[1:])
"""
FRESH = (sys.executable, "-IS", "-c", _PROGRAM)
"""The words before a command that have it ignore and block none of the signals that end programs."""
IGNORING = (sys.executable, "-IS", "-c", _PROGRAM.replace("SIG_DFL", "SIG_IGN"))
"""The words before a command that have it inherit these signals as ignored."""
