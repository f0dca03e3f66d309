"""When to poll a source next, so that its updates are located closely with few polls.

Once the rhythm of the updates is known, a poll shortly before and one shortly after each of them tell more than many
in between. The step between these polls shrinks as long as updates come when they are expected, and grows as soon as
they do not.
"""

from __future__ import annotations

import math

from knobs.meters.sampling.updates import Rhythm, Update

_FINEST_STEP_S = 0.002
_STEPS_A_PERIOD = 50
"""Around an expected update, polls come at most this much closer than updates do: 2 ms for a period of 100 ms."""

_TOO_SHORT_TO_FOLLOW_S = 0.02
_POLLS_A_SHORT_PERIOD = 3.0

_APPROACH = 0.6
"""The next poll covers this share of the way to the first one around an expected update: one that comes early by
some time is still located to about that time."""

_SHRINK, _GROW = 0.7, 2.0

_READING_SHARE = 0.25
"""A source that takes long to read is read for no more than this share of the time."""


def shortest_pause_s(read_s: float) -> float:
    """Returns how long after the begin of a reading the next one may begin, in seconds.

    Args:
        read_s: How long the reading took.
    """
    return read_s / _READING_SHARE


class PollSchedule:
    """Follows the updates of one source."""

    def __init__(self, period_s: float, shortest_interval_s: float) -> None:
        """Starts with few polls a period.

        Args:
            period_s: The source's update period, as far as it is known before one looks.
            shortest_interval_s: Time between two polls of a source whose updates come too fast to follow them.
        """
        self._follows = period_s > _TOO_SHORT_TO_FOLLOW_S
        self._interval_s = max(shortest_interval_s, period_s / _POLLS_A_SHORT_PERIOD)
        self._longest_step_s = period_s / 4.0
        self._step_s = self._longest_step_s

    def saw(self, update: Update, rhythm: Rhythm) -> None:
        """Takes an update into account."""
        was_awaited = abs(update.surprise_s) + update.uncertainty_s <= 2.0 * self._step_s
        self._step_s *= _SHRINK if was_awaited else _GROW
        finest_s = max(_FINEST_STEP_S, rhythm.period_s / _STEPS_A_PERIOD)
        self._step_s = max(finest_s, min(self._longest_step_s, self._step_s))

    def next_s(self, polled_s: float, rhythm: Rhythm) -> float:
        """Returns when the next poll is due.

        Args:
            polled_s: When the last one took place.
            rhythm: How the updates come.
        """
        if rhythm.instant_s is None or not self._follows:
            return polled_s + self._interval_s
        # An update that shows the value of the one before is not seen: two steps later, the next one is awaited.
        periods = math.ceil((polled_s - 2.0 * self._step_s - rhythm.instant_s) / rhythm.period_s)
        first_s = rhythm.instant_s + max(1, periods) * rhythm.period_s - self._step_s
        return polled_s + max(self._step_s, _APPROACH * (first_s - polled_s))
