"""Files that no recipe knows yet: which source reads them, what is wrong with them, a first recipe for them."""
