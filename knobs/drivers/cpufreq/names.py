"""The ids of the CPUs' knobs, which name one another, and the folder of the driver that has switches of its own."""

from __future__ import annotations

DEVICE = "cpu"
GOVERNOR_ID = "cpu.governor"
PREFERENCE_ID = "cpu.energy_performance_preference"
BOOST_ID = "cpu.boost"
CORES_ONLINE_ID = "cpu.cores.online"

INTEL_PSTATE = "/sys/devices/system/cpu/intel_pstate"


def max_id(cluster: str) -> str:
    """Returns the id of a cluster's upper limit."""
    return f"{cluster}.max_mhz"


def min_id(cluster: str) -> str:
    """Returns the id of a cluster's lower limit."""
    return f"{cluster}.min_mhz"
