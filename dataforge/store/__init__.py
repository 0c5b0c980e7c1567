"""Where things lie: objects by their SHA-256, results by how they were made, records of runs."""
