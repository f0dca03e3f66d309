"""The one meter over every source of power or energy."""

from __future__ import annotations

import math
import threading

from knobs.contract import DeviceError, Meter, MeterSpec, NoValueError, Quantity, Reading
from knobs.meters.sampling.accounts import Account, CounterAccount, PowerAccount
from knobs.meters.sampling.sampler import Sampler
from knobs.meters.sampling.schedule import PollSchedule, shortest_pause_s
from knobs.meters.sampling.source import PowerSource, Source
from knobs.meters.sampling.updates import Poll

SHORTEST_INTERVAL_S = 0.001
"""A sensor of watts is polled no more often than this. One that is faster is not seen all the time."""

_DIRECT_PERIOD_S = 0.005
"""A counter that is updated as often as this needs no polls between two samples: what it counts in one period is of
no consequence. Others are polled no more often."""

_QUICK_READ_S = 0.02
"""A source that answers within this time is read by every sample; others are left to the thread."""

_RETRY_S = 1.0
_STALE_PERIODS = 10.0
_STALE_S = 1.0
"""A device that has had no value for longer than this many periods and seconds has no reading to give."""


class SampledMeter(Meter):
    """Joules of a source. Between two samples, the sampler polls it as often as its arithmetic needs."""

    def __init__(self, source: Source, sampler: Sampler) -> None:
        """Prepares the meter; reads nothing.

        Args:
            source: What is read.
            sampler: The thread that polls it between two samples.
        """
        self._read = source.read
        self._facts = source.facts
        self._sampler = sampler
        self._clock = sampler.clock
        self._polling = threading.Lock()
        self._lock = threading.Lock()
        self._account: Account = _account(source)
        is_power, period_s = isinstance(source, PowerSource), source.facts.update_period_s
        self._needs_polls = is_power or period_s > _DIRECT_PERIOD_S
        self._schedule = PollSchedule(period_s, SHORTEST_INTERVAL_S if is_power else _DIRECT_PERIOD_S)
        self._read_s = 0.0
        self._due_s = 0.0
        self._spec = _spec(source)

    @property
    def spec(self) -> MeterSpec:
        """The meter as a record."""
        return self._spec

    def sample(self) -> Reading:
        """Returns the joules at the source's last update, which may lie up to one update period back.

        It never waits for an update: while it did, the workload that is measured might stand still.

        Raises:
            NoValueError: The device has had no value for a while.
            DeviceError: The device is lost.
        """
        now_s = self._clock()
        if not self._needs_polls or self._read_s <= _QUICK_READ_S or now_s > self._due_s + self._facts.update_period_s:
            self._poll_once()
        with self._lock:
            reading = self._account.reading
        self._sampler.use(self, self._due_s)
        if reading is None:
            raise NoValueError(f"{self._facts.id} has no value yet; try again while its device is in use.")
        return reading

    def poll(self) -> float:
        """Polls once, for the sampler; returns when the next poll is due. What goes wrong, a sample will tell."""
        try:
            self._poll_once()
        except NoValueError:
            return self._clock() + self._facts.update_period_s
        except DeviceError:
            return self._clock() + max(_RETRY_S, self._facts.update_period_s)
        return self._due_s

    def _poll_once(self) -> None:
        with self._polling:
            begin_s = self._clock()
            try:
                value = self._value()
            except NoValueError:
                if not self._has_recent_reading(begin_s):
                    raise
                self._due_s = self._next_s(begin_s, self._clock())
                return
            end_s = self._clock()
            with self._lock:
                update = self._account.add(Poll(begin_s, end_s, value))
            if update is not None:
                self._schedule.saw(update, self._account.rhythm)
            self._read_s = end_s - begin_s
            self._due_s = self._next_s(begin_s, end_s)

    def _next_s(self, begin_s: float, end_s: float) -> float:
        due_s = self._schedule.next_s(begin_s, self._account.rhythm) if self._needs_polls else math.inf
        due_s = min(due_s, begin_s + self._facts.longest_interval_s)
        return max(due_s, begin_s + shortest_pause_s(end_s - begin_s))

    def _value(self) -> float:
        try:
            return self._read()
        except ValueError as error:
            raise DeviceError(f"{self._facts.id} shows what is no number ({error}): leave this meter out.") from error

    def _has_recent_reading(self, now_s: float) -> bool:
        reading = self._account.reading
        longest_s = max(_STALE_S, _STALE_PERIODS * self._facts.update_period_s)
        return reading is not None and now_s - reading.time_s <= longest_s


def _account(source: Source) -> Account:
    if isinstance(source, PowerSource):
        return PowerAccount(source, SHORTEST_INTERVAL_S)
    return CounterAccount(source)


def _spec(source: Source) -> MeterSpec:
    facts = source.facts
    period_s, duty, resolution_j = facts.update_period_s, facts.duty, facts.resolution
    if isinstance(source, PowerSource):
        period_s = max(facts.update_period_s, SHORTEST_INTERVAL_S)
        duty = facts.duty * facts.update_period_s / period_s
        resolution_j = facts.resolution * period_s
    return MeterSpec(
        id=facts.id,
        quantity=Quantity.ENERGY_J,
        scope=facts.scope,
        provenance=facts.provenance,
        update_period_s=period_s,
        resolution=resolution_j,
        device=facts.device,
        accuracy=facts.accuracy,
        duty=duty,
        note=facts.note,
    )
