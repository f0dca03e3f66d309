"""The cost of something short: repeated in windows that a meter can resolve, after a warm-up.

A window's energy is the mean power between the meter's readings at its ends, times its length: a counter that moves
in steps tells the instants of its steps. What runs before the first window is the same work, so that a step that
began before the window saw nothing else. The quickest window counts: what else a machine does only ever adds to one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tuner.energy_model.model_tree.node import Measured

Sample = Callable[[], tuple[float, float]]
"""Returns the instant of a meter's reading and the joules counted up to it."""

WINDOWS = 5
_LEAST_WARM_UP_S = 0.05
_UPDATES_A_WINDOW = 20
_UPDATES_OF_WARM_UP = 3


@dataclass(frozen=True)
class Repetition:
    """How long something is repeated.

    Attributes:
        window_s: Length of a window.
        warm_up_s: Length of the warm-up.
    """

    window_s: float
    warm_up_s: float

    @classmethod
    def of(cls, duration_s: float, update_period_s: float) -> Repetition:
        """Returns windows that fill about the given time, and longer ones where the meter needs them.

        Args:
            duration_s: Time for all windows together.
            update_period_s: How often the meter's value changes.
        """
        window_s = max(duration_s / WINDOWS, _UPDATES_A_WINDOW * update_period_s)
        return cls(window_s, max(_LEAST_WARM_UP_S, _UPDATES_OF_WARM_UP * update_period_s))

    @property
    def duration_s(self) -> float:
        """About how long one measurement takes."""
        return self.warm_up_s + WINDOWS * self.window_s


def measure(
    execute: Callable[[], object], repetition: Repetition, sample: Sample, clock: Callable[[], float]
) -> Measured:
    """Measures one execution of something.

    Args:
        execute: Runs it once; returns when it is done.
        repetition: How long.
        sample: Reads the meter.
        clock: The monotonic clock.
    """
    _window(execute, repetition.warm_up_s, sample, clock)
    windows = [_window(execute, repetition.window_s, sample, clock) for _ in range(WINDOWS)]
    return min(windows, key=lambda cost: cost.time_s)


def _window(execute: Callable[[], object], length_s: float, sample: Sample, clock: Callable[[], float]) -> Measured:
    """Repeats for at least the given time, looking at the clock seldom enough not to be seen in the result."""
    begin_s, (first_s, first_j) = clock(), sample()
    executions, together = 0, 1
    while clock() - begin_s < length_s:
        for _ in range(together):
            execute()
        executions += together
        left_s = length_s - (clock() - begin_s)
        together = max(1, min(2 * together, int(executions * left_s / max(length_s - left_s, 1e-9))))
    time_s = (clock() - begin_s) / executions
    last_s, last_j = sample()
    power_w = (last_j - first_j) / (last_s - first_s) if last_s > first_s else 0.0
    return Measured(energy_j=power_w * time_s, time_s=time_s)
