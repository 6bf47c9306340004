"""Values as text, pictures and reports. Must not know: where they come from."""
