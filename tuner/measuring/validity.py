"""Whether what was measured counts: the meter, the server, and what was set against what was found."""

from __future__ import annotations

from collections.abc import Mapping

from knobs.contract import KnobSpec
from tuner.config_record import MeasurementSettings
from tuner.configuration import Value
from tuner.measuring.tally import Tally
from tuner.measuring.window import LEAST_READINGS, Window
from tuner.objective import Objective, Scenario
from tuner.trial import Rejection, RejectionCause

_LARGEST_GAP = 0.1
"""Share of a window without samples of the meter beyond which its energy is a guess."""

_GENERATED_EVENLY = (Scenario.SINGLE_STREAM, Scenario.MULTI_STREAM, Scenario.OFFLINE)
"""Where power and latency change although load does not, the machine changes. Elsewhere it may be the traffic."""


def lapse_of(window: Window, tally: Tally, objective: Objective, settings: MeasurementSettings) -> Rejection | None:
    """Returns why a window does not count; None if it does.

    Args:
        window: The window, closed.
        tally: What became of its requests.
        objective: What was asked for.
        settings: How much is too much.
    """
    return (
        _too_many_errors(tally, settings)
        or _no_requests(window, tally, objective)
        or _meter_lapse(window)
        or _no_work(window)
        or _drift(window, objective, settings)
    )


def _too_many_errors(tally: Tally, settings: MeasurementSettings) -> Rejection | None:
    total = tally.requests + tally.failed
    if tally.failed <= settings.max_error_share * total:
        return None
    last = f", the last because: {tally.last_failure}" if tally.last_failure else ""
    return Rejection(RejectionCause.ERRORS, f"{tally.failed} of {total} requests failed{last or '.'}")


def _no_requests(window: Window, tally: Tally, objective: Objective) -> Rejection | None:
    if not tally.requests:
        return _nothing_completed(window)
    for slo in objective.slos:
        if not tally.latencies(slo.metric):
            return Rejection(
                RejectionCause.WORKLOAD,
                f"Nothing that was served has a latency of the kind that '{slo}' bounds; ttft and tpot are those of "
                "language models that stream their answer.",
            )
    return None


def _no_work(window: Window) -> Rejection | None:
    """Requests may have been completed, and none of them between two readings of the meter."""
    return None if window.items else _nothing_completed(window)


def _nothing_completed(window: Window) -> Rejection:
    return Rejection(RejectionCause.WORKLOAD, f"No request was completed within {window.loaded_s:.1f} s.")


def _meter_lapse(window: Window) -> Rejection | None:
    meter, readings = window.meter, window.readings
    if len(readings) < LEAST_READINGS:
        return Rejection(
            RejectionCause.METER,
            f"{meter.id} moved only {max(0, len(readings) - 1)} times in the window: it is updated every "
            f"{meter.update_period_s:g} s, so set a longer window_s.",
        )
    if window.gap_s > _LARGEST_GAP * window.duration_s:
        return Rejection(
            RejectionCause.METER,
            f"{meter.id} had no samples for {window.gap_s:.2f} of {window.duration_s:.2f} s.",
        )
    return None


def _drift(window: Window, objective: Objective, settings: MeasurementSettings) -> Rejection | None:
    if objective.scenario not in _GENERATED_EVENLY:
        return None
    drift = window.account().drift
    if not drift.is_significant or abs(drift.change) <= settings.max_drift:
        return None
    return Rejection(
        RejectionCause.DRIFT,
        f"Power changed by {drift.change:+.0%} from the first to the second half of the window: the machine had not "
        "settled.",
    )


def mismatch_of(knobs: Mapping[str, KnobSpec], wanted: Mapping[str, Value], found: Mapping[str, Value]) -> str:
    """Returns which value does not read back, in a sentence; empty if all do.

    Args:
        knobs: The knobs by id; a serving parameter must read back exactly.
        wanted: What was set, by parameter.
        found: What was read back.
    """
    for name, value in wanted.items():
        tolerance = knobs[name].tolerance if name in knobs else 0.0
        if not _agrees(value, found.get(name), tolerance):
            return f"{name} was set to {value} and reads back {found.get(name)}."
    return ""


def _agrees(wanted: Value, found: Value | None, tolerance: float) -> bool:
    if isinstance(wanted, str) or isinstance(found, str) or found is None:
        return wanted == found
    return abs(found - wanted) <= tolerance * abs(wanted)
