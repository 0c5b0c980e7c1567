"""A file without a plugin."""
