"""From a TOML file to a checked recipe: every mistake at once, each with its place and what to do."""
