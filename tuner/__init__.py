"""Decides: what to measure next, how to measure it, and what to recommend."""
