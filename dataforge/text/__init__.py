"""Pure functions on the text of rows: which messages are meant, and what is done with their words."""
