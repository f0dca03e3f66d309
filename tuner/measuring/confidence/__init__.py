"""What a window's numbers allow one to say: bounds that may be looked at after every piece, for dependent data."""

from tuner.measuring.confidence.energy import Drift, EnergyPerRequest
from tuner.measuring.confidence.racing import separate
from tuner.measuring.confidence.share import combine
from tuner.measuring.confidence.slo import SloTest, spotless_queries
from tuner.measuring.confidence.steadiness import Steadiness
from tuner.measuring.confidence.student import student_t
from tuner.measuring.confidence.thermal import is_level

__all__ = [
    "Drift",
    "EnergyPerRequest",
    "SloTest",
    "Steadiness",
    "combine",
    "is_level",
    "separate",
    "spotless_queries",
    "student_t",
]
