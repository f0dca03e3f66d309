"""How far off a reading may be, in joules.

The instant of an update is known to within some milliseconds, and a sensor may not look all the time. Both turn
into joules by the power that may have flowed meanwhile.
"""

from __future__ import annotations

import math
from collections import deque

from knobs.contract import Scope
from knobs.meters.averages import mean

_REMEMBERED_POWERS = 64

CREST = 4.0
"""A burst shorter than an update period draws at most this much more than the highest mean over a period."""

WALK_S = 4.0
"""What is missed between updates adds up like a random walk: a reading's error covers windows of this length, and a
longer window's error grows with the square root of its length."""

_DEVIATIONS = 3.0

PLAUSIBLE_W = {Scope.GPU: 5e3, Scope.CPU: 5e3, Scope.SOC: 1e3, Scope.BOARD: 5e4, Scope.WALL: 5e4}
"""More than anything of that scope draws: one GPU module, all packages of one machine, one machine."""


class PowerHistory:
    """The powers of a source over its last updates."""

    def __init__(self, scope: Scope) -> None:
        """Has seen nothing yet."""
        self._powers_w: deque[float] = deque(maxlen=_REMEMBERED_POWERS)
        self._squared_changes: deque[float] = deque(maxlen=_REMEMBERED_POWERS)
        self._intervals_s: deque[float] = deque(maxlen=_REMEMBERED_POWERS)
        self._unknown_w = PLAUSIBLE_W[scope]

    def add(self, power_w: float, interval_s: float) -> None:
        """Takes the mean power since the update before.

        Args:
            power_w: The power.
            interval_s: Time since that update.
        """
        if self._powers_w:
            self._squared_changes.append((power_w - self._powers_w[-1]) ** 2)
        self._powers_w.append(power_w)
        self._intervals_s.append(interval_s)

    @property
    def highest_w(self) -> float:
        """The highest of them; what is barely plausible where none was seen yet."""
        return max(self._powers_w, default=self._unknown_w)

    def edge_error_j(self, uncertainty_s: float, period_s: float) -> float:
        """Returns the joules that may have flowed between an update and the instant that it is taken for.

        That stretch lies within one update period, so that it holds no more energy than the whole of it.
        """
        return abs(self.highest_w) * min(CREST * uncertainty_s, period_s)

    def inner_error_j(self, period_s: float) -> float:
        """Returns how far the energy at an instant within a period may lie from the straight line through it.

        A burst that fills a share ``1 / CREST`` of the period departs from the line by ``1 - 1 / CREST`` of the
        period's energy between its two ends, half of that for each end of a window.
        """
        return abs(self.highest_w) * period_s * (1.0 - 1.0 / CREST) / 2.0

    def walk_error_j(self, uncertainty_s: float, look_s: float) -> float:
        """Returns half of what may be missed between the updates of a window of up to ``WALK_S``.

        An update that is taken for ``t`` seconds too early or late misplaces its change of power by ``t``; a
        stretch that the sensor does not see is off by a share of the same change. Both fall to either side.

        Args:
            uncertainty_s: How far off the instant of an update may be.
            look_s: How long the sensor looks before each update.
        """
        if not self._squared_changes:
            return 0.0
        interval_s = mean(self._intervals_s)
        unseen_s = max(0.0, interval_s - look_s)
        each_s = math.sqrt(uncertainty_s**2 / 3.0 + unseen_s**2 / 12.0)
        typical_change_w = math.sqrt(mean(self._squared_changes))
        return _DEVIATIONS / 2.0 * typical_change_w * each_s * math.sqrt(max(1.0, WALK_S / interval_s))
