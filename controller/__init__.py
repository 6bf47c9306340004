"""What Clos decides, proves and sends: intents, compiler, plans, sessions with switches, store, API, command line."""
