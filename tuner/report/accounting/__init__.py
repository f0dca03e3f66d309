"""The account of a model on the terminal, as a page, and as files for other viewers."""
