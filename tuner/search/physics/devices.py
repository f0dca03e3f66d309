"""Devices that were never built: the constants of their physics, drawn at random within what is known of real ones.

Each constant's distribution is stated where it is drawn. They are wide: what real accelerators and processors show,
not what one of them does. None was fitted to a single table (``docs/search.md`` says how they were chosen, and what
leaving a device out changes).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from tuner.search.physics.controls import CPU, MEMORY, Controls, is_accelerator
from tuner.search.physics.draws import Draws

_LEAST_BUSY = 0.02
_MOST_BUSY = 0.95


@dataclass(frozen=True)
class Devices:
    """The constants of ``m`` devices at work; every tensor is of length ``m``.

    Attributes:
        busy: Share of a batch's time that each resource is busy with every setting at its highest and the smallest
            batch.
        fixed: Share of that time that no setting changes (the network, the driver, waiting).
        overlap: Exponent of the norm in which the resources' times add up: 1 one after another, infinity all at once.
        saturation: The batch, relative to the smallest, from which on time grows in proportion to it.
        sharpness: How sharp that bend is.
        growth: Exponent of the growth beyond it; above 1 where caches overflow.
        parallel: Share of the work that more cores divide among them, by parameter.
        contention: What each further core costs the others, by parameter.
        static: Share of power that flows whatever is done.
        dynamic: The rest, by resource.
        steepness: Exponent of power over clock: 1 at constant voltage, nearly 3 where voltage rises with the clock.
        idling: Share of a resource's dynamic power that flows even while it has nothing to do.
        filling: Exponent of power over batch: units that a small batch leaves empty.
        demand: Power that the device would draw at the highest settings and the largest batch, over the highest cap.
        crowding: What each further instance costs the others, by parameter.
        utilization: Share of the time that work is under way, at the highest rate and the highest settings.
        queueing: How much of an M/M/1 queue's waiting there is.
        slower: Change of log time, by category.
        hungrier: Change of log power, by category.
    """

    busy: Mapping[str, Tensor]
    fixed: Tensor
    overlap: Tensor
    saturation: Tensor
    sharpness: Tensor
    growth: Tensor
    parallel: tuple[Tensor, ...]
    contention: tuple[Tensor, ...]
    static: Tensor
    dynamic: Mapping[str, Tensor]
    steepness: Mapping[str, Tensor]
    idling: Mapping[str, Tensor]
    filling: Tensor
    demand: Tensor
    crowding: tuple[Tensor, ...]
    utilization: Tensor
    queueing: Tensor
    slower: tuple[Tensor, ...]
    hungrier: tuple[Tensor, ...]


def imagine(controls: Controls, count: int, utilization: float | None = None) -> Devices:
    """Draws devices that have these controls.

    Args:
        controls: What can be set.
        count: How many devices.
        utilization: Share of time in which work is under way, if that is known.
    """
    resources = controls.resources
    draws = Draws(count, 5 * len(resources) + 2 * controls.cores + controls.instances + 2 * controls.categories + 16)
    *busy, fixed = draws.shares([*(_busy_concentration(name, resources) for name in resources), 0.4])
    dynamic = draws.shares([1.0 if _is_chief(name, resources) else 0.6 for name in resources])
    static = draws.logit_normal(0.4, 1.2)
    return Devices(
        busy=dict(zip(resources, busy, strict=True)),
        fixed=fixed,
        overlap=draws.log_uniform(1.0, 6.0),
        saturation=draws.log_uniform(0.5, 200.0),
        sharpness=draws.log_uniform(1.0, 4.0),
        growth=draws.uniform(0.9, 1.1),
        parallel=tuple(draws.uniform() for _ in range(controls.cores)),
        contention=tuple(draws.uniform(0.0, 0.15) for _ in range(controls.cores)),
        static=static,
        dynamic={name: share * (1 - static) for name, share in zip(resources, dynamic, strict=True)},
        steepness={name: draws.uniform(0.8, 2.8) for name in resources},
        idling={name: draws.uniform(0.0, 0.6) for name in resources},
        filling=draws.uniform(0.0, 0.35),
        demand=draws.log_normal(0.6, 0.5),
        crowding=tuple(draws.uniform() for _ in range(controls.instances)),
        utilization=_utilization(draws, utilization),
        queueing=draws.uniform(0.2, 1.2),
        slower=tuple(draws.normal(0.0, 0.25) for _ in range(controls.categories)),
        hungrier=tuple(draws.normal(0.0, 0.20) for _ in range(controls.categories)),
    )


def _utilization(draws: Draws, seen: float | None) -> Tensor:
    """Draws around what was seen, which a window's own traffic scatters about."""
    if seen is None:
        return draws.uniform(_LEAST_BUSY, _MOST_BUSY)
    return draws.logit_normal(min(max(seen, _LEAST_BUSY), _MOST_BUSY), 0.2)


def _is_chief(resource: str, resources: tuple[str, ...]) -> bool:
    """Tells whether a resource is what the model runs on: the accelerators, or the CPU where there is none."""
    return is_accelerator(resource) or (resource == CPU and not any(map(is_accelerator, resources)))


def _busy_concentration(resource: str, resources: tuple[str, ...]) -> float:
    if _is_chief(resource, resources):
        return 1.0
    return 0.5 if resource == MEMORY else 0.6
