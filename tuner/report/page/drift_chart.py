"""The chart of what the machine drifted by: every look at the baseline, and what was removed."""

from __future__ import annotations

import math

from tuner.report.digest import Digest, measurement_of
from tuner.report.page.figures import Figure, layout, points
from tuner.report.points import FRONT_COLOUR, SLO_COLOUR
from tuner.report.vocabulary import origin_text

_HEIGHT = 260
_MINUTE_S = 60.0
_PERCENT = 100.0


def drift_chart(digest: Digest) -> Figure:
    """Returns the chart; there is more than one look at the baseline."""
    origin = origin_text(digest.provenance, digest.scope)
    chart = layout("Minutes of measuring", f"Energy of the baseline\n({origin})", _HEIGHT)
    chart["yaxis"] |= {"zeroline": True, "zerolinecolor": SLO_COLOUR, "zerolinewidth": 1, "ticksuffix": " %"}
    chart["xaxis"] |= {"rangemode": "tozero"}
    return {"data": [_removed(digest), _looks(digest)], "layout": chart | {"showlegend": False}}


def _removed(digest: Digest) -> Figure:
    return {
        "type": "scatter",
        "mode": "lines",
        "x": _minutes(digest),
        "y": [_PERCENT * math.expm1(log_factor) for log_factor in digest.drift.log_factors],
        "name": "removed",
        "line": {"color": FRONT_COLOUR, "width": 2},
        "hoverinfo": "skip",
    }


def _looks(digest: Digest) -> Figure:
    energies = [measurement_of(trial).energy for trial in digest.looks_for_drift]
    first_j = energies[0].per_request_j

    def percent(joules: float) -> float:
        return _PERCENT * joules / first_j

    marker = {"color": FRONT_COLOUR, "size": 9}
    changes = [percent(energy.per_request_j - first_j) for energy in energies]
    looks = points(digest, digest.looks_for_drift, _minutes(digest), changes, marker)
    error = {
        "type": "data",
        "symmetric": False,
        "array": [percent(energy.interval.high - energy.per_request_j) for energy in energies],
        "arrayminus": [percent(energy.per_request_j - energy.interval.low) for energy in energies],
        "color": FRONT_COLOUR,
        "thickness": 1.5,
        "width": 4,
    }
    return looks | {"name": "looks at the baseline", "error_y": error}


def _minutes(digest: Digest) -> list[float]:
    return [time_s / _MINUTE_S for time_s in digest.drift.times_s]
