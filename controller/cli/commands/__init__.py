"""One module per command of ``clos``, of the command's name."""
