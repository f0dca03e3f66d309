"""Devices that were never built: what the physics of computing allows latency and power to do, as a prior."""

from tuner.search.physics.ensemble import Ensemble

__all__ = ["Ensemble"]
