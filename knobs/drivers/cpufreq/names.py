"""The ids of the CPUs' knobs: several of them name one another."""

from __future__ import annotations

DEVICE = "cpu"
GOVERNOR_ID = "cpu.governor"
PREFERENCE_ID = "cpu.energy_performance_preference"
BOOST_ID = "cpu.boost"
CORES_ONLINE_ID = "cpu.cores.online"


def max_id(cluster: str) -> str:
    """Returns the id of a cluster's upper limit."""
    return f"{cluster}.max_mhz"


def min_id(cluster: str) -> str:
    """Returns the id of a cluster's lower limit."""
    return f"{cluster}.min_mhz"
