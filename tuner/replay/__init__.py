"""Scores proposers on measured tables, without touching hardware."""
