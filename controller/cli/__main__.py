"""``python -m controller.cli``: the command line, where the ``clos`` script is not at hand."""

from clos.controller.cli import main

main()
