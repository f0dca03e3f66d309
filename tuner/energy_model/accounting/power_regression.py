"""Powers of operators that are shorter than the meter's period.

Between two readings of a slow meter many operators run, and a split at constant power says that all of them draw the
same. Over many repetitions, however, readings fall differently: each interval ``w`` holds another mix. So

    joules of w = sum over operators k of power_k * seconds of k within w + idle power * idle seconds within w

is solved for powers not below zero, drawn towards one common power by as much as pays on intervals that the fit has not
seen. Where no difference of powers pays there, the plain split stands.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tuner.energy_model.accounting.meter_windows import Windows
from tuner.energy_model.accounting.nesting import Nesting
from tuner.energy_model.accounting.split import Metered, Split
from tuner.energy_model.accounting.timeline import Floats, Integers, Timeline

_LEAST_SHARE = 0.01
_MOST_GROUPS = 24
_INTERVALS_A_GROUP = 4
_FOLDS = 5
_STRENGTHS = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)
_LEAST_GAIN = 0.05
_RESAMPLES = 40
_DEVIATIONS_OF_95_PERCENT = 2.0
_SHORT = 1.0
"""A meter is slow for operators whose calls take less than this many of its periods."""

_Matrix = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Resolved:
    """How the joules of one meter were split.

    Attributes:
        metered: What the meter saw, idle joules as they are now.
        method: How, in words.
        relative_half_widths: Of each label the relative half width that the regression leaves; empty without one.
    """

    metered: Metered
    method: str
    relative_half_widths: tuple[float, ...] = ()


def resolve(timeline: Timeline, nesting: Nesting, shares: Split) -> tuple[Split, tuple[Resolved, ...]]:
    """Improves a split where a meter is too slow for it.

    Args:
        timeline: The events.
        nesting: Who is within whom.
        shares: The split at constant power between readings.

    Returns:
        The split, with the joules of each meter conserved, and of each meter how it was done.
    """
    energy_j = shares.energy_j.copy()
    found: list[Resolved] = []
    for seen in shares.meters:
        windows = Windows(timeline, nesting, seen)
        found.append(_resolve(timeline, shares, seen, windows, energy_j))
    meters = tuple(one.metered for one in found)
    return Split(energy_j, shares.self_ns, meters), tuple(found)


def _resolve(timeline: Timeline, shares: Split, seen: Metered, windows: Windows, energy_j: Floats) -> Resolved:
    group = _groups(timeline, shares, windows.events)
    groups = int(group.max(initial=0)) + 1
    typical_ns = float(np.median(timeline.end_ns[windows.events] - timeline.start_ns[windows.events]))
    if typical_ns > _SHORT * seen.series.update_ns:
        return Resolved(seen, "split at every reading; operators last longer than the meter's period")
    if groups < 2 or windows.count < _INTERVALS_A_GROUP * (groups + 1):
        return Resolved(seen, f"split at every reading; {windows.count} readings are too few to tell powers apart")
    seconds = windows.seconds(group[timeline.label], groups)
    fit = _Fit(seconds, windows.energy_j)
    if fit.gain < _LEAST_GAIN:
        return Resolved(seen, "split at every reading; the meter shows no difference between operators' powers")
    return _apply(timeline, seen, windows, energy_j, group, fit)


def _apply(
    timeline: Timeline, seen: Metered, windows: Windows, energy_j: Floats, group: Integers, fit: _Fit
) -> Resolved:
    """Gives each operator its own power; what the fit leaves over is spread over all of it."""
    events = windows.events
    charged_s = windows.charged_s()
    power_w = fit.power_w[:-1][group[timeline.label[events]]]
    energies_j = power_w * charged_s
    idle_j = fit.power_w[-1] * seen.idle_s
    factor = seen.energy_j / (energies_j.sum() + idle_j)
    energy_j[events] = energies_j * factor
    error = np.append(fit.relative_half_widths[:-1], 0.0)[group]
    method = (
        f"regression over {windows.count} readings, off by {fit.error:.1%} on those it had not seen "
        f"(one power for all: {fit.flat_error:.1%})"
    )
    return Resolved(replace(seen, idle_j=idle_j * factor), method, tuple(error.tolist()))


def _groups(timeline: Timeline, shares: Split, events: Integers) -> Integers:
    """Returns of each label its group: operators of one name are one, and what takes little time is another."""
    names = [label.name if label.kind.name != "MODULE" else "" for label in timeline.labels]
    numbers = {name: number for number, name in enumerate(dict.fromkeys(names))}
    of_label = np.array([numbers[name] for name in names], dtype=np.int64)
    time_ns = np.bincount(of_label[timeline.label[events]], weights=shares.self_ns[events], minlength=len(numbers))
    order = np.argsort(-time_ns, kind="stable")
    large = [number for number in order[: _MOST_GROUPS - 1] if time_ns[number] >= _LEAST_SHARE * time_ns.sum()]
    place = np.full(len(numbers), len(large), dtype=np.int64)
    place[large] = np.arange(len(large))
    return place[of_label]


class _Fit:
    """Powers of groups, the last of which is idling, and what they are worth."""

    def __init__(self, seconds: _Matrix, energy_j: Floats) -> None:
        self._seconds, self._energy_j = seconds, energy_j
        errors = {strength: self._held_out_error(strength) for strength in _STRENGTHS}
        strength = min(errors, key=errors.__getitem__)
        self.error, self.flat_error = errors[strength], self._held_out_error(None)
        self.gain = 1.0 - self.error / self.flat_error if self.flat_error > 0 else 0.0
        self.power_w = _powers(seconds, energy_j, strength)
        self.relative_half_widths = self._half_widths(strength) if self.gain >= _LEAST_GAIN else np.zeros(0)

    def _held_out_error(self, strength: float | None) -> float:
        """Returns the relative error (root of mean square) of intervals, each fold predicted from the others."""
        squares = 0.0
        for fold in np.array_split(np.arange(len(self._energy_j)), _FOLDS):
            others = np.setdiff1d(np.arange(len(self._energy_j)), fold)
            powers = _powers(self._seconds[others], self._energy_j[others], strength)
            squares += float(((self._seconds[fold] @ powers - self._energy_j[fold]) ** 2).sum())
        return float(np.sqrt(squares / len(self._energy_j)) / self._energy_j.mean())

    def _half_widths(self, strength: float) -> Floats:
        """Returns relative half widths of 95 % intervals, from intervals drawn again with replacement."""
        generator = np.random.default_rng(0)
        count = len(self._energy_j)
        drawn = [generator.integers(count, size=count) for _ in range(_RESAMPLES)]
        powers = np.array([_powers(self._seconds[rows], self._energy_j[rows], strength) for rows in drawn])
        spread = _DEVIATIONS_OF_95_PERCENT * powers.std(axis=0)
        relative: Floats = np.divide(spread, self.power_w, out=np.zeros_like(spread), where=self.power_w > 0)
        return relative


def _powers(seconds: _Matrix, energy_j: Floats, strength: float | None) -> Floats:
    """Non-negative least squares (Lawson and Hanson, 1974, ch. 23), drawn towards one power of all that is active.

    Args:
        seconds: Of each interval, the seconds of each group and the idle ones; shape (intervals, groups + 1).
        energy_j: Joules of each interval.
        strength: How strongly powers are drawn together; None for one common power.
    """
    from scipy.optimize import nnls

    flat = np.stack((seconds[:, :-1].sum(axis=1), seconds[:, -1]), axis=1)
    common, _ = nnls(flat, energy_j)
    groups = seconds.shape[1] - 1
    prior = np.append(np.full(groups, common[0]), common[1])
    if strength is None:
        return prior
    weight = np.sqrt(strength * (seconds**2).sum() / len(prior))
    found, _ = nnls(np.concatenate((seconds, weight * np.eye(len(prior)))), np.concatenate((energy_j, weight * prior)))
    return np.asarray(found, dtype=np.float64)
