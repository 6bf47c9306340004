"""``python -m controller.cli``: the command line, where the ``clos`` script is not at hand."""

from controller.cli import main

main()
