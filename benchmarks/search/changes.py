"""One part of the search changed at a time, in this process and for as long as a run takes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from unittest.mock import patch

from benchmarks.search import device_changes, substitutes
from benchmarks.search.device_changes import DeviceChange
from benchmarks.search.fitted import FittedSurrogate
from benchmarks.search.remembering import RememberingEnsemble
from tuner.search import acquisition, bayesian, hyperparameters, incumbents, prior, surrogate
from tuner.search.hyperparameters import LogNormal
from tuner.search.physics import devices, ensemble
from tuner.search.physics.devices import imagine
from tuner.search.physics.draws import Draws

OURS = "ours"


class Sort(StrEnum):
    """What a change is made for."""

    OURS = "as it is"
    DRAW = "another draw of the devices"
    PART = "a part left out or replaced"
    SCALE = "hyper-parameters' priors"
    DEVICES = "what devices are imagined"


@dataclass(frozen=True)
class Swap:
    """Something that another thing takes the place of.

    Attributes:
        owner: The module or class that has it.
        name: Of its attribute.
        value: What takes its place.
    """

    owner: object
    name: str
    value: object


_ALWAYS = (Swap(bayesian, "BayesianProposer", substitutes.Searching), Swap(prior, "Ensemble", RememberingEnsemble))
"""What saves the benchmark time, and changes no proposal."""


@dataclass(frozen=True)
class Change:
    """One way in which the search is changed.

    Attributes:
        name: What is said of it.
        sort: What it is made for.
        swaps: What is replaced; nothing for the search as it is.
        is_slow: Whether it takes many times as long, so that it is only run when it is named.
    """

    name: str
    sort: Sort
    swaps: tuple[Swap, ...] = ()
    is_slow: bool = False

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Changes the search while the context lasts."""
        with ExitStack() as stack:
            for swap in (*_ALWAYS, *self.swaps):
                stack.enter_context(patch.object(swap.owner, swap.name, swap.value))
            yield


_NONE = LogNormal(1e-6, 1e-3)
_WHOLE = LogNormal(1.0, 1.0)
_OTHER_DRAWS = range(1, 7)


def _draws() -> Iterator[Change]:
    for seed in _OTHER_DRAWS:
        yield Change(f"devices drawn with seed {seed}", Sort.DRAW, (Swap(devices, "Draws", partial(Draws, seed=seed)),))


def _parts() -> Iterator[Change]:
    def change(name: str, *swaps: Swap, is_slow: bool = False) -> Change:
        return Change(name, Sort.PART, swaps, is_slow)

    free_polynomial = Swap(hyperparameters, "POLYNOMIAL_SCALE", _WHOLE)
    yield change(
        "no devices: polynomial of zero-mean slopes", Swap(prior, "Ensemble", substitutes.NoDevices), free_polynomial
    )
    yield change(
        "the devices' mean alone and a polynomial", Swap(hyperparameters, "PHYSICS_SCALE", _NONE), free_polynomial
    )
    yield change("no polynomial", Swap(hyperparameters, "POLYNOMIAL_SCALE", _NONE))
    yield change("no residual", Swap(hyperparameters, "RESIDUAL_SD", _NONE))
    yield change(
        "neither polynomial nor residual",
        Swap(hyperparameters, "POLYNOMIAL_SCALE", _NONE),
        Swap(hyperparameters, "RESIDUAL_SD", _NONE),
    )
    yield change("hyper-parameters at their medians", Swap(surrogate, "integrate", substitutes.at_medians))
    yield change("energy as one output", Swap(bayesian, "Surrogate", substitutes.EnergyAtOnce))
    yield change("64 devices", Swap(prior, "Ensemble", partial(RememberingEnsemble, count=64)))
    yield change("1,024 devices", Swap(prior, "Ensemble", partial(RememberingEnsemble, count=1024)))
    yield change("incumbent by what was measured", Swap(incumbents, "_best", substitutes.best_as_measured))
    yield change("outliers believed", Swap(surrogate.Surrogate, "_discount_outliers", lambda _: False))
    yield change(
        "probability of improvement", Swap(acquisition, "log_improvement", substitutes.log_improvement_probability)
    )
    yield change(
        "chance to hold the SLO squared", Swap(acquisition, "log_feasibility", substitutes.log_feasibility_squared)
    )
    yield change("fitted, one SingleTaskGP an output", Swap(bayesian, "Surrogate", FittedSurrogate), is_slow=True)


def _scales() -> Iterator[Change]:
    for name in ("PHYSICS_SCALE", "POLYNOMIAL_SCALE", "RESIDUAL_SD", "LENGTHSCALE", "NOISE_SD"):
        usual: LogNormal = getattr(hyperparameters, name)
        for word, factor in (("halved", 0.5), ("doubled", 2.0)):
            swap = Swap(hyperparameters, name, LogNormal(usual.median * factor, usual.sd))
            yield Change(f"{name} {word}", Sort.SCALE, (swap,))


def _devices() -> Iterator[Change]:
    for name, changed in device_changes.CHANGES.items():
        yield Change(name, Sort.DEVICES, (Swap(ensemble, "imagine", _then(changed)),))


def _then(changed: DeviceChange) -> Callable[..., devices.Devices]:
    return lambda *arguments: changed(imagine(*arguments))


CHANGES: Mapping[str, Change] = {
    change.name: change for change in (Change(OURS, Sort.OURS), *_draws(), *_parts(), *_scales(), *_devices())
}
"""Every change by name, in the order in which they are run and shown."""
