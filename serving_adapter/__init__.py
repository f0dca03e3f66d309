"""Drives inference. Runs on Python 3.8 and later; imports nothing else of Wattune."""
