"""The daemon over HTTP: documents in, documents out, progress as it happens. See ``/openapi.json``."""
