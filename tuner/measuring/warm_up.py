"""Settling and warming up: load flows until nothing moves any more, or until it has taken too long."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

from knobs.contract import Reading
from serving_adapter.contract import Slice
from tuner.config_record import MeasurementSettings
from tuner.measuring.confidence import Steadiness
from tuner.measuring.latencies import latencies_of
from tuner.objective import LatencyMetric

_HORIZON_SLICES = 8
"""Warming up ends when nothing much will change over as many slices. What moves more slowly than that would have to be
looked at for very long before it shows; the window itself notices it, by its drift."""


@dataclass(frozen=True)
class WarmUp:
    """How a warm-up ended.

    Attributes:
        duration_s: How long load flowed.
        last: The last slice; None if there was none.
        complaint: Why it was given up, in a sentence; empty if all was steady.
    """

    duration_s: float
    last: Slice | None
    complaint: str = ""


@dataclass(frozen=True)
class Heat:
    """What warming up has to do with temperatures.

    Attributes:
        longest_s: For how long load may flow until they stand still.
        stands_still: Tells whether they do, as far as anybody can tell.
    """

    longest_s: float
    stands_still: Callable[[], bool]


def warm_up(
    run: Callable[[], Slice],
    sample: Callable[[], Reading],
    settings: MeasurementSettings,
    should_end: Callable[[], bool],
    heat: Heat | None = None,
    is_even: bool = True,
) -> WarmUp:
    """Lets load flow until latency and power are steady.

    Args:
        run: Lets load flow for a slice.
        sample: Reads the meter.
        settings: How long it may take, and what is steady.
        should_end: Whether there is no point in going on, asked after every slice.
        heat: What temperatures have to do with it; None if they need not stand still.
        is_even: Whether load is generated evenly. Real traffic never is: it warms up for the shortest time, unjudged.
    """
    steadiness = Steadiness(settings.steady_within, _HORIZON_SLICES)
    before = sample()  # so that a meter that has rested knows its counter's rhythm when the window opens
    spent_s, longest_s = 0.0, settings.warm_up_s
    while True:
        piece = run()
        after = sample()
        spent_s += piece.end_s - piece.start_s
        steadiness.add(_latency_s(piece), _power_w(before, after))
        before = after
        is_warm = spent_s >= settings.min_warm_up_s and (steadiness.is_steady or not is_even)
        if should_end():
            return WarmUp(spent_s, piece)
        if is_warm and (heat is None or heat.stands_still()):
            return WarmUp(spent_s, piece)
        if is_warm and heat is not None:
            longest_s = max(settings.warm_up_s, heat.longest_s)
        if spent_s >= longest_s:
            return WarmUp(spent_s, piece, steadiness.why_not or "Temperatures still moved.")


def _latency_s(piece: Slice) -> float | None:
    if piece.traffic is not None:
        histogram = piece.traffic.histograms.get(LatencyMetric.LATENCY.value)
        return histogram.sum_s / histogram.count if histogram is not None and histogram.count else None
    latencies_s = [
        max(latencies_of(completion, LatencyMetric.LATENCY))
        for completion in piece.completions
        if not completion.failure
    ]
    return median(latencies_s) if latencies_s else None


def _power_w(before: Reading, after: Reading) -> float | None:
    elapsed_s = after.time_s - before.time_s
    return (after.value - before.value) / elapsed_s if elapsed_s > 0 else None
