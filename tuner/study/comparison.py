"""The recommendation against the baseline, from measurements that alternate."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean, stdev

from tuner.measuring.confidence import student_t
from tuner.study_record import Comparison
from tuner.trial import Interval, Measurement


def compare(
    baseline: Sequence[Measurement],
    recommended: Sequence[Measurement],
    serving_only: Sequence[Measurement] = (),
) -> Comparison:
    """Compares configurations that were measured in turn (A B A B ...).

    Args:
        baseline: The baseline's measurement in every round.
        recommended: The recommendation's measurement in the same rounds; at least two.
        serving_only: The measurement, in the same rounds, of the baseline's knobs with the recommended serving
            parameters; empty if there is nothing to tell apart.
    """
    saving, interval = _saving(baseline, recommended)
    knob_saving, knob_interval = _saving(serving_only, recommended) if serving_only else (None, None)
    return Comparison(
        baseline_per_request_j=fmean(measurement.energy.per_request_j for measurement in baseline),
        recommended_per_request_j=fmean(measurement.energy.per_request_j for measurement in recommended),
        saving=saving,
        saving_interval=interval,
        rounds=len(recommended),
        knob_saving=knob_saving,
        knob_saving_interval=knob_interval,
    )


def _saving(baseline: Sequence[Measurement], recommended: Sequence[Measurement]) -> tuple[float, Interval]:
    """Returns the share of energy saved and its 95 % interval.

    It comes from the mean of the rounds' log ratios, so that whatever drifts slowly cancels within a round; the
    interval is Student's t over the rounds.
    """
    ratios = [
        math.log(after.energy.per_request_j / before.energy.per_request_j)
        for before, after in zip(baseline, recommended, strict=True)
    ]
    middle = fmean(ratios)
    half_width = student_t(len(ratios) - 1) * stdev(ratios) / math.sqrt(len(ratios))
    return 1.0 - math.exp(middle), Interval(1.0 - math.exp(middle + half_width), 1.0 - math.exp(middle - half_width))
