"""Steps: mappers, filters and corpus filters. One file is one step, and the file's name is its name in a recipe."""
