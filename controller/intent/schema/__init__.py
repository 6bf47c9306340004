"""The keys of documents: their shapes, scalars and notations, as tables; the reference and the JSON Schema come from
these."""
