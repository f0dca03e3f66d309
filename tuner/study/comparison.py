"""The recommendation against the baseline, from measurements that alternate."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean, stdev

from tuner.measuring.window import student_t
from tuner.study_record import Comparison
from tuner.trial import Interval, Measurement


def compare(baseline: Sequence[Measurement], recommended: Sequence[Measurement]) -> Comparison:
    """Compares two configurations that were measured in turn (A B A B ...).

    The saving comes from the mean of the rounds' log ratios, so that whatever drifts slowly cancels within a
    round; its interval is Student's t over the rounds.

    Args:
        baseline: The baseline's measurement in every round.
        recommended: The recommendation's measurement in the same rounds; at least two.
    """
    ratios = [
        math.log(after.energy.per_request_j / before.energy.per_request_j)
        for before, after in zip(baseline, recommended, strict=True)
    ]
    middle = fmean(ratios)
    half_width = student_t(len(ratios) - 1) * stdev(ratios) / math.sqrt(len(ratios))
    return Comparison(
        baseline_per_request_j=fmean(measurement.energy.per_request_j for measurement in baseline),
        recommended_per_request_j=fmean(measurement.energy.per_request_j for measurement in recommended),
        saving=1.0 - math.exp(middle),
        saving_interval=Interval(1.0 - math.exp(middle + half_width), 1.0 - math.exp(middle - half_width)),
        rounds=len(ratios),
    )
