"""Records two meters of this machine at the same time, for a calibration."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence

from knobs.contract import DeviceError, MeterSpec, Reading
from tuner.energy_model.calibration.series import EnergySeries
from tuner.errors import WattuneError

_SHORTEST_PAUSE_S, _LONGEST_PAUSE_S = 0.01, 0.2
_LOOKS_AN_UPDATE = 4.0
_PATIENCE_S, _PATIENCE_UPDATES = 10.0, 10.0

Sample = Callable[[Sequence[str]], Mapping[str, Reading]]
Progress = Callable[[float, Mapping[str, float]], None]
"""Takes the seconds recorded so far, and the mean power of each meter since the last call."""


class MeterRecorder:
    """Samples meters until all of them have seen as much time as wanted, each on the device's clock."""

    def __init__(
        self,
        sample: Sample,
        meters: Sequence[MeterSpec],
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Prepares a recording; samples nothing.

        Args:
            sample: Returns a reading of each meter, by id.
            meters: The meters.
            clock: The monotonic clock, to tell when to give up.
            sleep: Waits some seconds.
        """
        self._sample = sample
        self._clock = clock
        self._sleep = sleep
        self._readings: dict[str, list[Reading]] = {meter.id: [] for meter in meters}
        self._moved_s: dict[str, float] = {}
        quickest_s = min(meter.update_period_s for meter in meters)
        self._pause_s = min(max(quickest_s / _LOOKS_AN_UPDATE, _SHORTEST_PAUSE_S), _LONGEST_PAUSE_S)
        self._patience_s = max(_PATIENCE_S, _PATIENCE_UPDATES * max(meter.update_period_s for meter in meters))

    def record(self, duration_s: float, progress: Progress) -> list[EnergySeries]:
        """Records, and returns the series in the order of the meters.

        Args:
            duration_s: How much time each meter is to see.
            progress: Is told after every sample.

        Raises:
            WattuneError: A meter shows nothing new for so long that it is taken for lost.
            BadInputError: What was recorded is too little.
        """
        self._moved_s = dict.fromkeys(self._readings, self._clock())
        while self._recorded_s() < duration_s:
            self._look()
            progress(self._recorded_s(), self._powers_w())
            self._sleep(self._pause_s)
        return [
            EnergySeries.of_counter(
                name, [reading.time_s for reading in readings], [reading.value for reading in readings]
            )
            for name, readings in self._readings.items()
        ]

    def _look(self) -> None:
        """Takes a sample. A meter that has nothing for a moment, as a plug in the network may, is asked again."""
        failure = ""
        sample: Mapping[str, Reading] = {}
        try:
            sample = self._sample(list(self._readings))
        except DeviceError as error:
            failure = f" {error}"
        for name, reading in sample.items():
            if self._is_new(name, reading):
                self._readings[name].append(reading)
                self._moved_s[name] = self._clock()
        stalest = min(self._moved_s, key=self._moved_s.__getitem__)
        if self._clock() - self._moved_s[stalest] > self._patience_s:
            raise WattuneError(
                f"{stalest} has shown nothing new for {self._patience_s:g} s: see wattune probe.{failure}"
            )

    def _is_new(self, name: str, reading: Reading) -> bool:
        readings = self._readings[name]
        return not readings or reading.time_s > readings[-1].time_s

    def _recorded_s(self) -> float:
        return min(
            readings[-1].time_s - readings[0].time_s if readings else 0.0 for readings in self._readings.values()
        )

    def _powers_w(self) -> dict[str, float]:
        """Returns the mean power of each meter over its last update; none of one with a single reading."""
        return {
            name: (readings[-1].value - readings[-2].value) / (readings[-1].time_s - readings[-2].time_s)
            for name, readings in self._readings.items()
            if len(readings) >= 2
        }
