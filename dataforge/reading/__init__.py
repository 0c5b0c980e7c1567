"""From raw bytes to drafts, for sources to share: files, record boundaries, faults, turns, batches."""
