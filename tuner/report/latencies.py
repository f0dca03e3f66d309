"""Which latencies the tables show: those that an SLO bounds first, and for language models all three kinds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from tuner.objective import LatencyMetric, Slo
from tuner.report.vocabulary import bound_text, quantile_title
from tuner.trial import LatencyResult, Measurement

_RECORDED = {50.0: "p50_s", 90.0: "p90_s", 95.0: "p95_s", 99.0: "p99_s"}
"""The percentiles that a record keeps of every latency."""
_USUAL_PERCENTILE = 90.0
_MEANINGS = {
    LatencyMetric.LATENCY: "",
    LatencyMetric.TTFT: "first token",
    LatencyMetric.TPOT: "each token",
}


@dataclass(frozen=True)
class ShownLatency:
    """One percentile of one latency.

    Attributes:
        slo: The percentile, the metric and the bound; an infinite one if nothing bounds it.
        position: Which of the objective's it is; None if nothing bounds it. The record keeps those that are bounded
            at any percentile, and all others at a few.
    """

    slo: Slo
    position: int | None = None

    @property
    def label(self) -> str:
        """What is shown: "p90", "p90 ttft"."""
        return self.slo.quantile

    @property
    def title(self) -> str:
        """What is shown, where it stands alone: "p90 latency", "p90 ttft"."""
        return quantile_title(self.slo)

    @property
    def meaning(self) -> str:
        """What the metric's name stands for; empty where it says so itself."""
        return _MEANINGS[self.slo.metric]

    @property
    def bound(self) -> str:
        """What the SLO asks for: "≤ 200 ms"; empty if there is none."""
        return bound_text(self.slo) if math.isfinite(self.slo.bound_s) else ""

    def of(self, measurement: Measurement) -> float | None:
        """Returns this latency in a measurement, in seconds; None if the record does not keep it."""
        if self.position is not None and self.position < len(measurement.slo_latencies_s):
            return measurement.slo_latencies_s[self.position]
        name, summary = _RECORDED.get(self.slo.percentile), _summary(measurement, self.slo.metric)
        return None if name is None or summary is None else float(getattr(summary, name))


def shown_latencies(slos: Sequence[Slo], *, has_tokens: bool) -> tuple[ShownLatency, ...]:
    """Returns the latencies to be shown.

    Args:
        slos: The objective's, at least one.
        has_tokens: Whether a language model was served: then no kind of latency is left out.
    """
    bounded = [ShownLatency(slo, position) for position, slo in enumerate(slos)]
    if not has_tokens:
        return tuple(bounded)
    percentile = slos[0].percentile if slos[0].percentile in _RECORDED else _USUAL_PERCENTILE
    missing = [metric for metric in LatencyMetric if metric not in {slo.metric for slo in slos}]
    return (*bounded, *(ShownLatency(Slo(percentile, math.inf, metric)) for metric in missing))


def _summary(measurement: Measurement, metric: LatencyMetric) -> LatencyResult | None:
    if metric is LatencyMetric.LATENCY:
        return measurement.latency
    if measurement.tokens is None:
        return None
    return measurement.tokens.ttft if metric is LatencyMetric.TTFT else measurement.tokens.tpot
