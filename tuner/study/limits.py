"""The operator's limits on a study: when it may measure, how hot devices may get, how many requests it may spoil."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone

from knobs.contract import Conditions
from tuner.clock import to_local
from tuner.config_record import LimitSettings
from tuner.hours import Hours

_CLOCK_CHANGE_GRID = timedelta(minutes=15)
"""Clocks are put forward and back at whole quarters of an hour of UTC, in every time zone of today."""

_HORIZON = timedelta(days=15)
"""Every range comes within a week; one that a change of the clock skips comes a week later."""


class OperatorLimits:
    """What the operator lets a study do. Knows no clock and no sensor: both are arguments."""

    def __init__(self, settings: LimitSettings, local: Callable[[datetime], datetime] = to_local) -> None:
        """Keeps the limits.

        Args:
            settings: The limits, checked.
            local: Returns an instant as the clock on the wall shows it.
        """
        self._hours = Hours.parse(settings.hours)
        self._stated_hours = settings.hours
        self._abort_temperature_c = settings.abort_temperature_c
        self._late_requests = settings.late_requests
        self._local = local

    def may_measure(self, now: datetime) -> bool:
        """Tells whether a study may measure at an instant.

        Args:
            now: The instant, with its time zone.
        """
        return self._hours.hold(self._local(now))

    def next_opening(self, now: datetime) -> datetime:
        """Returns the first instant from now on at which a study may measure.

        Args:
            now: The instant, with its time zone; returned itself if measuring is allowed.

        Returns:
            What the wall's clock shows then, with its distance from UTC: a difference to any other instant is the
            time that passes between both, also where the clock is changed meanwhile.
        """
        instant = now.astimezone(UTC)
        end = instant + _HORIZON
        while instant < end:
            if self.may_measure(instant):
                return instant.astimezone(timezone(self._local(instant).utcoffset() or timedelta(0)))
            instant = min(self._next_start(instant), _next_clock_change(instant))
        raise AssertionError(f"the hours '{self._stated_hours}' open once a week at least")

    def too_hot(self, conditions: Conditions) -> str:
        """Returns which sensor reached the operator's abort temperature, in one sentence; empty if none did."""
        if self._abort_temperature_c is None:
            return ""
        hot = [(value, sensor) for sensor, value in conditions.temperatures_c if value >= self._abort_temperature_c]
        if not hot:
            return ""
        temperature_c, sensor = max(hot)
        return (
            f"{sensor} reached {temperature_c:g} °C, and the operator's limit (abort_temperature_c) is "
            f"{self._abort_temperature_c:g} °C."
        )

    def budget_spent(self, late_requests: int) -> str:
        """Returns why no more requests may be spoilt, in one sentence; empty while some may be.

        Args:
            late_requests: Requests that broke an SLO or failed in this study so far.
        """
        if self._late_requests is None or late_requests < self._late_requests:
            return ""
        return (
            f"The error budget is spent: {late_requests} requests were late or failed, and the operator allows "
            f"{self._late_requests} a study (late_requests)."
        )

    def _next_start(self, instant: datetime) -> datetime:
        """When a range starts next after an instant, unless the clock is changed before that."""
        wall = self._local(instant)
        midnight = wall.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
        since_midnight = wall.replace(tzinfo=None) - midnight
        waits = [timedelta(minutes=minute) - since_midnight for minute in self._hours.starts()]
        return instant + min(wait if wait > timedelta(0) else wait + timedelta(days=1) for wait in waits)


def _next_clock_change(instant: datetime) -> datetime:
    """The next instant after this one at which some clock might be changed."""
    since_epoch = instant - datetime.fromtimestamp(0, UTC)
    return instant + _CLOCK_CHANGE_GRID - since_epoch % _CLOCK_CHANGE_GRID
