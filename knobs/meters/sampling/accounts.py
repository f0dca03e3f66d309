"""From polls to joules: pure arithmetic, without a thread, a clock or a device.

A *counter* counts by itself: its count is exact at the instant of an update, whatever happened in between. The
watts of a *sensor* are integrated: what a value covers (the sensor's look before each update) counts as it is, what
lies between two looks is interpolated by a trapezoid. So both are exact at updates, and an account's reading is that
of the last one.
"""

from __future__ import annotations

import math
from typing import Protocol

from knobs.contract import DeviceError, Reading
from knobs.meters.counter import WrappingCounter
from knobs.meters.sampling.schedule import shortest_pause_s
from knobs.meters.sampling.source import CounterSource, PowerSource, SourceFacts
from knobs.meters.sampling.uncertainty import PowerHistory
from knobs.meters.sampling.updates import Poll, Rhythm, Update, UpdateTracker

_STANDS_STILL_AFTER_PERIODS = 4.0
_MISSED_AFTER_PERIODS = 2.0
_WRAPS_AFTER_LONGEST_INTERVALS = 2.0


class Account(Protocol):
    """The joules of one source."""

    def add(self, poll: Poll) -> Update | None:
        """Takes a poll; returns the update that it is the first to show, if any.

        Raises:
            DeviceError: The source shows what it cannot show.
        """

    @property
    def reading(self) -> Reading | None:
        """The joules at the last update; None before the first poll."""

    @property
    def rhythm(self) -> Rhythm:
        """How the updates of the source come."""


class CounterAccount:
    """The joules of a counter."""

    def __init__(self, source: CounterSource) -> None:
        """Has counted nothing yet."""
        self._facts = source.facts
        self._wrapping = None if source.range_j is None else WrappingCounter(source.range_j)
        self._tracker = UpdateTracker(source.facts.update_period_s)
        self._powers = PowerHistory(source.facts.scope)
        self._poll: Poll | None = None
        self._update: Update | None = None
        self._stood_until_s = -math.inf
        self._gap_s = 0.0

    @property
    def rhythm(self) -> Rhythm:
        """How the updates of the source come."""
        return self._tracker.rhythm

    @property
    def reading(self) -> Reading | None:
        """The count at its last update."""
        if self._update is None:
            return None
        edge_error_j = self._powers.edge_error_j(self._update.uncertainty_s, self._tracker.period_s)
        return Reading(
            time_s=max(self._update.time_s, self._stood_until_s),
            value=self._update.value,
            error_j=edge_error_j + self._facts.resolution,
            gap_s=self._gap_s,
        )

    def add(self, poll: Poll) -> Update | None:
        """Takes a poll of the raw count; returns the update that it is the first to show, if any.

        Raises:
            DeviceError: The count is no number, or a counter that does not wrap ran backwards.
        """
        _require_number(poll, self._facts)
        poll = Poll(poll.begin_s, poll.end_s, self._total(poll.value))
        previous, self._poll = self._poll, poll
        if previous is not None:
            self._book_lost_count(poll.begin_s - previous.begin_s)
            self._require_growth(previous.value, poll.value)
        update = self._tracker.locate(poll)
        if update is None:
            self._let_stand(poll)
            return None
        if self._update is not None:
            interval_s = max(update.time_s - self._update.time_s, self._tracker.period_s)
            self._powers.add((update.value - self._update.value) / interval_s, interval_s)
        self._update = update
        return update

    def _total(self, raw_j: float) -> float:
        return raw_j if self._wrapping is None else self._wrapping.total(raw_j)

    def _book_lost_count(self, interval_s: float) -> None:
        if interval_s > _WRAPS_AFTER_LONGEST_INTERVALS * self._facts.longest_interval_s:
            self._gap_s += interval_s

    def _require_growth(self, before_j: float, after_j: float) -> None:
        if after_j < before_j:
            self._tracker = UpdateTracker(self._facts.update_period_s)
            self._update = None
            raise DeviceError(
                f"The counter of {self._facts.id} ran backwards, from {before_j:g} J to {after_j:g} J: "
                "its driver was loaded again or its device was reset; measure again."
            )

    def _let_stand(self, poll: Poll) -> None:
        """A count that stands still for several periods is that of a device that draws nothing, not an old one."""
        if self._update is None:
            return
        period_s = self._tracker.period_s
        if poll.begin_s - self._update.latest_s > _STANDS_STILL_AFTER_PERIODS * period_s:
            self._stood_until_s = poll.begin_s - period_s


class PowerAccount:
    """The joules of a sensor of watts."""

    def __init__(self, source: PowerSource, shortest_interval_s: float = 0.0) -> None:
        """Has integrated nothing yet.

        Args:
            source: The sensor.
            shortest_interval_s: How often it is polled at most: a sensor that is faster than that is not seen
                all the time, as if it did not look.
        """
        self._facts = source.facts
        self._look_s = source.facts.duty * source.facts.update_period_s
        self._period_s = max(source.facts.update_period_s, shortest_interval_s)
        self._tracker = UpdateTracker(source.facts.update_period_s)
        self._powers = PowerHistory(source.facts.scope)
        self._poll: Poll | None = None
        self._update: Update | None = None
        self._inside = False
        self._time_s = 0.0
        self._energy_j = 0.0
        self._gap_s = 0.0

    @property
    def rhythm(self) -> Rhythm:
        """How the updates of the source come."""
        return self._tracker.rhythm

    @property
    def reading(self) -> Reading | None:
        """The integral up to the last update."""
        if self._update is None:
            return None
        uncertainty_s = self._update.uncertainty_s
        error_j = self._powers.walk_error_j(uncertainty_s, self._look_s)
        if self._inside:
            error_j += self._powers.inner_error_j(self._period_s)
        else:
            error_j += self._powers.edge_error_j(uncertainty_s, self._period_s)
        return Reading(self._time_s, self._energy_j, error_j=error_j, gap_s=self._gap_s)

    def add(self, poll: Poll) -> Update | None:
        """Takes a poll of the watts; returns the update that it is the first to show, if any.

        Raises:
            DeviceError: The power is no number.
        """
        _require_number(poll, self._facts)
        previous, self._poll = self._poll, poll
        update = self._tracker.locate(poll)
        if previous is not None:
            self._book_gap(previous, poll)
        if update is None:
            self._stand_on(poll)
            return None
        if previous is None:
            self._time_s = update.time_s
            self._powers.add(update.value, self._period_s)
        else:
            # The old value stood until one period before the new one came, as far as it was polled.
            self._stand(previous.value, min(previous.begin_s, update.time_s - self._period_s))
            self._change(previous.value, update)
        self._update, self._inside = update, False
        return update

    def _stand_on(self, poll: Poll) -> None:
        """Goes on to the last update, which was one that did not change the value.

        Where the rhythm does not tell its instant, it lies less than one period back: at the latest there ends
        what is known, somewhere inside of a look.
        """
        updated_s = self._tracker.silent_update_s(poll)
        self._inside = updated_s is None and poll.begin_s - self._period_s > self._time_s
        self._stand(poll.value, poll.begin_s - self._period_s if updated_s is None else updated_s)

    def _book_gap(self, previous: Poll, poll: Poll) -> None:
        """Books the time for which polls failed to come; a slow source is planned to be polled less often."""
        interval_s = poll.begin_s - previous.begin_s
        planned_s = max(self._period_s, shortest_pause_s(previous.end_s - previous.begin_s))
        if interval_s > _MISSED_AFTER_PERIODS * planned_s:
            self._gap_s += interval_s - planned_s

    def _stand(self, power_w: float, until_s: float) -> None:
        """Lets a value stand for some time."""
        if until_s > self._time_s:
            self._energy_j += power_w * (until_s - self._time_s)
            self._time_s = until_s

    def _change(self, before_w: float, update: Update) -> None:
        """Goes on to an update: the sensor's look counts with its value, the rest by a trapezoid."""
        interval_s = update.time_s - self._time_s
        self._powers.add(update.value, interval_s)
        seen_s = min(self._look_s, interval_s)
        self._energy_j += update.value * seen_s + (before_w + update.value) / 2.0 * (interval_s - seen_s)
        self._time_s = update.time_s


def _require_number(poll: Poll, facts: SourceFacts) -> None:
    if not math.isfinite(poll.value):
        raise DeviceError(f"{facts.id} shows {poll.value}, which is no number: leave this meter out.")
