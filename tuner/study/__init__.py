"""A study: planned, run, confirmed and turned into a recommendation."""
