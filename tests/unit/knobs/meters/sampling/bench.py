"""A source with a known truth, and time that passes only when it is told to: no thread, no waiting."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field

from knobs.contract import NoValueError, Reading, Scope
from knobs.meters.sampling import CounterSource, PowerSource, SampledMeter, Source, SourceFacts
from knobs.meters.sampling.sampler import Polled, Sampler
from tests.unit.knobs.meters.sampling.profiles import Profile


@dataclass
class Clock:
    now_s: float = 1000.0

    def __call__(self) -> float:
        return self.now_s


class SamplerByHand(Sampler):
    """Keeps what is in use, and polls it only when time is let pass."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.due: dict[Polled, float] = {}

    def use(self, polled: Polled, due_s: float) -> None:
        if not math.isinf(due_s):
            self.due.setdefault(polled, due_s)


@dataclass
class Disturbances:
    """What goes wrong.

    Attributes:
        wake_s: A poll takes place up to this much later than it is due.
        read_s: A read takes up to this long.
        update_s: An update happens up to this much later than its period says.
        lost: Share of the reads that yield no value.
        stalls: Intervals (start, end) in which nothing is polled.
    """

    wake_s: float = 0.0
    read_s: float = 0.0
    update_s: float = 0.0
    lost: float = 0.0
    stalls: tuple[tuple[float, float], ...] = ()


@dataclass
class Bench:
    """A device that draws a known power, a source that shows it, and the meter over that."""

    profile: Profile
    kind: str
    period_s: float
    duty: float = 1.0
    phase: float = 0.3
    disturbances: Disturbances = field(default_factory=Disturbances)
    range_j: float | None = None
    longest_interval_s: float = math.inf
    declared_period_s: float | None = None
    seed: int = 1
    polls: int = 0

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self.clock = Clock()
        self.start_s = self.clock.now_s
        self.sampler = SamplerByHand(self.clock)
        self.meter = SampledMeter(self._source(), self.sampler)

    def _source(self) -> Source:
        facts = SourceFacts(
            id="test.energy",
            scope=Scope.GPU,
            device="test",
            update_period_s=self.declared_period_s or self.period_s,
            resolution=1e-6,
            duty=self.duty,
            longest_interval_s=self.longest_interval_s,
        )
        if self.kind == "counter":
            return CounterSource(facts, self._count, self.range_j)
        return PowerSource(facts, self._power)

    def run(self, duration_s: float) -> None:
        """Lets time pass."""
        end_s = self.clock.now_s + duration_s
        while self.sampler.due:
            polled = min(self.sampler.due, key=self.sampler.due.__getitem__)
            at_s = self._after_stalls(self.sampler.due[polled] + self.random.random() * self.disturbances.wake_s)
            if at_s > end_s:
                break
            self.clock.now_s = max(self.clock.now_s, at_s)
            self.sampler.due[polled] = polled.poll()
        self.clock.now_s = max(self.clock.now_s, end_s)

    def sample(self) -> Reading:
        return self.meter.sample()

    def sample_again_and_again(self) -> Reading:
        """Samples until the device has a value."""
        while True:
            try:
                return self.meter.sample()
            except NoValueError:
                self.clock.now_s += 0.001

    def truth_j(self, start_s: float, end_s: float) -> float:
        return self.profile.energy_j(end_s - self.start_s) - self.profile.energy_j(start_s - self.start_s)

    def _after_stalls(self, at_s: float) -> float:
        for start_s, end_s in self.disturbances.stalls:
            if self.start_s + start_s <= at_s < self.start_s + end_s:
                return self.start_s + end_s
        return at_s

    def _count(self) -> float:
        count_j = 5e4 + self.profile.energy_j(self._read_at(self._last_update_s))
        return count_j if self.range_j is None else count_j % self.range_j

    def _power(self) -> float:
        update_s = self._read_at(self._last_update_s)
        look_s = self.duty * self.period_s
        if look_s == 0.0:
            return self.profile.power_w(update_s)
        return (self.profile.energy_j(update_s) - self.profile.energy_j(update_s - look_s)) / look_s

    def _read_at(self, shown):
        """Lets a read take its time; the value is taken somewhere in it."""
        self.polls += 1
        read_s = self.random.random() * self.disturbances.read_s
        into_s = self.random.random() * read_s
        self.clock.now_s += into_s
        value = shown(self.clock.now_s - self.start_s)
        self.clock.now_s += read_s - into_s
        if self.random.random() < self.disturbances.lost:
            raise NoValueError("The device has no value now.")
        return value

    def _last_update_s(self, at_s: float) -> float:
        """The last update at or before an instant; each comes a little late, always by the same amount."""
        number = math.floor(at_s / self.period_s - self.phase)
        update_s = self._update_s(number)
        return update_s if update_s <= at_s else self._update_s(number - 1)

    def _update_s(self, number: int) -> float:
        late_s = random.Random(number * 7919 + self.seed).random() * self.disturbances.update_s
        return (number + self.phase) * self.period_s + late_s
