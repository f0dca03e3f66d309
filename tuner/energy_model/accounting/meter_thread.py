"""Samples meters beside the work that is accounted for, in a thread of its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

from knobs.contract import DeviceError, Meter, Reading
from tuner.energy_model.accounting.power import PowerSeries, of_counter
from tuner.errors import WattuneError

_SHORTEST_PERIOD_S, _LONGEST_PERIOD_S = 0.02, 0.2
_LOOKS_AN_UPDATE = 4.0
_PATIENCE_S, _PATIENCE_UPDATES = 5.0, 10.0


class MeterThread:
    """While entered, keeps what meters show. They are asked about four times an update, at most 50 times a second."""

    def __init__(self, meters: Sequence[tuple[Meter, tuple[str, ...]]]) -> None:
        """Prepares.

        Args:
            meters: Meters, and the devices of the trace whose joules each of them counts.
        """
        self._meters = list(meters)
        self._readings: list[list[Reading]] = [[] for _ in self._meters]
        self._failure: DeviceError | None = None
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, name="wattune meters", daemon=True)
        quickest_s = min(meter.spec.update_period_s for meter, _ in self._meters)
        self._period_s = min(max(quickest_s / _LOOKS_AN_UPDATE, _SHORTEST_PERIOD_S), _LONGEST_PERIOD_S)

    def __enter__(self) -> MeterThread:
        self._look()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def wait_beyond(self, instant_s: float) -> None:
        """Waits until every meter has shown something at an instant or after it.

        Raises:
            WattuneError: One shows nothing for so long that it is taken for lost.
        """
        slowest_s = max(meter.spec.update_period_s for meter, _ in self._meters)
        deadline_s = time.monotonic() + max(_PATIENCE_S, _PATIENCE_UPDATES * slowest_s)
        while (stale := self._not_beyond(instant_s)) and time.monotonic() < deadline_s and self._failure is None:
            time.sleep(self._period_s)
        if stale:
            raise WattuneError(f"{stale} shows nothing new: see wattune probe. {self._failure or ''}".rstrip())

    def series(self) -> list[PowerSeries]:
        """Returns what each meter showed, on the monotonic clock.

        Raises:
            BadInputError: One showed too little.
        """
        return [
            of_counter(
                meter.spec.id,
                devices,
                [round(reading.time_s * 1e9) for reading in readings],
                [reading.value for reading in readings],
                meter.spec.provenance,
                meter.spec.scope,
            )
            for (meter, devices), readings in zip(self._meters, self._readings, strict=True)
        ]

    def _run(self) -> None:
        next_s = time.monotonic()
        while not self._done.is_set():
            try:
                self._look()
            except DeviceError as error:
                self._failure = error
                return
            next_s = max(next_s + self._period_s, time.monotonic())
            self._done.wait(next_s - time.monotonic())

    def _look(self) -> None:
        for (meter, _), readings in zip(self._meters, self._readings, strict=True):
            reading = meter.sample()
            if not readings or reading.time_s > readings[-1].time_s:
                readings.append(reading)

    def _not_beyond(self, instant_s: float) -> str:
        for (meter, _), readings in zip(self._meters, self._readings, strict=True):
            if readings[-1].time_s < instant_s:
                return meter.spec.id
        return ""
