"""Discovery: from what devices print to the values of ``controller.migrate.model``; nothing is dropped in silence."""
