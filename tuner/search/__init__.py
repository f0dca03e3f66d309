"""Proposes configurations. Sees records only; knows no hardware."""
