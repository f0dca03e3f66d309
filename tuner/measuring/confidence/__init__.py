"""What a window's numbers allow one to say: bounds that may be looked at after every piece, for dependent data."""

from tuner.measuring.confidence.dependence import BatchLadder
from tuner.measuring.confidence.energy import Drift, EnergyPerRequest
from tuner.measuring.confidence.racing import separate
from tuner.measuring.confidence.share import combine, decide, queries_needed
from tuner.measuring.confidence.slo import WRONG_VERDICT, SloTest, spotless_queries
from tuner.measuring.confidence.steadiness import LEAST_SLICES, Steadiness
from tuner.measuring.confidence.student import student_t, time_uniform_t
from tuner.measuring.confidence.thermal import ThermalSlope, is_level, thermal_slope

__all__ = [
    "LEAST_SLICES",
    "WRONG_VERDICT",
    "BatchLadder",
    "Drift",
    "EnergyPerRequest",
    "SloTest",
    "Steadiness",
    "ThermalSlope",
    "combine",
    "decide",
    "is_level",
    "queries_needed",
    "separate",
    "spotless_queries",
    "student_t",
    "thermal_slope",
    "time_uniform_t",
]
