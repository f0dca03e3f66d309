"""What holds for every test."""

from __future__ import annotations

from hypothesis import settings

# How fast the machine is decides no test.
settings.register_profile("wattune", deadline=None)
settings.load_profile("wattune")
