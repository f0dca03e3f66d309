"""The imagined devices with one group of their constants halved, doubled, or drawn closer together or further apart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Protocol

import torch
from torch import Tensor

from tuner.search.physics.devices import Devices


class DeviceChange(Protocol):
    """Devices to other devices."""

    def __call__(self, devices: Devices, /) -> Devices:
        """Returns the changed devices."""


def _shares(exponent: float) -> DeviceChange:
    """Makes the shares of time more even (exponents below 1) or more one-sided."""

    def changed(devices: Devices) -> Devices:
        parts = {name: share**exponent for name, share in devices.busy.items()}
        fixed = devices.fixed**exponent
        total = torch.stack([*parts.values(), fixed]).sum(0)
        return replace(devices, busy={name: part / total for name, part in parts.items()}, fixed=fixed / total)

    return changed


def _leakage(factor: float) -> DeviceChange:
    """Multiplies the odds of static power against dynamic power."""

    def changed(devices: Devices) -> Devices:
        static = torch.sigmoid(devices.static.logit() + torch.tensor(factor).log())
        rest = (1 - static) / (1 - devices.static)
        return replace(devices, static=static, dynamic={name: share * rest for name, share in devices.dynamic.items()})

    return changed


def _voltage(spread: float) -> DeviceChange:
    def changed(devices: Devices) -> Devices:
        exponents = {name: _spread(values, spread).clamp_min(0.0) for name, values in devices.steepness.items()}
        return replace(devices, steepness=exponents)

    return changed


def _idling(factor: float) -> DeviceChange:
    def changed(devices: Devices) -> Devices:
        return replace(
            devices, idling={name: (factor * share).clamp_max(1.0) for name, share in devices.idling.items()}
        )

    return changed


def _contention(factor: float) -> DeviceChange:
    return lambda devices: replace(devices, contention=tuple(factor * one for one in devices.contention))


def _parallel(spread: float) -> DeviceChange:
    return lambda devices: replace(devices, parallel=tuple(_spread(one, spread) for one in devices.parallel))


def _overlap(factor: float) -> DeviceChange:
    return lambda devices: replace(devices, overlap=1 + factor * (devices.overlap - 1))


def _bend(factor: float) -> DeviceChange:
    return lambda devices: replace(
        devices, sharpness=1 + factor * (devices.sharpness - 1), growth=1 + factor * (devices.growth - 1)
    )


def _saturation(factor: float) -> DeviceChange:
    return lambda devices: replace(devices, saturation=factor * devices.saturation)


def _saturation_spread(spread: float) -> DeviceChange:
    return lambda devices: replace(devices, saturation=_spread(devices.saturation.log(), spread).exp())


def _filling(factor: float) -> DeviceChange:
    return lambda devices: replace(devices, filling=factor * devices.filling)


def _demand(factor: float) -> DeviceChange:
    return lambda devices: replace(devices, demand=factor * devices.demand)


def _spread(values: Tensor, factor: float) -> Tensor:
    """Draws values closer to their median, or further away from it."""
    median = values.median()
    return median + factor * (values - median)


CHANGES: Mapping[str, DeviceChange] = {
    "time shares more even (square root)": _shares(0.5),
    "time shares more one-sided (squared)": _shares(2.0),
    "overlap of resources halved": _overlap(0.5),
    "overlap of resources doubled": _overlap(2.0),
    "batch that fills the device halved": _saturation(0.5),
    "batch that fills the device doubled": _saturation(2.0),
    "its range, in octaves, halved": _saturation_spread(0.5),
    "bend and growth over batch halved": _bend(0.5),
    "bend and growth over batch doubled": _bend(2.0),
    "contention of cores halved": _contention(0.5),
    "contention of cores doubled": _contention(2.0),
    "range of parallel work halved": _parallel(0.5),
    "odds of static power halved": _leakage(0.5),
    "odds of static power doubled": _leakage(2.0),
    "range of power over clock halved": _voltage(0.5),
    "range of power over clock doubled": _voltage(2.0),
    "power of idle resources halved": _idling(0.5),
    "power of idle resources doubled": _idling(2.0),
    "power over batch halved": _filling(0.5),
    "power over batch doubled": _filling(2.0),
    "demand over the highest cap halved": _demand(0.5),
    "demand over the highest cap doubled": _demand(2.0),
}
"""What is changed, by name; groups of :mod:`tuner.search.physics.devices` that the measured tables have a knob for."""
