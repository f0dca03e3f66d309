"""When a window closes: as soon as everything that is asked of it is known, or nothing good can come of it."""

from __future__ import annotations

from enum import Enum

from tuner.config_record import MeasurementSettings
from tuner.measuring.confidence import separate
from tuner.measuring.window import LEAST_READINGS, Window
from tuner.trial import Interval, Verdict


class Closing(Enum):
    """Why a window is closed."""

    KNOWN = ""
    """Energy is known to the target, and the verdict is decided."""
    TOO_LATE = "the SLO does not hold"
    WORSE = "its energy per request is surely above that of the best trial so far"
    FULL = "the longest window was over"

    @property
    def is_early(self) -> bool:
        """Whether energy is known less well than it could be."""
        return self in (Closing.TOO_LATE, Closing.WORSE)


def closing_of(window: Window, settings: MeasurementSettings, to_beat: Interval | None) -> Closing | None:
    """Returns why a window is to be closed now; None if it stays open.

    All bounds behind this are time-uniform, so that it may be asked after every slice.

    Args:
        window: The window so far.
        settings: How long it may be, and how well energy is to be known.
        to_beat: The 95 % interval of the best trial's energy per request. A candidate that is called worse because its
            own interval lies above it is better in truth with a probability of at most 10 %.
    """
    if len(window.readings) < LEAST_READINGS and window.loaded_s < settings.window_s:
        return None
    verdict = window.tally.verdict
    if verdict is Verdict.INFEASIBLE:
        return Closing.TOO_LATE
    if window.loaded_s >= settings.window_s:
        return Closing.FULL
    interval = window.per_request()
    if to_beat is not None and interval is not None and separate(interval, to_beat):
        return Closing.WORSE
    if window.loaded_s < settings.min_window_s:
        return None
    if verdict is Verdict.FEASIBLE and window.relative_half_width() <= settings.energy_target:
        return Closing.KNOWN
    return None
