"""When did the value behind a source change? What polls tell of the instant.

A source shows the same value until its sensor or counter is updated. Between the last poll that shows the old value
and the first that shows the new one lies the update. And updates come in a rhythm: where in that interval an update
lies is told by those before it.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from knobs.meters.averages import median

_REMEMBERED_INTERVALS = 8
_PHASE_GAIN, _PERIOD_GAIN = 0.3, 0.1
_PERIODS_KEPT_IN_MIND = 8
_OVERDUE_AFTER_PERIODS = 0.25
"""An update that is late by less than this may still come."""


@dataclass(frozen=True)
class Poll:
    """One reading of a source. The value was read somewhere between begin and end."""

    begin_s: float
    end_s: float
    value: float


@dataclass(frozen=True)
class Update:
    """The instant at which a source began to show a value.

    Attributes:
        value: The new value.
        earliest_s: It did not happen before.
        latest_s: It did not happen after.
        time_s: The instant, as well as it is known.
        surprise_s: How much later than expected that is.
    """

    value: float
    earliest_s: float
    latest_s: float
    time_s: float
    surprise_s: float

    @property
    def uncertainty_s(self) -> float:
        """How far off the instant may be."""
        return max(self.time_s - self.earliest_s, self.latest_s - self.time_s)


class Rhythm:
    """The period and phase of updates: a phase-locked loop."""

    def __init__(self, period_s: float) -> None:
        """Knows the period only roughly, the phase not at all.

        Args:
            period_s: The period, as far as it is known before one looks.
        """
        self.period_s = period_s
        self.instant_s: float | None = None

    def place(self, earliest_s: float, latest_s: float) -> tuple[float, float]:
        """Returns where in an interval an update lies, and how much later than expected that is."""
        middle_s = (earliest_s + latest_s) / 2.0
        if self.instant_s is None:
            self.instant_s = middle_s
            return middle_s, 0.0
        periods = max(1, round((middle_s - self.instant_s) / self.period_s))
        expected_s = self.instant_s + periods * self.period_s
        likely_s = expected_s + _PHASE_GAIN * (middle_s - expected_s)
        self.instant_s = min(max(likely_s, earliest_s), latest_s)
        surprise_s = self.instant_s - expected_s
        self.period_s += _PERIOD_GAIN * surprise_s / periods
        return self.instant_s, surprise_s


class UpdateTracker:
    """Finds the updates in a sequence of polls.

    Attributes:
        rhythm: How they come.
        period_s: The update period: what was declared, or what was seen where that is longer.
    """

    def __init__(self, period_s: float) -> None:
        """Has seen nothing yet.

        Args:
            period_s: The source's update period, as far as it is known before one looks.
        """
        self.rhythm = Rhythm(period_s)
        self.period_s = period_s
        self._declared_s = period_s
        self._intervals_s: deque[float] = deque(maxlen=_REMEMBERED_INTERVALS)
        self._poll: Poll | None = None
        self._located: Update | None = None

    def locate(self, poll: Poll) -> Update | None:
        """Returns the update that a poll is the first to show; None if it shows what the poll before showed.

        Whatever happened since the poll before, the value shown is not older than one update period. So the
        first poll of all, and one after a long pause, locate their update to half a period.
        """
        previous, self._poll = self._poll, poll
        if previous is not None and previous.value == poll.value:
            return None
        earliest_s = poll.begin_s - self.period_s
        if previous is not None:
            earliest_s = max(earliest_s, previous.begin_s)
        update = Update(poll.value, earliest_s, poll.end_s, *self.rhythm.place(earliest_s, poll.end_s))
        self._learn_period(update)
        return update

    def silent_update_s(self, poll: Poll) -> float | None:
        """Returns when the value that a poll shows was last updated without a change, as the rhythm goes.

        None if there was no such update yet, or if the rhythm may be lost by now.
        """
        if self._located is None:
            return None
        overdue_s = self._located.uncertainty_s + _OVERDUE_AFTER_PERIODS * self.rhythm.period_s
        periods = int((poll.begin_s - overdue_s - self._located.time_s) / self.rhythm.period_s)
        if not 0 < periods <= _PERIODS_KEPT_IN_MIND:
            return None
        return self._located.time_s + periods * self.rhythm.period_s

    def _learn_period(self, update: Update) -> None:
        """Takes the time between two updates into account, if both were seen closely enough."""
        if update.latest_s - update.earliest_s > self._declared_s / 2.0:
            self._located = None
            return
        if self._located is not None:
            self._intervals_s.append(update.time_s - self._located.time_s)
            self.period_s = max(self._declared_s, median(self._intervals_s))
        self._located = update
