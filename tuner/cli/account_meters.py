"""Which meters of this machine account for a model: one for each device, and no joule twice."""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Iterable, Sequence

from knobs.contract import Meter, Provenance, Scope
from tuner.cli.hardware import open_inventory, settings_or_defaults
from tuner.errors import BadInputError

_GPU = re.compile(r"gpu:?(\d*)")
_BY_WIDTH = (Scope.CPU, Scope.SOC, Scope.BOARD, Scope.WALL)
_BY_TRUST = (Provenance.MEASURED, Provenance.SIMULATED, Provenance.ESTIMATED)

Metered = tuple[Meter, tuple[str, ...]]
"""A meter, and the devices of the trace whose joules it counts."""


def choose_meters(arguments: argparse.Namespace, gpus: Sequence[int]) -> list[Metered]:
    """Returns the meters to sample: measured ones before estimates, narrow scopes before wide ones.

    Args:
        arguments: Those of :func:`~tuner.cli.arguments.add_places`, and ``meter``: the id of the only one to use.
        gpus: The numbers of the GPUs on which the model runs.

    Raises:
        BadInputError: There is no such meter, or none for the CPU.
    """
    inventory = open_inventory(settings_or_defaults(arguments.config, arguments.device), arguments.runtime_dir)
    inventory.attach(os.getpid())
    meters = inventory.meters
    devices = ("cpu", *(f"gpu:{number}" for number in gpus))
    if arguments.meter is not None:
        if arguments.meter not in meters:
            raise BadInputError(f"There is no meter '{arguments.meter}': this machine has {', '.join(meters)}.")
        return [(meters[arguments.meter], _covered(meters[arguments.meter], devices))]
    host = _best(meter for meter in meters.values() if meter.spec.scope in _BY_WIDTH)
    if host is None:
        raise BadInputError("No meter of this machine counts the joules of its CPU: see wattune probe.")
    if host.spec.scope is not Scope.CPU:
        return [(host, devices)]
    return [(host, ("cpu",)), *_gpu_meters(meters.values(), devices[1:])]


def _gpu_meters(meters: Iterable[Meter], gpus: Sequence[str]) -> list[Metered]:
    """One meter may count the joules of several GPUs together."""
    of_gpus = [meter for meter in meters if meter.spec.scope is Scope.GPU]
    chosen = {gpu: _best(meter for meter in of_gpus if gpu in _covered(meter, gpus)) for gpu in gpus}
    used = {id(meter): meter for meter in chosen.values() if meter is not None}
    return [(meter, _covered(meter, gpus)) for meter in used.values()]


def _best(meters: Iterable[Meter]) -> Meter | None:
    def rank(meter: Meter) -> tuple[int, int]:
        spec = meter.spec
        return _BY_TRUST.index(spec.provenance), _BY_WIDTH.index(spec.scope) if spec.scope in _BY_WIDTH else 0

    return min(meters, key=rank, default=None)


def _covered(meter: Meter, devices: Sequence[str]) -> tuple[str, ...]:
    """Returns the devices whose joules a meter counts; one of the device ``gpu`` counts those of all GPUs."""
    if meter.spec.scope is Scope.CPU:
        return ("cpu",)
    if meter.spec.scope is not Scope.GPU:
        return tuple(devices)
    match = _GPU.fullmatch(meter.spec.device)
    wanted = f"gpu:{match[1]}" if match and match[1] else ""
    return tuple(device for device in devices if device == wanted or (not wanted and device.startswith("gpu:")))
