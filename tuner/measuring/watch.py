"""Looks at the devices while load flows: whether a trial is what it says, and under which circumstances it ran."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import fmean

from knobs.contract import Conditions, Delivery, KnobError, KnobSpec, Occupant
from tuner.configuration import Value
from tuner.measuring.confidence import is_level
from tuner.trial import Circumstances, Rejection, RejectionCause

_PAUSE_S = 0.2
_BUSY = 0.5
"""A device that was busier than this had reason to run at the clock it was told to."""


@dataclass(frozen=True)
class Bounds:
    """What a trial may not exceed.

    Attributes:
        alarm: Returns what ends a trial at once, in a sentence; empty if nothing does.
        max_background_cores: CPU cores that other programs may keep busy.
    """

    alarm: Callable[[Conditions], str] = lambda _: ""
    max_background_cores: float = math.inf


class Watch:
    """What was seen of the devices in one trial. One thread looks while another lets load flow."""

    def __init__(
        self,
        observe: Callable[[], Conditions],
        bounds: Bounds,
        pause_s: float = _PAUSE_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Has seen nothing yet.

        Args:
            observe: Asks the devices.
            bounds: What of it is too much.
            pause_s: Time between two looks.
            clock: The monotonic clock.
        """
        self._observe = observe
        self._bounds = bounds
        self._pause_s = pause_s
        self._clock = clock
        self._seen: list[Conditions] = []
        self._times_s: list[float] = []
        self._lost: KnobError | None = None

    @contextmanager
    def looking(self) -> Iterator[None]:
        """Looks again and again until the block ends, and once more then.

        What a device says about the time before its first look belongs to somebody else: that look is dropped.

        Raises:
            KeeperLostError: The keeper has died; raised at the end of the block.
        """
        self._observe()
        done = threading.Event()
        thread = threading.Thread(target=self._look_until, args=(done,), name="watch", daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()
        if self._lost is not None:
            raise self._lost
        self._look()

    def _look(self) -> None:
        conditions = self._observe()
        self._times_s.append(self._clock())
        self._seen.append(conditions)

    def _look_until(self, done: threading.Event) -> None:
        try:
            while not done.wait(self._pause_s):
                self._look()
        except KnobError as error:
            self._lost = error

    def obstacle(self) -> str:
        """Returns why what was measured does not count, as the devices say; empty if nothing was in the way."""
        return next((text for conditions in self._seen for text in conditions.obstacles), "")

    def alarm(self) -> str:
        """Returns what must end the trial at once, in a sentence; empty if nothing must."""
        return next((text for text in map(self._bounds.alarm, self._seen) if text), "")

    def temperatures_stand_still(self) -> bool:
        """Tells whether no sensor's temperature moves any more, as far as there are sensors."""
        by_sensor: dict[str, list[tuple[float, float]]] = {}
        for time_s, conditions in zip(self._times_s, self._seen, strict=False):
            for sensor, temperature_c in conditions.temperatures_c:
                by_sensor.setdefault(sensor, []).append((time_s, temperature_c))
        return all(is_level(*zip(*points, strict=True)) for points in by_sensor.values())

    def background(self) -> str:
        """Returns how much other programs had of the CPUs, in words, if that is too much; else empty."""
        cores = self._background_cores()
        if cores is None or cores <= self._bounds.max_background_cores:
            return ""
        return f"other programs kept {cores:.1f} CPU cores busy"

    def _background_cores(self) -> float | None:
        seen = [conditions.background_cores for conditions in self._seen if conditions.background_cores is not None]
        return fmean(seen) if seen else None

    def deviation(self, knobs: Mapping[str, KnobSpec], values: Mapping[str, Value]) -> str:
        """Returns which knob the hardware did not follow, and how; empty if it followed all.

        A clock that is not reached is no deviation where a power cap held it down, or where the device was
        never busy enough to need it.

        Args:
            knobs: The knobs by id.
            values: What was set.
        """
        sentences = (
            self._deviation_of(knobs[knob_id], float(value))
            for knob_id, value in values.items()
            if knob_id in knobs and not isinstance(value, str) and knobs[knob_id].delivery is not Delivery.SETTING
        )
        return next((sentence for sentence in sentences if sentence), "")

    def _deviation_of(self, knob: KnobSpec, value: float) -> str:
        looks = [(dict(conditions.delivered).get(knob.id), conditions) for conditions in self._seen]
        seen = [(delivered, conditions) for delivered, conditions in looks if delivered is not None]
        if not seen:
            return ""
        highest = max(delivered for delivered, _ in seen)
        if highest > value * (1.0 + knob.tolerance):
            return f"{knob.id} was set to {value:g} {knob.unit} and ran at up to {highest:g} {knob.unit}"
        held_down = any(conditions.power_capped for _, conditions in seen)
        was_busy = any(conditions.utilization is None or conditions.utilization >= _BUSY for _, conditions in seen)
        if knob.delivery is Delivery.REACHED and was_busy and not held_down and highest < value * (1 - knob.tolerance):
            return f"{knob.id} was set to {value:g} {knob.unit} and never ran above {highest:g} {knob.unit}"
        return ""

    def verdict(self, knobs: Mapping[str, KnobSpec], values: Mapping[str, Value]) -> Rejection | None:
        """Returns why the trial does not count; None if it does."""
        if alarm := self.alarm():
            return Rejection(RejectionCause.TOO_HOT, alarm)
        if obstacle := self.obstacle() or self.background():
            return Rejection(RejectionCause.DISTURBED, f"While it was measured: {obstacle}.")
        if deviation := self.deviation(knobs, values):
            return Rejection(RejectionCause.NOT_VERIFIED, f"{deviation[0].upper()}{deviation[1:]}.")
        return None

    def circumstances(self) -> Circumstances:
        """Returns what is recorded with the trial."""
        return Circumstances(
            delivered={name: fmean(values) for name, values in _by_name(seen.delivered for seen in self._seen)},
            temperatures_c={name: max(values) for name, values in _by_name(seen.temperatures_c for seen in self._seen)},
            power_capped_share=fmean([conditions.power_capped for conditions in self._seen] or [0.0]),
            remarks=_distinct([text for conditions in self._seen for text in conditions.remarks]),
            foreign=_distinct([_named(occupant) for seen in self._seen for occupant in seen.occupants]),
            background_cores=self._background_cores(),
        )


def _by_name(looks: Iterable[Iterable[tuple[str, float]]]) -> Iterable[tuple[str, list[float]]]:
    values: dict[str, list[float]] = {}
    for look in looks:
        for name, value in look:
            values.setdefault(name, []).append(value)
    return values.items()


def _distinct(texts: Iterable[str]) -> tuple[str, ...]:
    """Returns every text once, in the order of its first appearance."""
    return tuple(dict.fromkeys(texts))


def _named(occupant: Occupant) -> str:
    return f"process {occupant.pid} ({occupant.name or 'unknown'}) on {occupant.device}"
