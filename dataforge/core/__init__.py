"""The types everyone speaks: rows, plugins, fingerprints, errors. No files, no torch."""
