"""The intervals between a meter's readings: how many seconds of each the operators were charged for."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tuner.energy_model.accounting.nesting import Nesting
from tuner.energy_model.accounting.power import PowerSeries
from tuner.energy_model.accounting.split import Metered, Sharing, active_lanes, events_of, waits
from tuner.energy_model.accounting.timeline import NONE, Floats, Integers, Timeline


class Windows:
    """Intervals between the readings of one meter.

    Attributes:
        events: The positions of the events whose joules the meter counts.
        count: How many intervals there are.
        energy_j: Joules of each.
    """

    def __init__(self, timeline: Timeline, nesting: Nesting, seen: Metered) -> None:
        """Prepares a look at what a meter saw."""
        series, (start_ns, end_ns) = seen.series, seen.window_ns
        readings = series.times_ns[(series.times_ns >= start_ns) & (series.times_ns <= end_ns)]
        self._edges = readings if len(readings) else np.array([start_ns], dtype=np.int64)
        self._timeline, self._nesting = timeline, nesting
        self.events = events_of(timeline, series.devices)
        self.count = len(self._edges) - 1
        self.energy_j: Floats = np.diff(series.until(self._edges))
        self._waiting = waits(timeline, nesting)
        one_watt = PowerSeries(
            series.name,
            series.devices,
            np.array(seen.window_ns, dtype=np.int64),
            np.array([0.0, (end_ns - start_ns) * 1e-9]),
            series.provenance,
            series.scope,
        )
        self._sharing = Sharing(*active_lanes(timeline, nesting, series.devices), one_watt, seen.window_ns)

    def charged_s(self) -> Floats:
        """Returns of each event the seconds that it is charged for: of one shared by two lanes, half."""
        whole_s = np.zeros(len(self._timeline))
        events = self.events
        whole_s[events] = self._sharing.between(self._timeline.start_ns[events], self._timeline.end_ns[events])
        inside = events[self._nesting.parent[events] != NONE]
        own_s = whole_s - np.bincount(self._nesting.parent[inside], weights=whole_s[inside], minlength=len(whole_s))
        own_s[self._waiting] = 0.0
        return np.clip(own_s[events], 0.0, None)

    def seconds(self, group: Integers, groups: int) -> NDArray[np.float64]:
        """Returns the seconds that each group is charged for, interval by interval.

        Args:
            group: The group of every label, shape (labels,).
            groups: How many there are.

        Returns:
            Seconds, shape (intervals, groups + 1); the last column holds those in which nothing ran.
        """
        event, window, charged_s = self._pieces()
        table = np.zeros((self.count, groups + 1))
        parent = self._nesting.parent[event]
        for owner, sign in ((event, 1.0), (parent, -1.0)):
            counts = (owner != NONE) & ~self._waiting[owner]
            place = window[counts] * (groups + 1) + group[self._timeline.label[owner[counts]]]
            table += np.bincount(place, weights=sign * charged_s[counts], minlength=table.size).reshape(table.shape)
        table = np.clip(table, 0.0, None)
        table[:, -1] = np.clip(np.diff(self._edges) * 1e-9 - table[:, :-1].sum(axis=1), 0.0, None)
        return table

    def _pieces(self) -> tuple[Integers, Integers, Floats]:
        """Cuts every event at the readings: of each piece the event, the interval and the seconds charged for."""
        start_ns = np.clip(self._timeline.start_ns[self.events], self._edges[0], self._edges[-1])
        end_ns = np.clip(self._timeline.end_ns[self.events], self._edges[0], self._edges[-1])
        first = np.searchsorted(self._edges, start_ns, side="right") - 1
        last = np.maximum(np.searchsorted(self._edges, end_ns, side="left") - 1, first)
        pieces = np.where(end_ns > start_ns, last - first + 1, 0)
        event = np.repeat(np.arange(len(self.events)), pieces)
        begins = np.cumsum(pieces) - pieces
        window = first[event] + np.arange(len(event)) - begins[event]
        begin_ns = np.maximum(start_ns[event], self._edges[window])
        finish_ns = np.minimum(end_ns[event], self._edges[window + 1])
        return self.events[event], window, self._sharing.between(begin_ns, finish_ns)
