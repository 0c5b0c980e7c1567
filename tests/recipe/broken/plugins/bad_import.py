"""A plugin that does not import."""

raise RuntimeError("this file is broken on purpose")
