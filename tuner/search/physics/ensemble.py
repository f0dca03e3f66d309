"""What imagined devices do under given settings: latency, seconds per request, and power.

Time is a roofline (Williams et al., *Roofline*, CACM 2009): each resource is busy for its share of the work over its
speed, and the times add up in a norm between "one after another" and "all at once". A batch costs nothing until it
fills the device, and its own size from there on. Cores divide what can be divided (Amdahl's law). Power is leakage
plus ``f V(f)^2`` for each resource, partly in proportion to how busy it is (Weste and Harris, *CMOS VLSI Design*,
section 5.2). A power cap lowers the accelerator's clock until power fits. Under an arrival rate, the device works for
as long as there is work, and requests wait as in a queue (Kleinrock, *Queueing Systems*, section 3.2).
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from tuner.search.encoding import Encoding
from tuner.search.evidence import Output
from tuner.search.physics.controls import CPU, Controls, Settings
from tuner.search.physics.devices import imagine

DEVICES = 256

_LOWEST_THROTTLE = 0.15
_BISECTIONS = 14
_MOST_UTILIZED = 0.98


class Ensemble:
    """Imagined devices, asked all at once. Answers are relative to the highest settings."""

    def __init__(
        self, encoding: Encoding, is_paced: bool, utilization: float | None = None, count: int = DEVICES
    ) -> None:
        """Imagines the devices.

        Args:
            encoding: Of the space.
            is_paced: Whether requests come at a rate of their own.
            count: How many devices.
            utilization: Share of time in which work is under way at the highest settings; None if nobody knows.
        """
        self._controls = Controls(encoding)
        self._devices = imagine(self._controls, count, utilization)
        self._is_paced = is_paced

    def __call__(self, features: Tensor) -> Tensor:
        """Returns natural logarithms by :class:`Output`, ``3 x n x devices`` (for features ``n x d``)."""
        settings = self._controls.settings(features)
        time, power = self._uncapped(settings) if settings.cap is None else self._capped(settings, settings.cap)
        batch_time = time.log() + self._batch_time(settings) + self._offset(settings, self._devices.slower)
        latency, seconds_per_request = self._crowded(settings, batch_time)
        log_power = self._offset(settings, self._devices.hungrier)
        if self._is_paced:
            busy = self._utilization(settings, seconds_per_request)
            latency = latency + self._waiting(busy)
            power = self._devices.static + (power - self._devices.static) * busy / self._devices.utilization
            pace = -settings.rate.log().expand_as(latency)
        else:
            pace = seconds_per_request - latency
        log_power = log_power + power.log() + self._devices.filling * (settings.batch / settings.largest_batch).log()
        outputs = {Output.LATENCY: latency, Output.PACE: pace, Output.POWER: log_power}
        return torch.stack([outputs[output] for output in Output])

    # Time and power of a batch --------------------------------------------------------------------

    def _uncapped(self, settings: Settings) -> tuple[Tensor, Tensor]:
        return self._at_throttle(settings, settings.batch.new_ones(1, 1))

    def _capped(self, settings: Settings, cap: Tensor) -> tuple[Tensor, Tensor]:
        """Finds the highest throttle at which power fits into the cap, by bisection."""
        allowed = cap / self._devices.demand
        filling = (settings.batch / settings.largest_batch) ** self._devices.filling
        high = torch.ones_like(allowed)
        low = torch.full_like(allowed, _LOWEST_THROTTLE)
        free = self._at_throttle(settings, high)[1] * filling <= allowed
        for _ in range(_BISECTIONS):
            middle = (low + high) / 2
            fits = self._at_throttle(settings, middle)[1] * filling <= allowed
            low, high = torch.where(fits, middle, low), torch.where(fits, high, middle)
        return self._at_throttle(settings, torch.where(free, torch.ones_like(low), low))

    def _at_throttle(self, settings: Settings, throttle: Tensor) -> tuple[Tensor, Tensor]:
        """Returns time and power of a batch, relative to the highest settings, ``n x devices``.

        Args:
            settings: The settings.
            throttle: By which factor a power cap slows down what it caps.
        """
        devices = self._devices
        capped = self._controls.capped
        clocks = {name: clock * throttle if name in capped else clock for name, clock in settings.clocks.items()}
        active = self._active_cores(settings)
        parts = {
            name: devices.busy[name] / (clock * (self._cpu_speed(settings) if name == CPU else 1.0))
            for name, clock in clocks.items()
        }
        time, time_at_most = self._total(parts), self._total(devices.busy)
        power = devices.static
        for name, clock in clocks.items():
            busier = (parts[name] / time) / (devices.busy[name] / time_at_most)
            load = devices.idling[name] + (1 - devices.idling[name]) * busier
            power = power + devices.dynamic[name] * clock ** devices.steepness[name] * load * (
                active if name == CPU else 1.0
            )
        return time / time_at_most, power

    def _total(self, parts: Mapping[str, Tensor]) -> Tensor:
        norm = self._devices.overlap
        return (
            torch.stack([part**norm for part in torch.broadcast_tensors(*parts.values())]).sum(0) ** (1 / norm)
            + self._devices.fixed
        )

    def _cpu_speed(self, settings: Settings) -> Tensor:
        speed = settings.quota
        for (ratio, highest), parallel, contention in zip(
            settings.cores, self._devices.parallel, self._devices.contention, strict=True
        ):
            speed = speed * (
                _amdahl(torch.tensor(highest, dtype=torch.float64), parallel, contention)
                / _amdahl(ratio * highest, parallel, contention)
            )
        return speed

    def _active_cores(self, settings: Settings) -> Tensor:
        active = settings.quota
        for ratio, _ in settings.cores:
            active = active * ratio
        return active

    def _batch_time(self, settings: Settings) -> Tensor:
        """Returns by how much the batch lengthens the time, as a logarithm, relative to the largest batch."""
        devices = self._devices

        def time(batch: Tensor) -> Tensor:
            filled = (batch / devices.saturation) ** (devices.sharpness * devices.growth)
            return torch.log1p(filled) / devices.sharpness

        return time(settings.batch) - time(torch.tensor(settings.largest_batch, dtype=torch.float64))

    def _offset(self, settings: Settings, changes: tuple[Tensor, ...]) -> Tensor:
        offset = torch.zeros_like(settings.batch)
        for chosen, change in zip(settings.categories, changes, strict=True):
            offset = offset + chosen * change
        return offset

    # Requests -------------------------------------------------------------------------------------

    def _crowded(self, settings: Settings, batch_time: Tensor) -> tuple[Tensor, Tensor]:
        """Returns log latency and log seconds per request: batches, and instances that share the device."""
        latency = batch_time
        seconds_per_request = batch_time - (settings.batch / settings.largest_batch).log()
        for (ratio, highest), crowding in zip(settings.instances, self._devices.crowding, strict=True):
            slower = torch.log1p((ratio * highest - 1) * crowding) - torch.log1p((highest - 1) * crowding)
            latency = latency + slower
            seconds_per_request = seconds_per_request + slower - ratio.log()
        return latency, seconds_per_request

    def _utilization(self, settings: Settings, log_seconds: Tensor) -> Tensor:
        return (self._devices.utilization * settings.rate * log_seconds.exp()).clamp_max(_MOST_UTILIZED)

    def _waiting(self, busy: Tensor) -> Tensor:
        """Returns by how much waiting lengthens latency, as a logarithm, relative to the highest settings."""

        def waiting(utilization: Tensor) -> Tensor:
            return torch.log1p(self._devices.queueing * utilization / (1 - utilization))

        return waiting(busy) - waiting(self._devices.utilization)


def _amdahl(cores: Tensor, parallel: Tensor, contention: Tensor) -> Tensor:
    """Returns the time on so many cores, relative to one (Amdahl 1967; Gunther's contention term)."""
    return (1 - parallel) + parallel / cores + contention * parallel * cores.log()
